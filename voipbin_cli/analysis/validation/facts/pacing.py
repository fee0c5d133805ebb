"""When the audio came, against the time that it takes to be played."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from voipbin_cli.analysis.columns import Floats, Ints, Mask, Scalar, before
from voipbin_cli.analysis.farend.far_end import AT_ONCE_NS, SHORT_WAIT_NS
from voipbin_cli.codec.codecs import FRAME_NS

# Waits are looked at in the last two stretches of so much sound: in each of them a sender that is
# too slow waits anew, and one that was late once does not.
STRETCH_NS = 2_000_000_000
# A hole of 20 ms each five seconds: less is a clock that is not exact. Where it waits for fewer
# messages than one in five it pauses, and is not slow.
LEAST_WAIT_RATIO = 0.004
MESSAGES_A_WAIT = 5
# Frames that come within 2 ms of one another came at once: 20 ms lie between them in real time.
_QUICK_NS = 2_000_000


@dataclass(frozen=True, slots=True)
class PacingPast:
    """What a block has to know of the last timed message before it.

    `queued_ns`: audio unplayed just after it. `quick`: as that column. `was_still`: it was silent.
    `played_ns` is how long it plays. `waits` has of each message of the latest stretches how much
    was sounding until then, in ns, how much of it was waiting, and how many waits there were.
    `came_ns` of sound came at once by then, after a long wait of `waited_ns` or, 0, none.
    """

    is_timed: bool = False
    time_ns: int = 0
    queued_ns: int = 0
    quick: int = 0
    was_still: bool = True
    played_ns: int = 0
    waits: tuple[tuple[int, int, int], ...] = ((0, 0, 0),)
    came_ns: int = 0
    waited_ns: int = 0


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
    def _durations(self) -> Ints:
        return self._duration_ns[self._timed]

    @cached_property
    def _queue(self) -> tuple[Ints, Ints]:
        """Audio still unplayed when each timed message came, and how long none had been there.

        Lindley's recursion W = max(0, W + X), by cumulative sums.
        """
        steps = before(self._durations, 0) - self._gaps
        level = self._past.queued_ns + np.cumsum(steps)
        lowest = np.minimum.accumulate(np.minimum(level, 0)) if len(level) else level
        dry = before(lowest, 0) - lowest
        if len(dry) and not self._past.is_timed:
            dry[0] = 0
        return level - lowest, dry

    def _spread(self, values: NDArray[Scalar]) -> NDArray[Scalar]:
        """A column of all messages from one of the timed ones."""
        column = np.zeros(len(self._time_ns), values.dtype)
        column[self._timed] = values
        return column

    @cached_property
    def gap_ms(self) -> Floats:
        """Milliseconds since the audio message before."""
        return self._spread(self._gaps) / 1e6

    @cached_property
    def lead_ms(self) -> Floats:
        """How far ahead of its time the end of the message came, in ms."""
        return self._spread(self._queue[0] + self._durations) / 1e6

    @property
    def has_waited(self) -> Mask:
        """There was nothing to play before it, for a frame and more, in the midst of sound.

        Or for a long time before the first of those that came at once with it, and all of them
        make up for half of that: the sender was late, as `FarEnd` has it.
        """
        return self._spread(self._dry_in_sound | self._caught_up)

    @property
    def is_meant(self) -> Mask:
        """Of those the waits that are no hole: whoever pauses so long may have nothing to say."""
        return self._spread(self._is_long & ~self._caught_up)

    @property
    def waited_ms(self) -> Floats:
        """How long there was nothing to play."""
        return self._spread(np.where(self._caught_up, self._runs[1], self._queue[1])) / 1e6

    @cached_property
    def _dry_in_sound(self) -> Mask:
        return (self._queue[1] > FRAME_NS) & self._cut

    @cached_property
    def _is_short(self) -> Mask:
        return self._queue[1] <= np.maximum(
            SHORT_WAIT_NS, before(self._durations, self._past.played_ns)
        )

    @cached_property
    def _is_long(self) -> Mask:
        return self._dry_in_sound & ~self._is_short

    @cached_property
    def _runs(self) -> tuple[Ints, Ints]:
        """How much sound came at once by each message, and after how long a wait, if one."""
        begins = self._gaps > AT_ONCE_NS
        if len(begins) and not self._past.is_timed:
            begins[0] = True
        place = np.arange(len(begins))
        first = np.maximum.accumulate(np.where(begins, place, -1)) if len(place) else place
        played = np.cumsum(self._durations)
        earlier = np.where(first < 0, -self._past.came_ns, before(played, 0)[first.clip(0)])
        long = np.where(self._is_long, self._queue[1], 0)
        waited = np.where(first < 0, self._past.waited_ns, long[first.clip(0)])
        return played - earlier, waited

    @cached_property
    def _caught_up(self) -> Mask:
        came, waited = self._runs
        is_half = (2 * came >= waited) & (2 * (came - self._durations) < waited)
        return is_half & (waited > 0)

    @cached_property
    def _cut(self) -> Mask:
        still = self._is_still[self._timed]
        return ~still | ~before(still, self._past.was_still)

    @cached_property
    def _waits(self) -> Ints:
        """The columns of `PacingPast.waits`, behind those of the past, shape (3, messages)."""
        past = np.array(self._past.waits, np.int64).T
        dry = self._queue[1]
        waited = np.where(self._is_short & self._cut, dry, 0)
        columns = np.stack([self._durations + waited, waited, (waited > 0).astype(np.int64)])
        return np.concatenate([past, past[:, -1:] + np.cumsum(columns, axis=1)], axis=1)

    @cached_property
    def _slow(self) -> tuple[Floats, Mask]:
        """Of the latest stretches of sound the share of waits; whether both have many of them."""
        sounding, waited, count = self._waits
        here = np.arange(len(sounding) - len(self._timed), len(sounding))
        middle, start = (
            np.searchsorted(sounding, sounding[here] - back_ns, "right").clip(1) - 1
            for back_ns in (STRETCH_NS, 2 * STRETCH_NS)
        )
        is_long = sounding[here] - sounding[0] >= 2 * STRETCH_NS
        both = waited[here] - waited[start]
        least = np.minimum(waited[here] - waited[middle], waited[middle] - waited[start])
        often = MESSAGES_A_WAIT * (count[here] - count[start]) >= here - start
        share = both / np.maximum(sounding[here] - sounding[start], 1)
        return share, is_long & often & (least >= LEAST_WAIT_RATIO * STRETCH_NS)

    @cached_property
    def slow_share(self) -> Floats:
        """Of the last four seconds of sound, the share that was waiting for the sender."""
        return self._spread(self._slow[0])

    @property
    def frames_a_second(self) -> Floats:
        """How many frames of 20 ms that left of the 50 of a second."""
        return 50 * (1 - self.slow_share)

    @cached_property
    def is_slow(self) -> Mask:
        """The sender waits too long again and again: in both of the last stretches of sound."""
        return self._spread(self._slow[1])

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
            played_ns=int(self._durations[-1]),
            waits=self._late_waits,
            came_ns=int(self._runs[0][-1]),
            waited_ns=int(self._runs[1][-1]),
        )

    @property
    def _late_waits(self) -> tuple[tuple[int, int, int], ...]:
        """The rows that the next block's first message has to look at."""
        sounding = self._waits[0]
        first = int(np.searchsorted(sounding, sounding[-1] - 2 * STRETCH_NS, "right")) - 1
        return tuple((a, b, c) for a, b, c in self._waits[:, max(0, first) :].T.tolist())
