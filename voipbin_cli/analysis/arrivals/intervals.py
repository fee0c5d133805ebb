"""The time between frames: least, mean, percentiles, most; exact to a tenth of a millisecond."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from voipbin_cli.analysis.columns import Ints

# Bins of 0.1 ms up to 2 s; the last one holds everything above.
_BIN_NS = 100_000
_BINS = 20_000


class Intervals(NamedTuple):
    """Milliseconds between arrivals; the percentiles are rounded to 0.1 ms, up to 2 s."""

    min: float
    mean: float
    p50: float
    p95: float
    p99: float
    max: float


class IntervalFold:
    """A histogram of intervals, as long as the longest; with their extremes and their sum."""

    def __init__(self) -> None:
        self._bins: Ints = np.zeros(0, np.int64)
        self._count = self._sum_ns = 0
        self._least_ns, self._most_ns = 1 << 62, 0

    def add(self, intervals_ns: Ints) -> None:
        """Take intervals in nanoseconds, none negative."""
        if not len(intervals_ns):
            return
        bins = np.minimum((intervals_ns + _BIN_NS // 2) // _BIN_NS, _BINS)
        counts = np.bincount(bins, minlength=len(self._bins))
        counts[: len(self._bins)] += self._bins
        self._bins = counts
        self._count += len(intervals_ns)
        self._sum_ns += int(intervals_ns.sum())
        self._least_ns = min(self._least_ns, int(intervals_ns.min()))
        self._most_ns = max(self._most_ns, int(intervals_ns.max()))

    def share(self, least_ms: float, most_ms: float) -> float:
        """The share of intervals between these, to a tenth of a millisecond."""
        low, high = (round(ms * 1e6 / _BIN_NS) for ms in (least_ms, most_ms))
        return int(self._bins[low : high + 1].sum()) / self._count if self._count else 0.0

    def result(self) -> Intervals | None:
        """The figures so far, None before two frames."""
        if not self._count:
            return None
        below = self._bins.cumsum()
        places = [int(np.searchsorted(below, self._count * share)) for share in (0.5, 0.95, 0.99)]
        p50, p95, p99 = (min(place * _BIN_NS, self._most_ns) / 1e6 for place in places)
        mean = self._sum_ns / self._count / 1e6
        return Intervals(self._least_ns / 1e6, mean, p50, p95, p99, self._most_ns / 1e6)
