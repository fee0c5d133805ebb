"""Clicks: seams, spikes and steps, above all those that come back after a fixed time.

A program that resamples, fades or pads each chunk of sound by itself leaves a seam between any two
chunks. One seam is lost among the plosives and glottal pulses of speech, which are as sharp. But a
seam stands at the same place in each chunk, and speech knows nothing of chunks: averaged over the
chunks of twenty seconds, place by place, speech is the same everywhere, and the seam stands out.

What beats and ticks has a period, too. But what is struck rings on, be it for a few milliseconds,
so that before and behind the blow differ. Before and behind a seam are alike.
"""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

import numpy as np

from voipbin_cli.analysis.columns import Floats, Ints, Mask, Singles
from voipbin_cli.analysis.sound.onsets import begins_or_ends, crosses_zero
from voipbin_cli.analysis.sound.prediction import REACH, unexplained, unexplained_here
from voipbin_cli.analysis.sound.stretches import Stretch
from voipbin_cli.analysis.sound.tonality import (
    CHORD_DB,
    is_made_of_notes,
    is_square,
    is_tone,
    level,
)

# Chunks of whole 10 ms up to 100 ms, of whole 20 ms and 50 ms up to half a second, and of powers
# of two: what programs send at once.
_PERIODS = (
    {80 * n for n in range(1, 11)}
    | {160 * n for n in range(1, 26)}
    | {400 * n for n in range(1, 11)}
    | {1000}
    | {2**n for n in range(7, 13)}
)
# And the commonest of them less one to eight samples that are dropped between any two.
_SHORTER = {
    size - dropped
    for size in (160, 240, 320, 400, 480, 640, 800, 1600, 256, 512, 1024, 2048)
    for dropped in range(1, 9)
}
_LEAST_CHUNKS = 15
# In so many of them there has to be sound: few gates that open at one place are chance.
_LEAST_SOUNDING = 10
_PERIODS_LEAST = 80
_LONGEST = 4096
# And the distances that are most common among the sharpest samples, one in a hundred of all.
_SHARPEST = 0.99
_LIKELY = 6
# Around a sample, what is left there is measured against what is left within 8 ms.
_NEAR = 64
# Under 8 units (mu-law's smallest step) nothing is heard.
_STEP = np.float32(8.0)
# The logarithm of that ratio is cut off here, or a few loud events would pass for a rule.
_LEAST_LOG, _MOST_LOG = np.float32(-3.0), np.float32(1.5)
# How far the average at one place is above (a seam) or below (a dip) that of all places, in units
# of their spread. In twelve seconds each of 500 talkers, rooms and pieces of music the largest were
# 6.0 (music, at its beat) and 5.7.
_SEAM_SPREADS = 6.5
# In few chunks chance, and gates that open on the grid of frames, reach farther: 7.5 in place of 6.
_FEW_CHUNKS = 30
_MORE_OF_FEW = 8.0 / 6.5
_SEAM_EFFECT = 0.25
# How much better than a period itself a multiple of it has to be.
_OF_A_MULTIPLE = 1.25
# Of a click each second or third chunk the others have no more than this share.
_NOT_IN_ALL = 0.3
# The least spread there is: 0.7 of what averaging so many independent samples leaves.
_CHANCE = 0.7
_DIP_SPREADS = 8.0
_DIP_EFFECT = 0.8
_PAUSE = np.float32(0.05)
# A spike leaves 30 times of what is left within 30 ms, and three times of the sharpest there: in
# the slowest voices glottal pulses are 20 ms apart, and as sharp as each other.
_SPIKE = 20.0
_SPIKE_OVER_SHARPEST = 3.0
_SPIKE_NEAR = 240
_SPIKE_OWN = REACH + 12
_SPIKES_LEAST = 4
# What is left of a spike is the filter's own: the same before it and behind it, but for 0.02 of its
# power as a rule, and 0.17 in one of 100. Of hands that clap, one of 15 had less than 0.15.
_LOPSIDED = 0.12
# Before and behind a click there is the same sound. Where it jumps by 17 dB, or a tone is on either
# side, something may have begun or ended, and the place proves nothing. A voice jumps so far in one
# place of five, and is like a tone in two of five (the steadiest of 20 voices); of signals and
# chords less than a quarter is left.
_LOOKED_AT = 40
_SIDE = 160
_GUARD = 20
_JUMP_RATIO = 10 ** (17 / 20)
_TRACE = 1.0
_PROVING_SHARE = 0.25
_PROVING_LEAST = 4
# In 8 ms beside a place so much is exact zero where a gate has shut the sound off.
_GATED_REACH, _GATED = 64, 0.15
# What proves something still has this share of the whole effect.
_EFFECT_SHARE = 0.5
# Notes begin louder than what was there before; at a click the level changes by chance only, in
# either direction. So many standard errors are no chance, nor is a tenth (in nepers).
_LOUDER_ERRORS = 4.0
_LOUDER = 0.1
# What rings on is louder behind the blow than before. Next to a place the two differ, and which of
# them is louder depends on where in the blow it stands; 5 to 11 ms off what is left of a seam is
# over. Of 60 streams with seams and spikes the most was 0.15 nepers, or 2.4 errors; of clocks, keys
# and claps one of the two was more, but for 2 in 36. (A WAV header is told by itself.)
_NEXT, _NEXT_DIFFER, _NEXT_ERRORS = (5, 24), 0.2, 3.0
_OFF, _OFF_DIFFER, _OFF_ERRORS = (40, 88), 0.3, 2.2
# Where a stretch is made of notes, each of which goes on as it did, less is left of it than of any
# speech, and the steps of G.711 and the beats of chords stand out: by 0.3 to 1 (in nepers), where
# spikes and fades do by 1.5 to 2.7.
_EFFECT_IN_NOTES = 1.3
# At the place of a seam so many of all chunks have one, not just a few in which something began.
_STANDS_OUT = 0.75
_CHUNKS_SHARE = 0.4


