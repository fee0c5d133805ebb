"""One clock for every stream: absolute deadlines, and one wake-up for all that is due."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import time
from collections.abc import Callable

# Runs at its deadline with the time now; gives the next deadline, or None when it is done.
Job = Callable[[int], int | None]


class Ticker:
    """Runs jobs at absolute times (ns of `clock`); being late once makes nobody later.

    `clock` has to be the event loop's own clock, in nanoseconds.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, clock: Callable[[], int] = time.monotonic_ns
    ) -> None:
        self.clock = clock
        self.wakeups = 0
        self._loop = loop
        self._jobs: list[tuple[int, int, Job]] = []
        self._order = itertools.count()
        self._timer: asyncio.TimerHandle | None = None
        self._timer_ns = 0

    def add_job(self, due_ns: int, job: Job) -> None:
        """Run `job` at `due_ns`; it is kept while it gives a next deadline."""
        heapq.heappush(self._jobs, (due_ns, next(self._order), job))
        self._arm()

    def _arm(self) -> None:
        due_ns = self._jobs[0][0]
        if self._timer is not None:
            if self._timer_ns <= due_ns:
                return
            self._timer.cancel()
        self._timer_ns = due_ns
        self._timer = self._loop.call_at(due_ns / 1e9, self._wake)

    def _wake(self) -> None:
        self._timer = None
        self.wakeups += 1
        now_ns = self.clock()
        while self._jobs and self._jobs[0][0] <= now_ns:
            _, order, job = heapq.heappop(self._jobs)
            next_ns = job(now_ns)
            if next_ns is not None:
                heapq.heappush(self._jobs, (next_ns, order, job))
        if self._jobs:
            self._arm()

    def close(self) -> None:
        """Run nothing any more."""
        self._jobs.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
