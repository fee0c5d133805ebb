"""Arrivals for plots: every frame of the first minutes, and the worst gap of each second of all."""

from __future__ import annotations

from array import array

import numpy as np

from voipbin_cli.analysis.columns import Floats, Ints

# A week; a file whose times lie further apart is damaged, and must not fill the memory.
_MOST_SECONDS = 7 * 86_400


class Trace:
    """The first `keep` arrivals in full; of each second of all the longest gap and the count.

    Times are seconds since the first frame, gaps and delays milliseconds; a delay is what lies
    above the first frame's.
    """

    def __init__(self, keep: int = 0) -> None:
        self._keep = keep
        self._times, self._gaps, self._delays = array("d"), array("d"), array("d")
        self._longest = array("d")
        self._counts = array("q")
        self._start_ns: int | None = None
        self._base_ns = 0

    def add(self, times_ns: Ints, gaps_ns: Ints, delays_ns: Ints) -> None:
        """Take frames in order of arrival."""
        if self._start_ns is None:
            self._start_ns, self._base_ns = int(times_ns[0]), int(delays_ns[0])
        room = self._keep - len(self._times)
        if room > 0:
            self._times.extend(((times_ns[:room] - self._start_ns) / 1e9).tolist())
            self._gaps.extend((gaps_ns[:room] / 1e6).tolist())
            self._delays.extend(((delays_ns[:room] - self._base_ns) / 1e6).tolist())
        if self._keep:
            self._add_seconds(times_ns, gaps_ns)

    def _add_seconds(self, times_ns: Ints, gaps_ns: Ints) -> None:
        assert self._start_ns is not None
        seconds = np.clip((times_ns - self._start_ns) // 1_000_000_000, 0, _MOST_SECONDS - 1)
        missing = int(seconds.max()) + 1 - len(self._longest)
        self._longest.extend([0.0] * max(0, missing))
        self._counts.extend([0] * max(0, missing))
        longest = np.frombuffer(self._longest)
        np.maximum.at(longest, seconds, gaps_ns / 1e6)
        np.add.at(np.frombuffer(self._counts, np.int64), seconds, 1)

    def rows(self) -> tuple[Floats, Floats, Floats]:
        """Seconds, gaps and delays of the rows that were kept."""
        return np.array(self._times), np.array(self._gaps), np.array(self._delays)

    def seconds(self) -> tuple[Floats, Ints]:
        """Of each second the longest gap in ms, and how many frames came."""
        return np.array(self._longest), np.array(self._counts)

    def latest_gaps(self, count: int) -> list[float]:
        """The longest gaps of the latest seconds, in ms."""
        return list(self._longest[-count:])
