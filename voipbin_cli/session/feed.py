"""Audio to be sent, read ahead by a thread so that neither disk nor pipe ever delays a frame."""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Iterator

# Five seconds of 20 ms blocks: longer than any disk thinks, and no memory to speak of.
AHEAD_BLOCKS = 250
_LOOK_AGAIN_S = 0.2


class Feed:
    """Hands out the blocks of `blocks`, 20 ms of s16le each, without ever waiting for them.

    `is_over` is true once everything was handed out. An error of the reader is raised by `take`,
    after what it had read before.
    """

    def __init__(self, blocks: Iterator[bytes], *, ahead: int = AHEAD_BLOCKS) -> None:
        self.is_over = False
        self._blocks = blocks
        self._ready: queue.Queue[bytes | BaseException | None] = queue.Queue(ahead)
        self._closed = threading.Event()
        # A daemon: a read of standard input cannot be interrupted.
        self._thread = threading.Thread(target=self._read, name="voipbin-reader", daemon=True)
        self._thread.start()

    def take(self) -> bytes | None:
        """Return the next block, None when it is not there yet or everything was handed out."""
        if self.is_over:
            return None
        try:
            block = self._ready.get_nowait()
        except queue.Empty:
            return None
        if isinstance(block, BaseException):
            self.is_over = True
            raise block
        self.is_over = block is None
        return block

    def close(self) -> None:
        """Read no further. Twice is no error."""
        self._closed.set()

    def _read(self) -> None:
        try:
            for block in self._blocks:
                if not self._put(block):
                    return
            self._put(None)
        except BaseException as error:
            self._put(error)

    def _put(self, block: bytes | BaseException | None) -> bool:
        """Wait for room; False when nobody wants more."""
        while not self._closed.is_set():
            with contextlib.suppress(queue.Full):
                self._ready.put(block, timeout=_LOOK_AGAIN_S)
                return True
        return False
