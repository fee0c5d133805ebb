"""Between the event loop and the disk: bytes that a thread writes in batches."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from voipbin_cli.errors import MachineError
from voipbin_cli.media.audio_writer import ByteWriter
from voipbin_cli.media.writer_threads import schedule

DEFAULT_LIMIT_BYTES = 16 << 20
"""17 minutes of 8 kHz s16le: a disk that is this far behind has failed."""

_PIECE_BYTES = 1 << 14


class BackgroundWriter:
    """Hands bytes to a `ByteWriter` in batches, so that the caller never waits for a disk.

    A thread that all files of one file system share (`writer_threads.py`) writes every `interval_s`
    what has come, and flushes it; about every `sync_s` it has the disk itself keep it. An error
    closes this file, no other, and is raised by the next call. `write`, `drain` and `close`
    belong to one caller's thread.

    Args:
        writer: any ByteWriter; it is used by the thread alone from here on.
        interval_s: what a killed process may lose.
        sync_s: what a power cut may lose beyond that, where the disk keeps up.
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
        # Each is changed by one thread only, the caller's and the writer's: no lock is needed.
        self._given_bytes = self._kept_bytes = 0
        self._room = threading.Condition()
        self._stopping = self._finished = False
        self._error: BaseException | None = None
        self._dirty = False
        self._synced_s = clock()
        self._turn = schedule(self, writer.filesystem)

    # The caller's side

    @property
    def pending_bytes(self) -> int:
        """Bytes given that the file does not hold yet."""
        return self._given_bytes - self._kept_bytes

    @property
    def full(self) -> bool:
        """The next `write` would wait for the disk."""
        return self._error is None and self.pending_bytes >= self._limit_bytes

    def write(self, data: bytes) -> None:
        """Take `data` for the file; waits only at the limit.

        Raises:
            MachineError: an earlier batch could not be written, or the disk stands still.
            BrokenPipeError: the reader of a pipe has gone.
        """
        if self._error is not None:
            raise self._error
        if self._stopping:
            raise ValueError("write to a closed BackgroundWriter")
        pending_bytes = self._given_bytes - self._kept_bytes
        if pending_bytes >= self._limit_bytes:
            self._wait_for_room(self._limit_bytes // 2)
        elif pending_bytes * 4 > self._limit_bytes:
            self._turn.hurry()
        self._given_bytes += len(data)
        self._pending.append(data)

    def drain(self) -> None:
        """Wait until the file holds all that was given, then raise as `write` does."""
        self._wait_for_room(0)

    def close(self) -> None:
        """Write everything and finish the file, as long as it takes some. Twice is no error.

        Raises:
            MachineError, BrokenPipeError: as `write`; what could be saved is saved.
        """
        if self._stopping:
            return
        self._stopping = True
        if self._turn.is_served:
            self._turn.hurry()
            while not self._finished and self._moves_on():
                pass
        if self._error is not None:
            raise self._error
        if self._turn.is_served and not self._finished:
            raise self._stalled()

    def _moves_on(self) -> bool:
        """Wait until the file is finished, or holds more; False where neither comes in time."""
        before = self._kept_bytes
        with self._room:
            return self._room.wait_for(
                lambda: self._finished or self._kept_bytes > before, timeout=self._stall_s
            )

    def _stalled(self) -> MachineError:
        if self._writer.filesystem is None:
            return MachineError(
                f"nobody read what is recorded for {self._stall_s:g} s, and the rest is lost",
                hint="is there a program at the other end of the pipe?",
            )
        return MachineError(
            f"the disk took nothing for {self._stall_s:g} s", hint="write to another disk"
        )

    def _wait_for_room(self, pending_bytes: int) -> None:
        self._turn.hurry()
        with self._room:
            in_time = self._room.wait_for(
                lambda: self._finished or self.pending_bytes <= pending_bytes,
                timeout=self._stall_s,
            )
        if self._error is not None:
            raise self._error
        if not in_time:
            raise self._stalled()

    # The thread's side (`writer_threads.WriteJob`)

    def serve(self) -> bool:
        """Write what has come; False when the file is finished, for good or ill."""
        # Read before the batch is taken, so that all that was given before close() is written.
        stopping = self._stopping
        try:
            self._write_batch()
        except BaseException as error:
            self._error = error
        if not (stopping or self._error):
            return True
        try:
            self._writer.close()
        except BaseException as error:
            self._error = self._error or error
        with self._room:
            self._finished = True
            self._room.notify_all()
        return False

    @property
    def overdue_s(self) -> float:
        """Seconds since a sync was due, negative before it; half a turn early counts as due."""
        if not self._dirty:
            return -1.0
        return self._clock() - self._synced_s - self._sync_s + self.interval_s / 2

    def sync(self) -> None:
        """Have the disk keep the file; an error closes it with the next turn."""
        self._synced_s, self._dirty = self._clock(), False
        try:
            self._writer.flush(sync=True)
        except BaseException as error:
            self._error = error

    def _write_batch(self) -> None:
        if self._error is not None or not (batch := self._pending.copy()):
            return
        del self._pending[: len(batch)]
        data = b"".join(batch)
        # A pipe whose reader is slow shows that it moves on.
        piece_bytes = len(data) if self._writer.filesystem is not None else _PIECE_BYTES
        for at in range(0, len(data), piece_bytes):
            piece = data[at : at + piece_bytes]
            self._writer.write(piece)
            self._writer.flush()
            self._dirty = True
            with self._room:
                self._kept_bytes += len(piece)
                self._room.notify_all()
