"""Clipped samples: flat tops, at full scale or at any level below it.

Whatever cuts the sound off, an overdriven converter or a limiter upstream of a volume control, the
samples pile up at one value, the ceiling, and stay there for a few samples with a corner at either
end. A loud sound that just fits reaches its peak once, and a tone reaches its own in each period,
but round.
"""

from __future__ import annotations

from collections import Counter

import numpy as np

from voipbin_cli.analysis.columns import Floats, Ints, Samples
from voipbin_cli.analysis.sound.cutting import SoundFrames

# A flat top is three and more equal samples; two may be the round top of a tone.
_FLAT_SAMPLES = 3
# Its corner: the sample in front of it or behind it is a fifth lower at least. The steps of G.711
# are 3 to 6 % of the value, so that a round top of three equal samples is 17 % high at the most.
_CORNER = 0.8
# One flat top may be chance.
_LEAST_FLATS = 3
# A second is looked at where so many samples stand at its peak, and that is above -36 dBFS: a
# softer sound is not clipped on purpose of any device, and in G.711 has few values.
_LEAST_AT_PEAK = 4
_LEAST_PEAK = 512


class ClippingFold:
    """Counts the samples that stand at a ceiling."""

    def __init__(self) -> None:
        self._samples = 0
        # By the value of the ceiling: samples that stand at it, and flat tops.
        self._standing: Counter[int] = Counter()
        self._flats: Counter[int] = Counter()

    def add(self, sound: SoundFrames) -> None:
        """Take some frames."""
        for rows in (sound.samples_by_second, sound.rest):
            if rows.size:
                self._samples += rows.size
                self._look(rows, rows.max(axis=1).astype(np.int64))
                self._look(rows, rows.min(axis=1).astype(np.int64))

    def result(self) -> float:
        """The share of all samples that are clipped."""
        clipped = sum(
            count for value, count in self._standing.items() if self._flats[value] >= _LEAST_FLATS
        )
        return clipped / max(1, self._samples)

    def _look(self, rows: Samples, peaks: Ints) -> None:
        loud = np.flatnonzero(np.abs(peaks) >= _LEAST_PEAK)
        at_peak = rows[loud] == peaks[loud, None].astype(np.int16)
        counts = np.count_nonzero(at_peak, axis=1)
        for n in np.flatnonzero(counts >= _LEAST_AT_PEAK).tolist():
            value = int(peaks[loud[n]])
            self._standing[value] += int(counts[n])
            self._flats[value] += _flat_tops(rows[loud[n]], np.flatnonzero(at_peak[n]))


def _flat_tops(samples: Samples, at_peak: Ints) -> int:
    """How many runs of samples at the peak are long, and have a corner."""
    breaks = np.flatnonzero(np.diff(at_peak) > 1)
    first = at_peak[np.concatenate([[0], breaks + 1])]
    last = at_peak[np.concatenate([breaks, [len(at_peak) - 1]])]
    long = last - first >= _FLAT_SAMPLES - 1
    share: Floats = samples / float(samples[at_peak[0]])
    before = share[np.maximum(first - 1, 0)]
    behind = share[np.minimum(last + 1, len(share) - 1)]
    return int(np.count_nonzero(long & ((before < _CORNER) | (behind < _CORNER))))
