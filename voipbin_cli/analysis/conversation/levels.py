"""How loud a track is, 10 ms at a time: what sounds, and what sounds on around a word."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from voipbin_cli.analysis.columns import Blocks, Samples
from voipbin_cli.codec.codecs import SAMPLE_RATE_HZ

_HOP_MS = 10
_HOP = SAMPLE_RATE_HZ * _HOP_MS // 1000
# Louder than this a line is not dead, whatever is heard: music, a tone, a noisy room.
_SOUNDS_DBFS = -42
# What pauses for less sounds on; what is shorter is a click.
_PAUSE_HOPS, _LEAST_HOPS = 50, 10
# Speech begins out of a quieter line, and ends in one. What does neither, or ends in what is as
# loud, is a part of what sounds on: a chord and its drum, one voice of many.
_AROUND_HOPS = 30
_QUIETER_DB, _LOUD_STILL_DB = 10.0, 6.0


class LevelTrack:
    """Levels of int16 samples at 8 kHz; times are milliseconds from its first sample."""

    def __init__(self) -> None:
        self._hops: Blocks[np.int16] = Blocks(_HOP, np.int16)
        # Whole decibels: a day of them is 9 MB.
        self._levels: list[NDArray[np.int8]] = []

    def add(self, samples: Samples) -> None:
        """Take what comes next."""
        hops = self._hops.add(samples)
        if len(hops):
            means = np.mean(hops.astype(np.float64) ** 2, axis=1) / 32768**2
            decibels = np.rint(10 * np.log10(np.maximum(means, 1e-12)))
            self._levels.append(decibels.astype(np.int8))

    @property
    def sounding_ms(self) -> list[tuple[int, int]]:
        """From when until when anything sounds."""
        at = np.flatnonzero(self._all > _SOUNDS_DBFS)
        edges = np.flatnonzero(np.diff(at) > _PAUSE_HOPS) + 1
        runs = [run for run in np.split(at, edges) if run.size >= _LEAST_HOPS]
        return [(int(run[0]) * _HOP_MS, int(run[-1] + 1) * _HOP_MS) for run in runs]

    def sounds_on_around(self, start_ms: int, end_ms: int) -> bool:
        """What sounds in that time does so after it, about as loud, and did before it."""
        start, end = start_ms // _HOP_MS, -(-end_ms // _HOP_MS)
        levels = self._all
        before, after = levels[max(0, start - _AROUND_HOPS) : start], levels[end:][:_AROUND_HOPS]
        level, earlier = _mean(levels[start:end]), _mean(before)
        later = _mean(after) if after.size else earlier  # the end of the track cuts it off
        if later > level - _LOUD_STILL_DB:
            return True
        return min(earlier, later) > level - _QUIETER_DB

    @property
    def _all(self) -> NDArray[np.int8]:
        if len(self._levels) != 1:
            self._levels = [np.concatenate([np.empty(0, np.int8), *self._levels])]
        return self._levels[0]


def _mean(levels: NDArray[np.int8]) -> float:
    """The level of the mean power."""
    return float(10 * np.log10(np.mean(10 ** (levels / 10)))) if levels.size else -120.0
