"""A thread that works beside its caller, in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

# Enough that neither side waits for the other; each holds a piece of a file.
_MOST_PENDING = 3


class Worker:
    """One thread that runs what it is called with, in order; a few pieces wait at the most.

    numpy lets go of the interpreter lock in its loops, so two cores share the work on columns. An
    error is raised by a later call, or by `finish`.
    """

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1, "voipbin-worker")
        self._pending: deque[Future[None]] = deque()

    def __call__(self, work: Callable[[], None]) -> None:
        """Have `work` run; waits while too much is waiting already."""
        while len(self._pending) >= _MOST_PENDING:
            self._pending.popleft().result()
        self._pending.append(self._pool.submit(work))

    def finish(self) -> None:
        """Wait until all is done, and end the thread."""
        while self._pending:
            self._pending.popleft().result()
        self._pool.shutdown()
