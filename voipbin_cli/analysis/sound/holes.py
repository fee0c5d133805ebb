"""Audio lost before the platform: blocks of one value, as a rule zero, cut into sound.

The platform's bridge sends a frame each 20 ms whatever comes; where the phone's packet was lost,
zeros stand in for it. Packets are of any length, and a phone's begin anywhere in our frames. So
do silence, a muted phone and the pause between tones. What tells them apart: a hole breaks off
sound that is going on, and sound is at full strength right behind it. Into silence, sound dies
away; out of it, it grows; and a gate opens and shuts where sound is faint.
"""

from __future__ import annotations

from collections import Counter, deque
from typing import NamedTuple

import numpy as np

from voipbin_cli.analysis.columns import Ints, Samples
from voipbin_cli.analysis.sound.constant_runs import constant_runs
from voipbin_cli.analysis.sound.cutting import FULL_SCALE, SoundFrames
from voipbin_cli.analysis.sound.hole_edges import (
    EDGE_SAMPLES,
    SIGNAL_SAMPLES,
    UNBROKEN_DBFS,
    between_signals,
    broken_dbfs,
    is_tone,
    steepness,
)
from voipbin_cli.analysis.sound.hole_proof import COUNTED_DBFS, Candidate, HoleProof
from voipbin_cli.codec.codecs import FRAME_SAMPLES, SAMPLE_RATE_HZ

# 400 ms: silence for longer is a mute, a hold or a pause.
LONGEST_SAMPLES = 3200
# Between tones there are pauses of zero, of 40 ms at least (Q.24), less a sample of a ramp.
_TONE_PAUSE_SAMPLES = 320 - 1
# What has to be in view: the longest hole, and what sounds before and behind it.
_VIEW_SAMPLES = LONGEST_SAMPLES + 2 * SIGNAL_SAMPLES
_NOTED = 10_000
# Frames that hold no more than A-law's smallest value, 8, hold no sound.
_SOUNDING = FRAME_SAMPLES * 8**2
# Holes have a period where half of them follow each other by it, and there are some.
_PERIODIC_SHARE = 0.5
_PERIODIC_HOLES = 6
_LONGEST_PERIOD = SAMPLE_RATE_HZ
# From the last sample before a hole to the first behind it, over the mean step from sample to
# sample nearby: 0.8 to 1.3 where zeros were put between the two, 2.2 to 2.9 where sound was taken
# out (voices in three languages, three codecs, holes of 5 to 40 ms).
_PUT_IN = 1.7
_NEARBY = 8


class Hole(NamedTuple):
    """A hole's place in the audio and its length, both in samples."""

    start: int
    length: int


class Holes(NamedTuple):
    """`lost_ms` of sound in `holes` holes; `noted` are the latest 10,000 of them.

    There are none unless a loss is proven. `usual_ms` is the length of most,
    `period_ms` what most follow each other by, None where there is no such thing. `is_put_in`:
    the sound goes on behind each as if it were not there; nothing was lost, zeros were added.
    `are_packets`: they are as long as packets are, and no gate shuts for just so long.
    """

    holes: int
    lost_ms: float
    noted: tuple[Hole, ...] = ()
    usual_ms: float | None = None
    period_ms: float | None = None
    is_put_in: bool = False
    are_packets: bool = True