class PeriodicClick(NamedTuple):
    """A place at which clicks stand: in each of `chunks` of `period` samples, `place` samples in.

    `spreads` is how far it stands out.
    """

    period: int
    place: int
    spreads: float
    chunks: int


class Clicks(NamedTuple):
    """`clicks` in `seconds` that were listened to; each `period_ms`, None for no period."""

    clicks: int
    period_ms: float | None
    seconds: float


class ClickFold:
    """Looks for clicks in stretches of sound."""

    def __init__(self) -> None:
        self._samples = 0
        self._seams: list[PeriodicClick] = []
        self._spikes: list[Ints] = []

    def hear(self, stretch: Stretch) -> None:
        """Take a stretch."""
        samples = stretch.samples.astype(np.float32)
        self._samples += samples.size
        loud, left = _Summed(np.abs(samples)), _Summed(np.abs(unexplained(samples)))
        sounding = _sounding(samples, loud)
        seam = _dip(samples, loud, sounding) or _seam(samples, left.values, sounding)
        if seam:
            self._seams.append(seam)
        spikes = _spikes(samples, left)
        if spikes.size:
            self._spikes.append(spikes)

    def result(self) -> Clicks:
        """What was found so far."""
        seconds = self._samples / 8000
        if self._seams:
            periods = Counter(seam.period for seam in self._seams)
            clicks = sum(seam.chunks for seam in self._seams)
            return Clicks(clicks, periods.most_common(1)[0][0] / 8, seconds)
        if self._spikes:
            distances = np.concatenate([np.diff(spikes) for spikes in self._spikes])
            return Clicks(sum(map(len, self._spikes)), _usual(distances), seconds)
        return Clicks(0, None, seconds)


def _usual(distances: Ints) -> float | None:
    """The distance in ms that most of them have, within two samples; None where there is none."""
    median = float(np.median(distances))
    is_near = np.abs(distances - median) <= 2
    return median / 8 if 2 * is_near.sum() > distances.size else None


