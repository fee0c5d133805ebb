"""Clipped samples: flat tops, at full scale or at any level below it.

Whatever cuts the sound off, an overdriven converter or a limiter upstream of a volume control, the
samples pile up at one value, the ceiling, and stay there for a few samples with a corner at either
end. A loud sound that just fits reaches its peak once, and a tone reaches its own in each period,
but round. A buzzer or a game is flat by nature: it jumps from one flat top to another as flat on
the other side, and on one side each lasts as long as the next; or, where several sound at once, it
stands still between its flat tops as well.
"""

from __future__ import annotations

from collections import Counter

import numpy as np

from voipbin_cli.analysis.columns import Floats, Ints, Mask, Samples
from voipbin_cli.analysis.sound.cutting import SoundFrames

# A flat top is three and more equal samples; two may be the round top of a tone.
_FLAT_SAMPLES = 3
# Its corner: the sample in front of it or behind it is a fifth lower at least. The steps of G.711
# are 3 to 6 % of the value, so that a round top of three equal samples is 17 % high at the most.
_CORNER = 0.8
# A buzzer's: before it, or behind, two samples well on the other side of zero are within a step of
# G.711 (6 %), and the time between zeros is the same, to a sample, as the one before or behind on
# this side. (One that fades may stand at its peak for less than that.) So is every second one.
_OTHER_SIDE = -0.2
_LEVEL = 0.08
_REGULAR_SHARE = 0.5
# Of what is between a tenth of the peak and nine so many samples are the same as one next to them
# in square waves, and at the most 0.26 in clipped speech of mu-law's steps; so many samples have to
# be there to tell it by.
_BETWEEN = (0.1, 0.9)
_STILL_SHARE, _BETWEEN_LEAST = 0.6, 400
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
        # Few samples stand there: to find them costs less than to add up all columns.
        counts = np.bincount(np.flatnonzero(at_peak) // rows.shape[1], minlength=loud.size)
        often = np.flatnonzero(counts >= _LEAST_AT_PEAK)
        if not often.size:
            return
        looked_at = loud[often]
        flats = _flat_tops(rows[looked_at], peaks[looked_at], at_peak[often])
        topped = np.flatnonzero(flats)
        flats[topped[_stands_still(rows[looked_at[topped]], peaks[looked_at[topped]])]] = 0
        for value, count, flat in zip(
            peaks[looked_at].tolist(), counts[often].tolist(), flats.tolist(), strict=True
        ):
            self._standing[value] += count
            self._flats[value] += flat


def _flat_tops(rows: Samples, peaks: Ints, at_peak: Mask) -> Ints:
    """How many runs of samples at the peak are long, and have a corner; a number for each row.

    None in a row whose runs are those of a buzzer.
    """
    row, column = np.nonzero(at_peak)
    is_new = np.append(True, (np.diff(row) > 0) | (np.diff(column) > 1))
    first = np.flatnonzero(is_new)
    last = np.append(first[1:], row.size) - 1
    is_long = column[last] - column[first] >= _FLAT_SAMPLES - 1
    row, first, last = row[first[is_long]], column[first[is_long]], column[last[is_long]]
    reach = np.array([1, 2])
    before = np.maximum(first[:, None] - reach, 0)
    behind = np.minimum(last[:, None] + reach, rows.shape[1] - 1)
    sides = [rows[row[:, None], side] / peaks[row, None] for side in (before, behind)]
    has_corner = (sides[0][:, 0] < _CORNER) | (sides[1][:, 0] < _CORNER)
    of_a_buzzer = _is_periodic(rows, row, first) & (_is_flat(sides[0]) | _is_flat(sides[1]))
    buzzing, all_flats, flats = (
        np.bincount(row[chosen], minlength=len(rows))
        for chosen in (of_a_buzzer, slice(None), has_corner)
    )
    return np.where(buzzing >= _REGULAR_SHARE * np.maximum(all_flats, 1), 0, flats)


def _stands_still(rows: Samples, peaks: Ints) -> Mask:
    """Whether what is between the peak and zero, a row each, goes from one flat step to another."""
    shares = np.abs(rows) / np.abs(peaks[:, None])
    is_between = (shares > _BETWEEN[0]) & (shares < _BETWEEN[1])
    is_same = np.diff(rows, axis=1) == 0
    is_flat = np.pad(is_same, ((0, 0), (1, 0))) | np.pad(is_same, ((0, 0), (0, 1)))
    count = is_between.sum(axis=1)
    share = (is_between & is_flat).sum(axis=1) / np.maximum(count, 1)
    stands_still: Mask = (share > _STILL_SHARE) & (count >= _BETWEEN_LEAST)
    return stands_still


def _is_periodic(rows: Samples, row: Ints, column: Ints) -> Mask:
    """Whether the sound keeps its sign there as long as it did or will on the same side of zero."""
    is_new = np.diff(rows >= 0, axis=1, prepend=False)
    is_new[:, 0] = True
    lengths = np.diff(np.append(np.flatnonzero(is_new), rows.size))
    at = np.cumsum(is_new.ravel())[row * rows.shape[1] + column] - 1
    near = np.stack([lengths[np.clip(at + by, 0, lengths.size - 1)] for by in (-2, 2)])
    is_periodic: Mask = np.any(np.abs(near - lengths[at]) <= 1, axis=0)
    return is_periodic


def _is_flat(side: Floats) -> Mask:
    """Whether both samples next to a run, a row each, stand alike on the other side of zero."""
    most = np.abs(side).max(axis=1)
    is_flat: Mask = (side.max(axis=1) < _OTHER_SIDE) & (np.ptp(side, axis=1) <= _LEVEL * most)
    return is_flat
