"""A file between the event loop and the disk: what is given is written by another thread."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from voipbin_cli.errors import MachineError
from voipbin_cli.media.rounds import Rounds
from voipbin_cli.media.writer import ByteWriter

DEFAULT_LIMIT_BYTES = 16 << 20
"""17 minutes of 8 kHz s16le: a disk that is this far behind has failed."""

# The files of a process share one thread. A disk that stands still holds up all of them alike.
_FILES = Rounds()


class BackgroundWriter:
    """Hands bytes to a `ByteWriter` in batches, so that the caller never waits for a disk.

    A thread comes round every `interval_s`, writes what has come and flushes; about every
    `sync_s` it brings all to the disk itself. An error ends the writing and is raised by the next
    call. `write`, `drain` and `close` belong to one caller's thread. A pipe has a thread of its
    own: its reader may take as long as it likes, and no file waits for that.

    Args:
        writer: any ByteWriter; it is used by the thread alone from here on.
        interval_s: what a killed process may lose.
        sync_s: what a power cut may lose beyond that.
        limit_bytes: `write` waits for the disk when so much is pending.
        stall_s: how long a `write` at the limit waits before it gives up.
    """

    def __init__(
        self,
        writer: ByteWriter,
        *,
        interval_s: float = 0.25,
        sync_s: float = 0.5,
        limit_bytes: int = DEFAULT_LIMIT_BYTES,
        stall_s: float = 10.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.interval_s = interval_s
        self._writer = writer
        self._sync_s = sync_s
        self._limit_bytes = limit_bytes
        self._stall_s = stall_s
        self._clock = clock
        self._pending: list[bytes] = []
        self._pending_bytes = 0
        self._in_hand_bytes = 0
        self._lock = threading.Lock()
        self._room = threading.Condition(self._lock)
        self._ended = threading.Event()
        self._stopping = False
        self._closed = False
        self._error: BaseException | None = None
        self._synced_at_s = clock()
        self._is_dirty = False
        self._rounds = Rounds() if writer.may_block else _FILES
        self._rounds.join(self)

    @property
    def pending_bytes(self) -> int:
        """Bytes given that the file does not hold yet."""
        return self._pending_bytes + self._in_hand_bytes

    @property
    def full(self) -> bool:
        """The next `write` would wait for the disk."""
        return self.pending_bytes >= self._limit_bytes

    def write(self, data: bytes) -> None:
        """Take `data` for the file; waits only at the limit.

        Raises:
            MachineError: an earlier batch could not be written, or the disk stands still.
            BrokenPipeError: the reader of a pipe has gone.
        """
        if self._error is not None:
            raise self._error
        if self._closed:
            raise ValueError("write to a closed BackgroundWriter")
        if self.full:
            self._wait_for_room(self._limit_bytes // 2)
        with self._lock:
            self._pending.append(data)
            self._pending_bytes += len(data)
        if self._pending_bytes * 4 > self._limit_bytes:
            self._rounds.hurry(self)

    def drain(self) -> None:
        """Wait until the file holds all that was given, then raise as `write` does."""
        self._wait_for_room(0)

    def close(self) -> None:
        """Write everything and finish the file. Twice is no error.

        Raises:
            MachineError, BrokenPipeError: as `write`; what could be saved is saved.
        """
        if self._closed:
            return
        self._closed = True
        self._stopping = True
        self._rounds.hurry(self)
        self._ended.wait()
        if self._error is not None:
            raise self._error

    def _wait_for_room(self, pending_bytes: int) -> None:
        self._rounds.hurry(self)
        with self._room:
            in_time = self._room.wait_for(
                lambda: self._error is not None or self.pending_bytes <= pending_bytes,
                timeout=self._stall_s,
            )
        if self._error is not None:
            raise self._error
        if not in_time:
            raise MachineError(
                f"the disk took nothing for {self._stall_s:g} s", hint="write to another disk"
            )

    # The thread's side

    def serve(self) -> bool:
        """Write what has come; False when that was all, or failed."""
        # Read before the batch is taken: what is given before close() is never left behind.
        stopping = self._stopping
        try:
            if self._write_batch():
                self._writer.flush()
                self._is_dirty = True
            self._batch_is_kept()
        except BaseException as error:
            self._error = error
        if not stopping and self._error is None:
            return True
        self._end()
        return False

    def sync_is_due(self) -> bool:
        """Something was written, and `sync_s` have passed."""
        return self._is_dirty and self._clock() - self._synced_at_s >= self._sync_s

    def sync(self) -> None:
        """Bring it to the disk itself; an error is the next round's."""
        self._synced_at_s, self._is_dirty = self._clock(), False
        try:
            self._writer.flush(sync=True)
        except BaseException as error:
            self._error = error

    def _end(self) -> None:
        try:
            self._writer.close()
        except BaseException as error:
            self._error = self._error or error
        with self._room:
            self._room.notify_all()
        self._ended.set()

    def _write_batch(self) -> bool:
        """Write what is pending; False when there was nothing."""
        with self._lock:
            batch, self._pending = self._pending, []
            self._in_hand_bytes, self._pending_bytes = self._pending_bytes, 0
        if not batch:
            return False
        self._writer.write(b"".join(batch))
        return True

    def _batch_is_kept(self) -> None:
        with self._room:
            self._in_hand_bytes = 0
            self._room.notify_all()
