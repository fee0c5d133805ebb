"""The clock by which frames were due: the one that advances as time does.

A listener plays audio by a clock of the stream's own. Three may tell it: the RTP timestamps, the
samples of the frames, and, where neither advances as time does (a codec that nobody decodes,
another sample rate, a sender whose timer is slow), the steady pace at which the frames come.
Which of them it is the arrivals say: jitter, stalls and losses make them uneven, but no clock is
off by 1 %.
"""

from __future__ import annotations

import math
from array import array
from enum import IntEnum
from typing import NamedTuple

import numpy as np

from voipbin_cli.analysis.arrivals.placing import Placed
from voipbin_cli.analysis.columns import Floats, Ints, Mask

# Two seconds of 20 ms frames are judged at once, and never fewer than half a second's, unless
# there are no more.
WINDOW_FRAMES = 100
_LEAST_FRAMES = 25
# Quartz is off by 0.01 %; what is off by 1 % counts something else than time.
_SAME_PACE = 0.01
# A pace is steady where four gaps of five differ from the usual one by a tenth at most. No codec
# sends frames of under 2.5 ms (RFC 6716 2.1.4: Opus): what comes faster had been waiting.
_STEADY_SHARE = 0.8
_STEADY_GAP = 0.1
# So near to the usual gap a busy timer's are: 20 ms less or more a millisecond or three.
_NEAR_GAP = 0.2
_LEAST_PACE_NS = 2_500_000
# A timestamp that is 2 s from where both the arrival and the samples put it is of another clock.
_JUMP_NS = 2_000_000_000
# Jitter of 400 ms moves what is seen in one window by some 3 %: a clock that is off by 5 % in the
# median of them all (by more where there are but few) is none.
_OFF = 0.05
_OFF_ONCE = 0.15


class DueBy(IntEnum):
    """What tells when a frame was due, the first that keeps time."""

    TICKS = 0  # RTP timestamps at the rate that they count, or samples at another than 8 kHz
    SAMPLES = 1
    PACE = 2


class _Windows(NamedTuple):
    """What each window shows, shape (windows,): ns from one frame to the next as a rule.

    `matches` is how much of the time each clock of DueBy counted, shape (3, windows): over half a
    window, over one frame as a rule, or over all frames that came about as usual, the best of them:
    audio that never came spoils the first, jitter the second, and a timer that wakes up each 21 ms
    and makes up for it now and then. Not finite where no time passed.
    """

    gaps: Floats
    stamps: Floats
    samples: Floats
    paces: Floats
    matches: Floats
    fits: Mask

    @property
    def are_alike(self) -> Mask:
        """Timestamps count what samples do, or nothing."""
        return _same(self.samples, self.stamps) | (self.stamps <= 0)


def _seen(gaps: Ints, stamps: Ints, samples: Ints, size: int) -> _Windows:
    """What windows of so many frames show, at least two each."""
    steps = np.stack((gaps, stamps, samples))
    windows = steps.reshape(3, -1, size)[:, :, 1:]
    usual = np.median(windows, axis=2)
    since = np.cumsum(steps, axis=1).reshape(3, -1, size)
    half = size // 2
    runs = np.median(since[:, :, half:] - since[:, :, :-half], axis=2)
    with np.errstate(divide="ignore", invalid="ignore"):
        by_usual, by_run = usual[1:] / usual[0], runs[1:] / runs[0]
        by_near = _over_usual_gaps(windows, usual[0])
    matches = _nearest_to_one(by_usual, by_run, by_near)
    fits = np.stack([*_same(matches, 1.0), _are_steady(windows[0], usual[0])])
    told = _Windows(
        usual[0],
        usual[1],
        usual[2],
        runs[0] / half,
        np.vstack([matches, np.ones(len(usual[0]))]),
        fits,
    )
    # The rate of the ticks was measured over runs of these very frames: where the samples say
    # another, that it fits those is no proof.
    fits[DueBy.TICKS] &= told.are_alike | _same(by_usual[0], 1.0)
    return told


def _over_usual_gaps(windows: Ints, usual: Floats) -> Floats:
    """The time that each clock counted over that which passed, in gaps about as long as the usual.

    Not a number where those are not most.
    """
    is_near = np.abs(windows[0] - usual[:, None]) <= _NEAR_GAP * usual[:, None]
    passed = (windows[0] * is_near).sum(axis=1)
    counted = (windows[1:] * is_near).sum(axis=2) / passed
    return np.where(is_near.mean(axis=1) >= _STEADY_SHARE, counted, np.nan)


def _nearest_to_one(*matches: Floats) -> Floats:
    all_of_them = np.stack(matches)
    off = np.where(np.isfinite(all_of_them), np.abs(all_of_them - 1), np.inf)
    nearest: Floats = np.take_along_axis(all_of_them, off.argmin(axis=0)[None], axis=0)[0]
    return nearest


def _are_steady(gaps: Ints, usual: Floats) -> Mask:
    is_near = np.abs(gaps - usual[:, None]) <= _STEADY_GAP * usual[:, None]
    are_steady: Mask = (is_near.mean(axis=1) >= _STEADY_SHARE) & (usual >= _LEAST_PACE_NS)
    return are_steady


class _Last(NamedTuple):
    """The row before the next one."""

    time_ns: int
    place_ns: int
    ticks: int
    due_ns: int


