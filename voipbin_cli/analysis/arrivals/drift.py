"""By how many ppm the far end's clock runs faster than ours, by robust regression."""

from __future__ import annotations

from array import array
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from voipbin_cli.analysis.columns import Blocks, Floats, Ints

# Jitter and stalls only ever delay: the fastest frame of each half second is what counts.
WINDOW_FRAMES = 25
LEAST_WINDOWS = 8
MOST_WINDOWS = 400
# A lasting step of the delay by more than this, from one window to the next, is audio that never
# came or a new route: a clock that is off by 1000 ppm drifts by 0.5 ms in half a second.
STEP_NS = 10_000_000
# Windows before and behind a step that show whether it lasts: 3 s each.
_NEIGHBOURS = 6

Points = Floats


class Drift(NamedTuple):
    """`ppm`: positive where the far clock is faster than ours, so that audio piles up.

    `uncertainty_ppm` is half the width of the 95 % interval (Sen 1968). Both are None before
    four seconds of 20 ms frames. `windows` counts the points of the regression.
    """

    ppm: float | None
    uncertainty_ppm: float | None
    windows: int
    seconds: float


class DriftFold:
    """Theil-Sen regression of arrival time against audio time, over minima of windows.

    A day of 20 ms frames is kept as 172,800 pairs of numbers (2.8 MB).
    """

    def __init__(self) -> None:
        self._arrivals: Blocks[np.int64] = Blocks(WINDOW_FRAMES, np.int64)
        self._media: Blocks[np.int64] = Blocks(WINDOW_FRAMES, np.int64)
        self._offsets = array("q")
        self._times = array("q")

    def add_one(self, arrival_ns: int, media_ns: int) -> None:
        """Take one frame: its arrival, and how much audio came before it, in nanoseconds."""
        self.add([arrival_ns], [media_ns])

    def add(self, arrivals_ns: ArrayLike, media_ns: ArrayLike) -> None:
        """Take a chunk of frames in order of arrival."""
        arrivals, media = self._arrivals.add(arrivals_ns), self._media.add(media_ns)
        if not len(arrivals):
            return
        offsets = arrivals - media
        fastest = offsets.argmin(axis=1)[:, None]
        self._offsets.frombytes(np.take_along_axis(offsets, fastest, 1).tobytes())
        self._times.frombytes(np.take_along_axis(media, fastest, 1).tobytes())

    def result(self) -> Drift:
        """The figures so far; frames of a window not yet full do not count."""
        offsets, times = _thinned(np.array(self._offsets), np.array(self._times))
        seconds = float(times[-1] - times[0]) / 1e9 if times.size else 0.0
        if offsets.size < LEAST_WINDOWS or seconds <= 0:
            return Drift(None, None, offsets.size, seconds)
        slope, uncertainty = _theil_sen(times, _without_steps(offsets))
        # All of the audio came at once: arrival times that do not grow are no clock.
        if slope <= -1:
            return Drift(None, None, offsets.size, seconds)
        # Arrival time is (1 + slope) x audio time; later means a slower far clock.
        ppm = -slope / (1 + slope) * 1e6
        return Drift(ppm, uncertainty / (1 + slope) ** 2 * 1e6, offsets.size, seconds)


def _thinned(offsets: Ints, times: Ints) -> tuple[Points, Points]:
    """At most MOST_WINDOWS points, each the fastest frame of a longer window."""
    group = -(-offsets.size // MOST_WINDOWS)
    if group > 1:
        count = offsets.size // group
        rows = offsets[: count * group].reshape(count, group)
        index = rows.argmin(axis=1) + np.arange(count) * group
        offsets, times = offsets[index], times[index]
    first = offsets[:1]
    return (offsets - first).astype(np.float64), times.astype(np.float64)


def _without_steps(offsets: Points) -> Points:
    """Take out lasting steps: the least offset behind a jump is less or more than before it."""
    usual = float(np.median(np.diff(offsets)))
    trend = usual * np.arange(offsets.size)
    level = offsets - trend
    for index in np.flatnonzero(np.abs(np.diff(level)) > STEP_NS) + 1:
        before = level[max(0, index - _NEIGHBOURS) : index].min()
        step = float(level[index : index + _NEIGHBOURS].min() - before)
        if abs(step) > STEP_NS:
            level[index:] -= step
    without: Points = level + trend
    return without


def _theil_sen(times: Points, offsets: Points) -> tuple[float, float]:
    """Median of the slopes of all pairs, and half the width of its 95 % interval."""
    first, second = np.triu_indices(times.size, 1)
    run = times[second] - times[first]
    slopes = np.sort((offsets[second] - offsets[first])[run > 0] / run[run > 0])
    n = times.size
    spread = 1.96 * float(np.sqrt(n * (n - 1) * (2 * n + 5) / 18))
    low = max(0, int((slopes.size - spread) / 2))
    high = min(slopes.size - 1, int((slopes.size + spread) / 2) + 1)
    return float(np.median(slopes)), float(slopes[high] - slopes[low]) / 2