class _Summed:
    """Values, and their sums around each of them, up to _SPIKE_NEAR off."""

    def __init__(self, values: Singles) -> None:
        self.values = values
        begin = _SPIKE_NEAR + 1
        self._sums = np.zeros(values.size + 2 * _SPIKE_NEAR + 1)
        np.cumsum(values, dtype=np.float64, out=self._sums[begin : begin + values.size])
        self._sums[begin + values.size :] = self._sums[values.size + _SPIKE_NEAR]

    def around(self, reach: int) -> Singles:
        """Of the values up to `reach` places off, beyond the ends counted as zero."""
        last, before = _SPIKE_NEAR + reach + 1, _SPIKE_NEAR - reach
        size = self.values.size
        around = np.empty(size, np.float32)
        ends = self._sums[last : last + size], self._sums[before : before + size]
        return np.subtract(*ends, around, casting="same_kind")


def _sounding(samples: Singles, loud: _Summed) -> Mask:
    """Where there is more than a pause, 26 dB below the whole: pauses only blur a seam."""
    usual = loud.around(_NEAR) / (2 * _NEAR + 1)
    return np.asarray(usual > _PAUSE * np.sqrt(np.mean(samples**2)))


def _log_share(summed: _Summed, sounding: Mask) -> Singles:
    """Each value against the mean around it, as a logarithm; 0 on average, and in pauses."""
    usual = summed.around(_NEAR) / np.float32(2 * _NEAR + 1)
    shares = np.log((summed.values + _STEP) / (usual + _STEP))
    shares = np.clip(shares, _LEAST_LOG, _MOST_LOG)
    average = shares.mean(where=sounding) if sounding.any() else np.float32(0)
    return np.where(sounding, shares - average, np.float32(0))


def _seam(samples: Singles, left: Singles, sounding: Mask) -> PeriodicClick | None:
    shares = _log_share(_Summed(np.abs(unexplained_here(samples))), sounding)
    seam = _place(shares, _SEAM_SPREADS, _SEAM_EFFECT)
    if not seam or not _is_click(samples, shares, seam) or _rings(left, _places(seam)):
        return None
    return _whole(shares, seam)


def _dip(samples: Singles, loud: _Summed, sounding: Mask) -> PeriodicClick | None:
    """A place at which each chunk is faded out and in."""
    shares = -_log_share(loud, sounding)
    dip = _place(shares, _DIP_SPREADS, _DIP_EFFECT)
    if not dip or not _is_click(samples, shares, dip) or crosses_zero(samples, _places(dip)):
        return None
    return _whole(shares, dip)