class DueClock:
    """Lays rows on the clock by which they were due, a hundred at a time.

    `is_told`: the rate of the timestamps is known from elsewhere, so that they are believed where
    the arrivals are too uneven to say. `was_paced`: the arrivals themselves were the clock, in
    part at least.
    """

    def __init__(self, *, is_told: bool) -> None:
        self.by: DueBy | None = None
        self.was_paced = False
        self._is_told = is_told
        self._last: _Last | None = None
        self._pace_ns = 0
        self._matches = array("d")
        self._audio_ns = self._due_ns = 0

    @property
    def audio_share(self) -> float:
        """The audio that came, by its samples, over the time that it was due for."""
        return self._audio_ns / self._due_ns if self._due_ns else 1.0

    @property
    def is_believable(self) -> bool:
        """On the whole the clock advanced as time did, as far as there was enough to see."""
        if not self._matches:
            return True
        off = abs(float(np.median(self._matches)) - 1)
        return off <= max(_OFF, _OFF_ONCE / math.sqrt(len(self._matches)))

    def lay(self, rows: Placed, clock_hz: int) -> Placed:
        """The same rows at the places, and with the lengths, that they were due by.

        Whole windows, or what is left of one at the end of a connection.
        """
        size = min(len(rows.time), WINDOW_FRAMES)
        gaps, stamps, samples = self._steps(rows, clock_hz)
        if size < 2:
            return self._laid(rows, samples if rows.is_fresh else stamps, rows.own)
        windows = _seen(gaps, stamps, samples, size)
        lengths = np.repeat(np.rint(windows.stamps).astype(np.int64), size)
        if not self._is_told:
            # What the timestamps skip is no audio: whether it was meant, or lost, `pauses` judges.
            stamps = np.minimum(stamps, np.maximum(lengths * rows.steps, samples))
        by, paces = (np.repeat(column, size) for column in self._choose(windows, size))
        steps = np.choose(by, [stamps, samples, paces * _frames(rows.steps, gaps, paces)])
        if rows.is_fresh:
            steps[0] = samples[0]
        are_alike = np.repeat(windows.are_alike, size)
        own = np.choose(by, [np.where(are_alike, rows.own, lengths), rows.own, paces])
        return self._laid(rows, steps, own)

    def _steps(self, rows: Placed, clock_hz: int) -> tuple[Ints, Ints, Ints]:
        """From each row before to each: time, time by the ticks, time by the samples.

        A clock that stands still (0 Hz) tells none.
        """
        last = self._last or _Last(int(rows.time[0]), int(rows.place[0]), int(rows.ticks[0]), 0)
        gaps = np.diff(rows.time, prepend=last.time_ns)
        samples = np.diff(rows.place, prepend=last.place_ns)
        stamps = np.diff(rows.ticks, prepend=last.ticks) * 1_000_000_000 // max(clock_hz, 1)
        return gaps, np.where(_is_jump(stamps, gaps, samples), samples, stamps), samples

    def _laid(self, rows: Placed, steps: Ints, own: Ints) -> Placed:
        due = (self._last.due_ns if self._last else 0) + np.cumsum(steps)
        ends = rows.time, rows.place, rows.ticks, due
        self._last = _Last._make(int(column[-1]) for column in ends)
        self._audio_ns += int(rows.own.sum())
        self._due_ns += int(own.sum())
        return rows._replace(place=due, own=own)

    def _choose(self, windows: _Windows, size: int) -> tuple[Ints, Ints]:
        """By what each window is due, and the pace that holds then."""
        count = len(windows.gaps)
        chosen, paces = np.empty(count, np.int64), np.empty(count, np.int64)
        by = self._unless_seen(windows) if self.by is None else self.by
        looked = self.by is None or size >= _LEAST_FRAMES
        for n, fits in enumerate(windows.fits.T.tolist()):
            if looked and True in fits and (by is DueBy.PACE or not fits[by]):
                by = DueBy(fits.index(True))
            if looked and by is DueBy.PACE and fits[by]:
                self._pace_ns, self.was_paced = round(windows.paces[n]), True
            chosen[n], paces[n] = by, self._pace_ns
        if size >= _LEAST_FRAMES:
            matches = windows.matches[chosen, np.arange(count)]
            # Frames that had been waiting come at once, and say nothing against their clock.
            shown = np.isfinite(matches) & ((windows.gaps >= _LEAST_PACE_NS) | _same(matches, 1.0))
            self._matches.extend(matches[shown].tolist())
        self.by = by
        return chosen, paces

    def _unless_seen(self, windows: _Windows) -> DueBy:
        """By what they are due where the arrivals are too uneven to say: the first frames alone."""
        is_same = bool(_same(windows.samples[:1], windows.stamps[:1])[0])
        return DueBy.TICKS if self._is_told or is_same else DueBy.SAMPLES


def _same(one: Floats, other: Floats | float) -> Mask:
    is_near: Mask = np.abs(one - other) <= _SAME_PACE * np.abs(other)
    return is_near


def _is_jump(stamps: Ints, gaps: Ints, samples: Ints) -> Mask:
    """Timestamps that went where neither the arrivals nor the samples did."""
    ahead: Mask = stamps > np.maximum(gaps, samples) + _JUMP_NS
    back: Mask = stamps < np.minimum(samples, 0) - _JUMP_NS
    return ahead | back


def _frames(steps: Ints, gaps: Ints, paces: Ints) -> Ints:
    """How many frames each is ahead of the one before: by its number, if it took so long."""
    took = np.rint(gaps / np.maximum(paces, 1)).astype(np.int64)
    return np.minimum(steps, np.maximum(1, took))
