"""A capture of a call as the bot could have made it: what the platform sent is what came to it."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from voipbin_cli.capture.captured import CaptureEventName, CaptureMeta
from voipbin_cli.capture.pcapng_writer import PcapngWriter
from voipbin_cli.codec.encapsulation import Direction, Encapsulation
from voipbin_cli.errors import MachineError

# RFC 6455 7.1.5: the code of an end without a close frame, which is how the platform ends a stream.
_NO_CLOSE_FRAME = 1006


class CallTap:
    """Writes every message of a call and how it ended; times are of `clock`, in ns.

    Raises MachineError where the file cannot be made or written.
    """

    def __init__(
        self,
        path: Path,
        target: str,
        clock: Callable[[], int],
        wall_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self._path = path
        self._target = target
        self._clock = clock
        self._offset_ns = wall_ns() - clock()
        self._writer: PcapngWriter | None = None
        self._connections = 0
        self._opened_ns = 0

    def opened(self, encapsulation: Encapsulation) -> None:
        """A connection of the bot is up; the first says what is spoken."""
        if self._writer is None:
            try:
                file = self._path.open("wb")
            except OSError as error:
                raise MachineError(f"cannot write {self._path}: {error.strerror}") from None
            self._writer = PcapngWriter(file, CaptureMeta(encapsulation, self._target))
        self._opened_ns = self._clock()
        self._event(CaptureEventName.OPEN, connection=self._connections)
        self._connections += 1

    def sent(self, message: bytes) -> None:
        """The bot is sent a message."""
        self._message(Direction.IN, message)

    def came(self, message: bytes) -> None:
        """The bot has sent one."""
        self._message(Direction.OUT, message)

    def ended(self, *, by_bot: bool) -> None:
        """A connection is over."""
        self._event(
            CaptureEventName.CLOSE,
            connection=self._connections - 1,
            code=1000 if by_bot else _NO_CLOSE_FRAME,
            reason="",
            cause="finished" if by_bot else "call-ended",
            lasted_s=round((self._clock() - self._opened_ns) / 1e9, 3),
            local=by_bot,
        )

    def close(self) -> None:
        """Finish the file. Twice is no error."""
        if self._writer is not None:
            self._event(CaptureEventName.END, cause="call-ended")
            self._writer.close()
            self._writer = None

    def _message(self, direction: Direction, message: bytes) -> None:
        if self._writer is not None:
            self._writer.message(self._clock() + self._offset_ns, direction, message)

    def _event(self, name: CaptureEventName, **fields: object) -> None:
        if self._writer is not None:
            self._writer.event(self._clock() + self._offset_ns, name.value, fields)
