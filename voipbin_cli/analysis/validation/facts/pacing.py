"""When the audio came, against the time that it takes to be played."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from voipbin_cli.analysis.columns import Floats, Ints, Mask, before

# Frames that come within 2 ms of one another came at once: 20 ms lie between them in real time.
_QUICK_NS = 2_000_000


@dataclass(frozen=True, slots=True)
class PacingPast:
    """What a block has to know of the last timed message before it.

    `queued_ns`: audio unplayed just after it. `quick`: as that column. `was_still`: it was silent.
    """

    is_timed: bool = False
    time_ns: int = 0
    queued_ns: int = 0
    quick: int = 0
    was_still: bool = True


class PacingFacts:
    """Columns of times. A message is timed where its time and the length of its audio are known."""

    def __init__(self, time_ns: Ints, duration_ns: Ints, is_still: Mask, past: PacingPast) -> None:
        self._time_ns = time_ns
        self._duration_ns = duration_ns
        self._is_still = is_still
        self._past = past

    @cached_property
    def _timed(self) -> Ints:
        """The places of the timed messages."""
        return np.flatnonzero((self._time_ns >= 0) & (self._duration_ns > 0))

    @cached_property
    def _gaps(self) -> Ints:
        """Nanoseconds since the timed message before, of the timed ones alone."""
        times = self._time_ns[self._timed]
        gaps = times - before(times, self._past.time_ns)
        if len(gaps) and not self._past.is_timed:
            gaps[0] = 0
        return gaps.clip(0)

    @cached_property
    def _queue(self) -> tuple[Ints, Ints]:
        """Audio still unplayed when each timed message came, and how long none had been there.

        Lindley's recursion W = max(0, W + X), by cumulative sums.
        """
        durations = self._duration_ns[self._timed]
        steps = before(durations, 0) - self._gaps
        level = self._past.queued_ns + np.cumsum(steps)
        lowest = np.minimum.accumulate(np.minimum(level, 0)) if len(level) else level
        dry = before(lowest, 0) - lowest
        if len(dry) and not self._past.is_timed:
            dry[0] = 0
        return level - lowest, dry

    def _spread(self, values: Ints) -> Ints:
        """A column of all messages from one of the timed ones."""
        column = np.zeros(len(self._time_ns), np.int64)
        column[self._timed] = values
        return column

    @cached_property
    def gap_ms(self) -> Floats:
        """Milliseconds since the audio message before."""
        return self._spread(self._gaps) / 1e6

    @cached_property
    def lead_ms(self) -> Floats:
        """How far ahead of its time the message came, in ms."""
        return self._spread(self._queue[0]) / 1e6

    @cached_property
    def dry_ms(self) -> Floats:
        """How long there was nothing left to play before the message came, in ms."""
        return self._spread(self._queue[1]) / 1e6

    @cached_property
    def is_cut(self) -> Mask:
        """Sound before or after: a pause there would be heard."""
        timed = self._timed
        still = self._is_still[timed]
        cut = np.zeros(len(self._time_ns), bool)
        cut[timed] = ~still | ~before(still, self._past.was_still)
        return cut

    @cached_property
    def quick(self) -> Ints:
        """How many messages in a row came within 2 ms of the one before, this one counted."""
        is_quick = self._gaps <= _QUICK_NS
        if len(is_quick) and not self._past.is_timed:
            is_quick[0] = False
        place = np.arange(len(is_quick))
        broken = np.maximum.accumulate(np.where(is_quick, -1, place)) if len(place) else place
        run = np.where(broken < 0, place + 1 + self._past.quick, place - broken)
        return self._spread(run)

    @property
    def end(self) -> PacingPast:
        """What the block after this one has to know."""
        if not len(self._timed):
            return self._past
        last = int(self._timed[-1])
        return PacingPast(
            is_timed=True,
            time_ns=int(self._time_ns[last]),
            queued_ns=int(self._queue[0][-1]) + int(self._duration_ns[last]),
            quick=int(self.quick[last]),
            was_still=bool(self._is_still[last]),
        )
