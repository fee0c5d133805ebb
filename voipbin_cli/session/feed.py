"""Audio to be sent, read ahead by a thread so that neither disk nor pipe ever delays a frame."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator

from voipbin_cli.session.hearer import Hearer

# Ten seconds of 20 ms blocks: longer than any disk thinks, and no memory to speak of.
AHEAD_BLOCKS = 500
# Between two blocks the reader leaves the interpreter to whoever has a deadline, and it begins
# again only when half of what is ahead is used up: a thread that reads all the time is felt.
_REST_S = 0.001


class Feed(Hearer):
    """Hands out the blocks of `blocks`, 20 ms of s16le each, without ever waiting for them.

    `is_over` is true once everything was handed out. An error of the reader is raised by
    `next_frame`, after what it had read before.
    """

    is_worth_a_run = False

    def __init__(self, blocks: Iterator[bytes], *, ahead: int = AHEAD_BLOCKS) -> None:
        self.is_over = False
        self._blocks = blocks
        self._ahead = ahead
        self._ready: deque[bytes | BaseException | None] = deque()
        self._is_wanted = threading.Event()
        self._closed = threading.Event()
        # A daemon: a read of standard input cannot be interrupted.
        self._thread = threading.Thread(target=self._read, name="voipbin-reader", daemon=True)
        self._thread.start()

    def next_frame(self) -> bytes | None:
        """Return the next block, None when it is not there yet or everything was handed out."""
        if self.is_over or not self._ready:
            return None
        block = self._ready.popleft()
        if len(self._ready) * 2 <= self._ahead:
            self._is_wanted.set()
        if isinstance(block, BaseException):
            self.is_over = True
            raise block
        self.is_over = block is None
        return block

    def finish(self) -> None:
        """Read no further. Twice is no error."""
        self._closed.set()
        self._is_wanted.set()

    def _read(self) -> None:
        try:
            for block in self._blocks:
                self._ready.append(block)
                self._rest()
                if self._closed.is_set():
                    return
            self._ready.append(None)
        except BaseException as error:
            self._ready.append(error)

    def _rest(self) -> None:
        if len(self._ready) < self._ahead:
            self._closed.wait(_REST_S)
        else:
            self._is_wanted.clear()
            # Whoever took the last block meanwhile saw no event to set.
            if len(self._ready) >= self._ahead:
                self._is_wanted.wait()