def _whole(shares: Singles, seam: PeriodicClick) -> PeriodicClick:
    """The seam with its whole period, where just each second or third chunk has it."""
    there = shares[_places(seam)]
    for times in (2, 3):
        if seam.chunks < times * _LEAST_SOUNDING:
            break
        turns = there[: there.size - there.size % times].reshape(-1, times).mean(axis=0)
        most, next_most = np.sort(turns)[::-1][:2]
        if next_most < _NOT_IN_ALL * most:
            place = seam.place + int(turns.argmax()) * seam.period
            return PeriodicClick(seam.period * times, place, seam.spreads, seam.chunks // times)
    return seam


def _place(shares: Singles, least_spreads: float, least_effect: float) -> PeriodicClick | None:
    """The place whose average is the farthest above that of all places, over all periods."""
    best: PeriodicClick | None = None
    deviation, average = float(shares.std()), float(shares.mean())
    for period in sorted(_PERIODS | _SHORTER | _likely_periods(shares)):
        chunks = shares.size // period
        if chunks < _LEAST_CHUNKS:
            break
        means = shares[: chunks * period].reshape(chunks, period).sum(axis=0) / chunks
        # A step lies between two samples, and is seen at both.
        means = (means + np.concatenate((means[-1:], means[:-1]))) / 2
        place = int(means.argmax())
        least_spread = max(_CHANCE * deviation / chunks**0.5, 1e-3)
        if means[place] - average < max(least_effect, least_spreads * least_spread):
            continue
        middle = float(np.median(means))
        spread = 1.48 * float(np.median(np.abs(means - middle)))
        spreads = (float(means[place]) - middle) / max(spread, least_spread)
        least = least_spreads * (1.0 if chunks >= _FEW_CHUNKS else _MORE_OF_FEW)
        if spreads >= max(least, _to_beat(best, period)):
            best = PeriodicClick(period, place, spreads, chunks)
    return best


def _to_beat(best: PeriodicClick | None, period: int) -> float:
    """What stands at a period stands at its multiples, too, and there more by chance alone."""
    if best is None:
        return 0.0
    return best.spreads * (_OF_A_MULTIPLE if period % best.period == 0 else 1.0)


def _likely_periods(shares: Singles) -> set[int]:
    """The distances that stand out among those between the sharpest samples.

    However sharp a sound is, the distances between its pulses vary, and change little from one
    distance to the next; those between seams are one and the same.
    """
    at = np.flatnonzero(shares > np.quantile(shares, _SHARPEST))
    distances = np.concatenate([at[ahead:] - at[:-ahead] for ahead in range(1, 41)])
    near = distances[distances <= _LONGEST]
    counts = np.bincount(near, minlength=_LONGEST + 1).astype(np.float32)
    counts[:_PERIODS_LEAST] = 0
    excess = counts - _Summed(counts).around(8) / 17
    return set(np.argsort(excess)[-_LIKELY:].tolist())


def _places(seam: PeriodicClick) -> Ints:
    """Where it stands in each chunk."""
    return np.arange(seam.place, seam.chunks * seam.period, seam.period)


def _rings(left: Singles, at: Ints) -> bool:
    """Whether what is left behind these places is another than before, as where one is struck."""
    # A place counts with the sample before it, and that one may be the sharper.
    before = at[at > 0] - 1
    if before.size and left[before].mean() > left[at].mean():
        at = before
    next_to, next_error = _behind_over_before(left, at, *_NEXT)
    off, off_error = _behind_over_before(left, at, *_OFF)
    differs = abs(next_to) > max(_NEXT_DIFFER, _NEXT_ERRORS * next_error)
    return differs or off > max(_OFF_DIFFER, _OFF_ERRORS * off_error)


def _behind_over_before(left: Singles, at: Ints, near: int, far: int) -> tuple[float, float]:
    """How much more is left `near` to `far` behind them, in nepers, and the standard error."""
    inside = at[(at >= far) & (at < left.size - far)]
    if not inside.size:
        return 0.0, 0.0
    reach = np.arange(near, far)
    behind = np.sqrt(np.mean(left[inside[:, None] + reach] ** 2, axis=1)) + _STEP
    before = np.sqrt(np.mean(left[inside[:, None] - reach] ** 2, axis=1)) + _STEP
    steps = np.log(behind / before)
    return float(steps.mean()), float(steps.std()) / len(steps) ** 0.5


def _is_click(samples: Singles, shares: Singles, seam: PeriodicClick) -> bool:
    """Most chunks have it, and it is no edge of a tone or a note."""
    at = _places(seam)
    sharpest = np.maximum(shares[at], shares[np.maximum(at - 1, 0)])
    sounding = (shares[at] != 0) & ~_is_gated(samples, at)
    if np.count_nonzero(sounding) < _LEAST_SOUNDING:
        return False
    stands_out = sharpest[sounding] > np.quantile(shares[shares != 0], _STANDS_OUT)
    if stands_out.mean() <= _CHUNKS_SHARE:
        return False
    proving = _proving(samples, at)
    if proving is None:
        return True
    if not proving.size:
        return False
    both = (shares[at] + shares[np.maximum(at - 1, 0)]) / 2
    whole = both[sounding].mean()
    proven = both[np.isin(at, proving)].mean()
    if proven <= _EFFECT_SHARE * whole or _get_louder(samples, at):
        return False
    if begins_or_ends(samples, at, seam.period):
        return False
    return bool(whole >= _EFFECT_IN_NOTES) or not is_made_of_notes(samples)


def _is_gated(samples: Singles, at: Ints) -> Mask:
    """Where there is digital silence beside a place, a gate has opened or shut."""
    reach = np.arange(1, _GATED_REACH + 1)
    last = samples.size - 1
    sides = (np.clip(at[:, None] + way * reach, 0, last) for way in (-1, 1))
    gated: Mask = np.max([(samples[side] == 0).mean(axis=1) for side in sides], axis=0) > _GATED
    return gated


def _spikes(samples: Singles, summed: _Summed) -> Ints:
    """Places that stick out by themselves."""
    left = summed.values
    near = summed.around(_SPIKE_NEAR) - summed.around(_SPIKE_OWN)
    usual = near / (2 * (_SPIKE_NEAR - _SPIKE_OWN))
    at = np.flatnonzero(left > _SPIKE * (usual + 2 * _STEP))
    at = at[(at > _SPIKE_NEAR) & (at < samples.size - _SPIKE_NEAR)]
    groups = np.split(at, np.flatnonzero(np.diff(at) > _SPIKE_OWN) + 1)
    if len(groups) < _SPIKES_LEAST:
        return np.empty(0, np.int64)
    peaks = [int(group[left[group].argmax()]) for group in groups]
    alone = np.array([peak for peak in peaks if _is_alone(left, peak)], np.int64)
    if alone.size < _SPIKES_LEAST or _get_louder(samples, alone) or _rings(left, alone):
        return np.empty(0, np.int64)
    proving = _proving(samples, alone)
    return alone if proving is None or proving.size else np.empty(0, np.int64)


def _is_alone(left: Singles, peak: int) -> bool:
    before = left[peak - _SPIKE_NEAR : peak - _SPIKE_OWN]
    behind = left[peak + _SPIKE_OWN + 1 : peak + _SPIKE_NEAR + 1]
    is_sharpest = left[peak] > _SPIKE_OVER_SHARPEST * max(before.max(), behind.max())
    return bool(is_sharpest) and _is_mirrored(left, peak)


def _is_mirrored(left: Singles, peak: int) -> bool:
    """Whether what is left is the same on both sides, of a sample or of what is between two."""
    around = left[peak - _SPIKE_OWN : peak + _SPIKE_OWN + 1]
    power = 2 * np.sum(around**2)
    mirrored = (left[peak - _SPIKE_OWN + by :][: around.size][::-1] for by in (-1, 0, 1))
    return any(np.sum((around - other) ** 2) < _LOPSIDED * power for other in mirrored)


def _proving(samples: Singles, at: Ints) -> Ints | None:
    """Of some of the places those with the same sound on both sides, and no tone.

    Empty where they are too few, None where it is silent around all of them.
    """
    some = _some(_inside(at, samples.size))
    heard = [place for place in some.tolist() if _level_around(samples, place) > 4 * _STEP]
    if not heard:
        return None
    proving = [place for place in heard if _is_same_sound(*_sides(samples, place))]
    least = max(_PROVING_LEAST, _PROVING_SHARE * len(heard))
    return np.array(proving if len(proving) >= least else [], np.int64)


def _inside(at: Ints, size: int) -> Ints:
    is_inside: Mask = (at >= _SIDE + _GUARD) & (at < size - _SIDE - _GUARD)
    return at[is_inside]


def _some(at: Ints) -> Ints:
    """Up to forty of them, evenly spread."""
    if at.size <= _LOOKED_AT:
        return at
    rows: Ints = np.linspace(0, at.size - 1, _LOOKED_AT).astype(np.int64)
    return at[rows]


def _sides(samples: Singles, place: int) -> tuple[Floats, Floats]:
    before = samples[place - _GUARD - _SIDE : place - _GUARD]
    behind = samples[place + _GUARD : place + _GUARD + _SIDE]
    return _without_offset(before), _without_offset(behind)


def _without_offset(side: Singles) -> Floats:
    return np.asarray(side - side.mean(dtype=np.float64), np.float64)


def _level_around(samples: Singles, place: int) -> float:
    return max(map(level, _sides(samples, place)))


def _is_same_sound(before: Floats, behind: Floats) -> bool:
    levels = level(before), level(behind)
    if max(levels) > _JUMP_RATIO * (min(levels) + _TRACE):
        return False
    return not any(is_tone(side, CHORD_DB) or is_square(side) for side in (before, behind))


def _get_louder(samples: Singles, at: Ints) -> bool:
    """Whether it is louder behind these places than before, as where notes begin."""
    sides = [_sides(samples, place) for place in _inside(at, samples.size).tolist()]
    if not sides:
        return False
    steps = np.log([(level(behind) + _STEP) / (level(before) + _STEP) for before, behind in sides])
    error = steps.std() / len(steps) ** 0.5
    return bool(steps.mean() > max(_LOUDER, _LOUDER_ERRORS * error))
