"""This process's own lateness, so that a busy machine never blames the network."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class LagMeter:
    """Wakes up on an absolute grid and tells how late each wake-up was.

    A blocked loop, a starved process and a suspended machine all show the same way: the tick
    that was due in that time comes late. `told(at_ns, late_ns)` hears of every tick.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        interval_s: float,
        clock: Callable[[], int],
        told: Callable[[int, int], None],
    ) -> None:
        self._loop = loop
        self._interval_s = interval_s
        self._clock = clock
        self._told = told
        self._due_s = 0.0
        self._handle: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Begin to tick."""
        self._due_s = self._loop.time() + self._interval_s
        self._handle = self._loop.call_at(self._due_s, self._tick)

    def stop(self) -> None:
        """Tick no more."""
        if self._handle is not None:
            self._handle.cancel()

    def _tick(self) -> None:
        now_s = self._loop.time()
        self._told(self._clock(), int((now_s - self._due_s) * 1e9))
        # The grid goes on where it was, less the ticks that were slept through.
        missed = max(0, int((now_s - self._due_s) / self._interval_s))
        self._due_s += (missed + 1) * self._interval_s
        self._handle = self._loop.call_at(self._due_s, self._tick)
