"""Work done in turns of the event loop, in order."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable


class LoopTurns:
    """Runs what it is called with in order, each piece in a turn of its own of the event loop.

    What else waits for the loop comes in between: it is held up by a piece, not by the whole. An
    error is raised by a later call, or by `finish`.
    """

    def __init__(self) -> None:
        self._pending: deque[Callable[[], None]] = deque()
        self._error: BaseException | None = None

    def __call__(self, work: Callable[[], None]) -> None:
        """Have `work` run once those before it are done."""
        self._raise()
        self._pending.append(work)
        if len(self._pending) == 1:
            self._schedule()

    def finish(self) -> None:
        """Do all that waits, now."""
        while self._pending:
            self._pending.popleft()()
        self._raise()

    def _schedule(self) -> None:
        # A timer that is due runs behind what the sockets have brought; a callback would not.
        asyncio.get_running_loop().call_later(0, self._take_turn)

    def _take_turn(self) -> None:
        if not self._pending:
            return
        try:
            self._pending.popleft()()
        except BaseException as error:
            self._error = error
        if self._pending:
            self._schedule()

    def _raise(self) -> None:
        if self._error is not None:
            raise self._error
