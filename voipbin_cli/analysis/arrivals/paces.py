"""The nominal rate of a stream's own clock (RTP timestamps, bytes), measured by arrival times."""

from __future__ import annotations

from array import array

import numpy as np

from voipbin_cli.analysis.columns import Ints

CLOCKS_HZ = (8000, 16_000, 24_000, 32_000, 48_000, 96_000)
# The median over 50 pairs of frames that are 50 frames (1 s) apart: a pause is in some of them.
_FRAMES = 100
_SPAN = 50


class ClockFold:
    """The rate of what counts samples (or bytes), decided by the first hundred frames.

    `hz` is None until then: the nearest of CLOCKS_HZ to the median over spans of fifty frames.
    """

    def __init__(self, hz: int | None = None) -> None:
        self.hz = hz
        self._arrivals = array("q")
        self._ticks = array("q")

    def add(self, arrivals_ns: Ints, ticks: Ints) -> None:
        """Take frames: arrivals, and what the clock said, counted on without wrapping."""
        if self.hz is not None:
            return
        room = _FRAMES - len(self._arrivals)
        self._arrivals.extend(arrivals_ns[:room].tolist())
        self._ticks.extend(ticks[:room].tolist())
        if len(self._arrivals) >= _FRAMES:
            self.decide()

    def decide(self) -> None:
        """Decide by what there is; without two frames it is 8000."""
        if self.hz is None:
            pace = self.pace_hz()
            usual = CLOCKS_HZ[0] if pace is None or pace <= 0 else pace
            self.hz = min(CLOCKS_HZ, key=lambda hz: abs(np.log(hz / usual)))

    def pace_hz(self) -> float | None:
        """Ticks a second over the frames held, the median over spans; None without a span."""
        arrivals, ticks = np.array(self._arrivals), np.array(self._ticks)
        span = min(_SPAN, len(arrivals) - 1)
        if span < 1:
            return None
        took = arrivals[span:] - arrivals[:-span]
        went = ticks[span:] - ticks[:-span]
        usable = took > 0
        return float(np.median(went[usable] / took[usable])) * 1e9 if usable.any() else None
