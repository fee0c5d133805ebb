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
        self._interval_ns = round(interval_s * 1e9)
        self._clock = clock
        self._told = told
        self._due_ns = 0
        self._handle: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Begin to tick."""
        self._due_ns = self._clock() + self._interval_ns
        self._handle = self._loop.call_later(self._interval_ns / 1e9, self._tick)

    def stop(self) -> None:
        """Tick no more."""
        if self._handle is not None:
            self._handle.cancel()

    def _tick(self) -> None:
        now_ns = self._clock()
        late_ns = max(0, now_ns - self._due_ns)
        self._told(now_ns, late_ns)
        # The grid goes on where it was, less the ticks that were slept through.
        self._due_ns += (late_ns // self._interval_ns + 1) * self._interval_ns
        # A clock that goes on while the machine is suspended is not the event loop's.
        wait_ns = min(max(0, self._due_ns - self._clock()), self._interval_ns)
        self._handle = self._loop.call_later(wait_ns / 1e9, self._tick)
