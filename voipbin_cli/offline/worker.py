"""The thread that measures the sound of a file while the next piece is read."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType

# Enough that neither side waits for the other; each holds a piece of the file in memory.
_MOST_PENDING = 3


class Worker:
    """One thread that does what it is called with, in order; a few pieces wait at the most.

    numpy lets go of the interpreter lock in its loops, so that two cores share the work. An error
    is raised by a later call, or at the end of the `with` statement, which waits for all of it.
    """

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1, "voipbin-worker")
        self._pending: deque[Future[None]] = deque()

    def __enter__(self) -> Worker:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        try:
            while self._pending and error is None:
                self._pending.popleft().result()
        finally:
            self._pool.shutdown(cancel_futures=True)

    def __call__(self, work: Callable[[], None]) -> None:
        """Have `work` done; waits while too much is waiting already."""
        while len(self._pending) >= _MOST_PENDING:
            self._pending.popleft().result()
        self._pending.append(self._pool.submit(work))