class HoleFold:
    """Finds the holes in the samples of a stream.

    A run of equal samples is looked at once there are 40 ms behind it.
    """

    def __init__(self) -> None:
        self._view = np.empty(0, np.int16)
        self._view_start = 0
        self._latest_start = -_LONGEST_PERIOD - 1
        self._candidates: Counter[Candidate] = Counter()
        self._noted: deque[tuple[int, Candidate]] = deque(maxlen=_NOTED)
        self._distances: Counter[int] = Counter()
        self._pauses = self._jumps = self._steps = 0
        self._energy = self._frames = 0

    def add(self, sound: SoundFrames) -> None:
        """Take some frames."""
        sounding = sound.energy > _SOUNDING
        self._energy += int(sound.energy[sounding].sum())
        self._frames += int(np.count_nonzero(sounding))
        seen = self._view.size
        view = np.concatenate([self._view, sound.frames.ravel()])
        runs = constant_runs(view)
        # Each run is looked at with the chunk that brings what sounds behind it.
        ends = runs.stops + SIGNAL_SAMPLES
        is_due = (ends > seen) & (ends <= view.size)
        is_short = runs.stops - runs.starts <= LONGEST_SAMPLES
        self._pauses += int(np.count_nonzero(is_due & ~is_short))
        chosen = is_due & is_short & (runs.starts >= EDGE_SAMPLES)
        if chosen.any():
            self._look(view, runs.starts[chosen], runs.stops[chosen])
        passed = max(0, view.size - _VIEW_SAMPLES)
        self._view = view[passed:].copy()
        self._view_start += passed

    def _look(self, view: Samples, starts: Ints, stops: Ints) -> None:
        before, after = broken_dbfs(view, starts, stops)
        _forgive_signals(view, starts, stops, before, after)
        louder = np.maximum(before, after)
        self._pauses += int(np.count_nonzero(louder == UNBROKEN_DBFS))
        rows = np.flatnonzero(louder >= COUNTED_DBFS)
        if rows.size:
            steep = _steepness(view, starts[rows], stops[rows], before[rows], after[rows])
            self._note(starts[rows], stops[rows] - starts[rows], before[rows], after[rows], steep)
            both = rows[np.minimum(before, after)[rows] >= COUNTED_DBFS]
            self._note_jumps(view, starts[both], stops[both])

    def _note(self, starts: Ints, *columns: Ints) -> None:
        """`columns` are those of a candidate."""
        found = [Candidate(*row) for row in np.column_stack(columns).tolist()]
        places = starts + self._view_start
        self._candidates.update(found)
        self._noted.extend(zip(places.tolist(), found, strict=True))
        distances = np.diff(places, prepend=self._latest_start)
        self._distances.update(distances[distances <= _LONGEST_PERIOD].tolist())
        self._latest_start = int(places[-1])

    def _note_jumps(self, view: Samples, starts: Ints, stops: Ints) -> None:
        """How far it is across each hole, and from each sample to the next beside it."""
        near = np.arange(_NEARBY)
        before = view[starts[:, None] - _NEARBY + near].astype(np.int64)
        after = view[stops[:, None] + near].astype(np.int64)
        self._jumps += int(np.abs(after[:, 0] - before[:, -1]).sum())
        for side in (before, after):
            self._steps += int(np.abs(np.diff(side, axis=1)).sum())

    def result(self) -> Holes:
        """The figures so far."""
        if not self._candidates:
            return Holes(0, 0.0)
        seconds = self._frames * FRAME_SAMPLES / SAMPLE_RATE_HZ
        proof = HoleProof(self._candidates, self._pauses, self._level_dbfs(), seconds)
        if not proof.is_proven:
            return Holes(0, 0.0)
        lost = [(proof.lost(row), count) for row, count in self._candidates.items()]
        holes = sum(count for samples, count in lost if samples)
        period = self._period(holes)
        return Holes(
            holes=holes,
            lost_ms=_ms(sum(samples * count for samples, count in lost)),
            noted=tuple(Hole(start, row.length) for start, row in self._noted if proof.lost(row)),
            usual_ms=_ms(proof.usual) if proof.usual else None,
            period_ms=_ms(period) if period else None,
            is_put_in=period is not None and self._is_put_in(),
            are_packets=proof.are_packets,
        )

    def _level_dbfs(self) -> float:
        mean_square = self._energy / max(1, self._frames * FRAME_SAMPLES) / FULL_SCALE**2
        return float(10 * np.log10(max(mean_square, 1e-10)))

    def _period(self, holes: int) -> int | None:
        """The commonest distance between two starts, if it is that of many."""
        distance, count = min(
            self._distances.items(), key=lambda row: (-row[1], row[0]), default=(0, 0)
        )
        return distance if count >= max(_PERIODIC_HOLES, _PERIODIC_SHARE * holes) else None

    def _is_put_in(self) -> bool:
        # Each hole brings one jump, and 7 steps on either side.
        return self._jumps * 2 * (_NEARBY - 1) < _PUT_IN * self._steps


def _forgive_signals(view: Samples, starts: Ints, stops: Ints, before: Ints, after: Ints) -> None:
    """Signals stop and begin at full level; that breaks nothing off. Changes the last two."""
    is_heard = np.maximum(before, after) >= COUNTED_DBFS
    for row in np.flatnonzero(is_heard & (stops - starts >= _TONE_PAUSE_SAMPLES)).tolist():
        start, stop = int(starts[row]), int(stops[row])
        if is_tone(view[max(0, start - FRAME_SAMPLES) : start]):
            before[row] = UNBROKEN_DBFS
        if is_tone(view[stop : stop + FRAME_SAMPLES]):
            after[row] = UNBROKEN_DBFS
    rows = np.flatnonzero(is_heard & (starts >= SIGNAL_SAMPLES))
    meant = rows[between_signals(view, starts[rows], stops[rows])]
    before[meant] = after[meant] = UNBROKEN_DBFS


def _steepness(view: Samples, starts: Ints, stops: Ints, before: Ints, after: Ints) -> Ints:
    """The mean of those edges that sound is broken off at."""
    broken = np.stack([before, after]) > UNBROKEN_DBFS
    steep = np.stack(steepness(view, starts, stops))
    return np.asarray((steep * broken).sum(axis=0) // broken.sum(axis=0))


def _ms(samples: int) -> float:
    return samples * 1000 / SAMPLE_RATE_HZ
