"""What a pause in the arrivals was: the one judge that recording, figures and playout ask.

RTP loss figures see none of it: over TCP nothing is lost or reordered, and the sequence numbers
are made at the platform's bridge. What tells is the *delay* of each frame, its arrival less its
place in the audio. On a steady stream the delay is flat. A stall lifts it and the catch-up
brings it down again; audio that never came lifts it for good; a far clock that runs slow or fast
tilts it, too slowly to matter within one pause.

`PauseJudge` says from the arrivals alone, within two seconds, what never came: a recording and a
listener's buffer cannot wait for more. `weigh` adds what is known at the end of a run, and
`dry_pauses` what the sound says.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple, TypeVar

from voipbin_cli.analysis.columns import Ints
from voipbin_cli.codec.codecs import FRAME_NS

# When it is a pause at all. The platform's own gaps reach 33 ms on a quiet machine; one frame of
# 20 ms that never came makes 40. Of longer frames a quarter of one is left for jitter.
GAP_NS = 35_000_000
# Late by three frames or more is a stall or jitter; less is how a healthy link delivers.
LATE_NS = 60_000_000
# A stall, and not jitter: half of the frames that were due in it come at once, that is within a
# third of the time that it held them back.
BURST_SHARE = 0.5
BURST_TIME = 1 / 3
# Jitter makes no frame 400 ms later than the one before. So late it is a stall, even where TCP
# repeats what it lost piece by piece and no burst follows.
HELD_NS = 400_000_000

# Back to the delay before the pause within 8 ms, less than half a frame: all of it has come.
CAUGHT_UP_NS = 8_000_000
# What is still missing half a second after the delay last fell is lost: a TCP catch-up takes a
# few round trips.
SETTLE_NS = 500_000_000
# A link that goes on catching up is given 2 s, no more: a recording holds back what follows.
PATIENCE_NS = 2_000_000_000
# The delay before a pause, its floor: the least of each 25 frames (half a second), and of the
# last four such the highest. Jitter, which lifts each of them now and then, is no loss then.
FLOOR_FRAMES = 100
BLOCK_FRAMES = 25
# Lost audio lifts the floor by whole frames. A rise of under 12 ms, and twice what the four least
# delays before the pause differed by, is jitter.
LEAST_LOSS_NS = 12_000_000

# Lost audio stays away: of the lift half at least has to be there for 4 s after. It also has to
# be three times what the floor moves by from one half second to the next (the median), as chance
# rarely does; six times where under 2 s before or after are left to see it in.
STAYS_SHARE = 0.5
STAYS_MOVES = 3.0
# A queue that fills up lifts the delay for good, too. A ping waits in the same queue, so that six
# tenths of what seems lost have to show in its round trip; the rest may have drained by then.
QUEUE_SHARE = 0.6
# Where a phone may send nothing in silence, so long a pause at least is one: ten frames.
SILENT_NS = 200_000_000
# Meant, however long: the sender says that it was silent, and not for how long.
ANY_LENGTH_NS = 1 << 62


class PauseKind(StrEnum):
    """What a pause was, or a part of it."""

    STALL = "stall"  # held back, then brought at once
    WANDER = "wander"  # as late, and not at once after it: jitter
    LOSS = "loss"  # audio that never came
    DRY = "dry"  # the sender waited, and sent all of it later: `dry_pauses` tells
    EXCUSED = "excused"  # this process did not read
    MEANT = "meant"  # the sender sent nothing on purpose
    UNDECIDED = "undecided"  # the run ended before it was seen whether anything catches up
    BRIEF = "brief"  # late by under three frames: a healthy link


class Grounds(NamedTuple):
    """What the verdict on a pause rests on, as far as it was looked at.

    Of `due_frames` that the pause held back `burst_frames` came at once after it. The delay's
    floor was `floor_rise_ns` higher for seconds after. Pings came to wait `queued_ns` longer.
    This process was late by `own_lag_ns` when it ended. `goes_on`: how much more likely it is that
    the sound went on after it than that a part is missing, as a natural logarithm.
    """

    burst_frames: int = 0
    due_frames: int = 1
    floor_rise_ns: int | None = None
    queued_ns: int = 0
    own_lag_ns: int = 0
    goes_on: float = 0.0


class Pause(NamedTuple):
    """A pause in the arrivals, judged.

    `frame` is the index of the first frame after it, `at_ns` that frame's arrival, `length_ns`
    the time since the frame before, less audio that is missing by its number; a frame's own 20 ms
    are part of it. Its parts: audio that never came, that came late, that this process kept
    waiting, that was never meant to be, that the end of the run left undecided; and time in which
    the sender waited and lost nothing.
    """

    frame: int
    at_ns: int
    length_ns: int
    lost_ns: int = 0
    late_ns: int = 0
    excused_ns: int = 0
    meant_ns: int = 0
    undecided_ns: int = 0
    dry_ns: int = 0
    grounds: Grounds = Grounds()

    @property
    def absent_ns(self) -> int:
        """What is not there, whatever the reason: whoever keeps to the clock puts silence in."""
        return self.lost_ns + self.dry_ns + self.meant_ns + self.undecided_ns

    @property
    def kinds(self) -> tuple[PauseKind, ...]:
        """Of each part that counts; the rest of a loss may be a stall."""
        parts = (
            (PauseKind.EXCUSED, self.excused_ns > 0),
            (PauseKind.MEANT, self.meant_ns > 0),
            (PauseKind.LOSS, self.lost_ns > 0),
            (PauseKind.DRY, self.dry_ns > 0),
            (PauseKind.UNDECIDED, self.undecided_ns > 0),
            (PauseKind.STALL, self.late_ns >= LATE_NS and self._is_at_once()),
            (PauseKind.WANDER, self.late_ns >= LATE_NS and not self._is_at_once()),
        )
        return tuple(kind for kind, holds in parts if holds) or (PauseKind.BRIEF,)

    def _is_at_once(self) -> bool:
        grounds = self.grounds
        return grounds.burst_frames >= BURST_SHARE * grounds.due_frames or self.late_ns >= HELD_NS

    def only_late(self, grounds: Grounds) -> Pause:
        """The same pause, of which nothing is lost after all."""
        late_ns = self.late_ns + self.lost_ns + self.undecided_ns
        return self._replace(lost_ns=0, undecided_ns=0, late_ns=late_ns, grounds=grounds)


Nanoseconds = TypeVar("Nanoseconds", int, Ints)


def least_pause_ns(duration_ns: Nanoseconds) -> Nanoseconds:
    """How long a frame of this length may be waited for, where that is more than GAP_NS."""
    return 2 * duration_ns - (duration_ns >> 2)


@dataclass(slots=True)
class _Open:
    """A pause while it is open what became of it, and the least delay of the frames since.

    Of what turns out to be absent up to `meant_ns` is so because the sender was silent.
    """

    frame: int
    at_ns: int
    length_ns: int
    least_delay_ns: int
    meant_ns: int


class PauseJudge:
    """A fold over frames that says which pauses lost audio.

    `add` returns the pauses that this frame has settled, mostly none. While `open` is true the
    frames since `open_frame` may still turn out to follow lost audio, and whoever must put
    silence before them holds them back. `finish` judges what is open at the end.
    """

    def __init__(self) -> None:
        self.frames = 0
        self.open = False
        self.last_ns = 0  # when the latest frame arrived
        self.delay_ns = 0  # of the latest frame
        self.duration_ns = FRAME_NS
        self._floor: deque[int] = deque(maxlen=FLOOR_FRAMES)
        self._floor_ns = 0
        self._spread_ns = 0
        self._range_ns = 0
        self._shift_ns = 0  # all that was lost so far: the delays before it count as lifted, too
        self._is_broken = False
        self._pauses: list[_Open] = []
        self._since: list[int] = []  # arrivals from the first open pause on
        self._last_drop_ns = 0

    @property
    def open_frame(self) -> int:
        """Index of the first frame whose place on the clock is not settled."""
        return self._pauses[0].frame if self._pauses else self.frames

    def add(
        self, arrival_ns: int, place_ns: int, duration_ns: int, meant_ns: int = 0
    ) -> tuple[Pause, ...]:
        """Take one frame that holds `duration_ns` of audio, and belongs at `place_ns` in it.

        Places count the audio that came, and what is missing by its number. `meant_ns` is for
        how long the sender says that it was silent before, ANY_LENGTH_NS where it does not say.
        """
        delay_ns = arrival_ns - place_ns
        gap_ns = delay_ns - self.delay_ns + self.duration_ns if self.frames else 0
        settled: tuple[Pause, ...] = ()
        if gap_ns > GAP_NS or self.open or self._is_broken:
            settled = self._look(arrival_ns, gap_ns, delay_ns, duration_ns, meant_ns)
        self._floor.append(delay_ns - self._shift_ns)
        self.frames += 1
        self.last_ns = arrival_ns
        self.delay_ns = delay_ns
        # Half a sample a frame plays for no time; whole frames are counted by it.
        self.duration_ns = max(1, duration_ns)
        return settled

    def pass_by(self, arrivals_ns: Ints, places_ns: Ints, durations_ns: Ints) -> None:
        """Take frames as `add` does, none of which follows a pause, while none is open."""
        if not len(arrivals_ns):
            return
        delays_ns = (arrivals_ns - places_ns)[-FLOOR_FRAMES:]
        self._floor.extend((delays_ns - self._shift_ns).tolist())
        self.frames += len(arrivals_ns)
        self.last_ns = int(arrivals_ns[-1])
        self.delay_ns = int(delays_ns[-1])
        self.duration_ns = max(1, int(durations_ns[-1]))

    def broke(self) -> tuple[Pause, ...]:
        """Judge what is open: the connection is gone.

        What was under way will never catch up, so the pause before the next frame is lost audio.
        """
        self._is_broken = True
        return self._judge_open()

    def finish(self) -> tuple[Pause, ...]:
        """Judge the pauses that are still open by what has come so far.

        What seems lost less than half a second before the end may still have been on its way.
        """
        return tuple(
            pause._replace(lost_ns=0, undecided_ns=pause.lost_ns)
            if self.last_ns - pause.at_ns < SETTLE_NS
            else pause
            for pause in self._judge_open()
        )

    def _judge_open(self) -> tuple[Pause, ...]:
        """A few frames have no minimum to speak of: lost is what is later than any before."""
        self._spread_ns = self._range_ns
        return self._settle(len(self._pauses)) if self.open else ()

    def _look(
        self, arrival_ns: int, gap_ns: int, delay_ns: int, duration_ns: int, meant_ns: int
    ) -> tuple[Pause, ...]:
        """Open a pause before this frame, or see what it says of those that are open."""
        is_broken, self._is_broken = self._is_broken, False
        if is_broken and self.frames:
            self._begin(arrival_ns, gap_ns, delay_ns, meant_ns)
            return self._settle(len(self._pauses))
        if gap_ns > GAP_NS and gap_ns > least_pause_ns(duration_ns):
            self._begin(arrival_ns, gap_ns, delay_ns, meant_ns)
            return ()
        return self._follow(arrival_ns, delay_ns) if self.open else ()

    def _begin(self, arrival_ns: int, gap_ns: int, delay_ns: int, meant_ns: int) -> None:
        if not self.open:
            self.open = True
            self._measure_floor()
        self._pauses.append(_Open(self.frames, arrival_ns, gap_ns, delay_ns, meant_ns))
        self._since.append(arrival_ns)
        self._last_drop_ns = arrival_ns

    def _measure_floor(self) -> None:
        delays_ns = list(self._floor)
        first = len(delays_ns) % BLOCK_FRAMES if len(delays_ns) >= BLOCK_FRAMES else 0
        blocks = range(first, len(delays_ns), BLOCK_FRAMES)
        minima = [min(delays_ns[i : i + BLOCK_FRAMES]) for i in blocks]
        self._floor_ns = max(minima) + self._shift_ns
        self._spread_ns = max(minima) - min(minima)
        self._range_ns = max(delays_ns) - min(delays_ns)

    def _follow(self, arrival_ns: int, delay_ns: int) -> tuple[Pause, ...]:
        latest = self._pauses[-1]
        self._since.append(arrival_ns)
        if delay_ns < latest.least_delay_ns - CAUGHT_UP_NS:
            self._last_drop_ns = arrival_ns
        latest.least_delay_ns = min(latest.least_delay_ns, delay_ns)
        if latest.least_delay_ns - self._floor_ns < CAUGHT_UP_NS:
            return self._settle(len(self._pauses))
        is_steady = arrival_ns - max(self._last_drop_ns, latest.at_ns) >= SETTLE_NS
        if is_steady or arrival_ns - latest.at_ns >= PATIENCE_NS:
            return self._settle(len(self._pauses))
        if arrival_ns - self._pauses[0].at_ns >= PATIENCE_NS:
            return self._settle(len(self._pauses) - 1)
        return ()

    def _settle(self, count: int) -> tuple[Pause, ...]:
        """Judge the first `count` pauses: what a later frame still caught up, none of them lost."""
        first = self._pauses[0].frame
        least_ns = [pause.least_delay_ns for pause in self._pauses]
        for i in reversed(range(len(least_ns) - 1)):
            least_ns[i] = min(least_ns[i], least_ns[i + 1])
        rows = zip(self._pauses[:count], least_ns, strict=False)
        judged = tuple(self._judge(pause, pause.frame - first, ns) for pause, ns in rows)
        del self._pauses[:count]
        del self._since[: self.open_frame - first if self._pauses else None]
        self.open = bool(self._pauses)
        return judged

    def _judge(self, pause: _Open, since: int, least_delay_ns: int) -> Pause:
        absent_ns = self._whole_frames(least_delay_ns - self._floor_ns)
        self._floor_ns += absent_ns
        self._lower_delays_since(pause.frame, absent_ns)
        late_ns = max(0, pause.length_ns - absent_ns)
        meant_ns = min(absent_ns, pause.meant_ns)
        due = max(1, round(late_ns / self.duration_ns) - 1)
        burst = min(due, _at_once(self._since[since:], late_ns * BURST_TIME))
        return Pause(
            pause.frame,
            pause.at_ns,
            pause.length_ns,
            lost_ns=absent_ns - meant_ns,
            late_ns=late_ns,
            meant_ns=meant_ns,
            grounds=Grounds(burst_frames=burst, due_frames=due),
        )

    def _whole_frames(self, rise_ns: int) -> int:
        """Audio goes missing in whole frames; what jitter adds to the rise is not loss."""
        if rise_ns < LEAST_LOSS_NS + 2 * self._spread_ns:
            return 0
        return round(rise_ns / self.duration_ns) * self.duration_ns

    def _lower_delays_since(self, frame: int, absent_ns: int) -> None:
        """Audio that never came lifts all later delays: take that out of the known ones."""
        if absent_ns:
            self._shift_ns += absent_ns
            known = len(self._floor) - min(len(self._floor), self.frames - frame)
            for i in range(known, len(self._floor)):
                self._floor[i] -= absent_ns


def _at_once(arrivals_ns: list[int], within_ns: float) -> int:
    """How many frames came so soon after the first, which ended the pause."""
    return sum(1 for time_ns in arrivals_ns[1:] if time_ns - arrivals_ns[0] <= within_ns)


class FloorRise(NamedTuple):
    """By how much the delay's floor rose with a frame, None where nothing came before or after.

    `moves_ns` is what it usually moves by from one half second to the next. `is_brief`: under
    2 s before or after are known.
    """

    rise_ns: int | None
    moves_ns: float
    is_brief: bool


def weigh(
    pauses: Sequence[Pause],
    *,
    rises: Sequence[FloorRise],
    queued_ms: float,
    may_be_silent: bool = False,
) -> tuple[Pause, ...]:
    """The same pauses, judged by all that is known at the end of a run.

    A row each: the rise of the floor. `queued_ms` is how much longer pings came to take.
    `may_be_silent`: frames are passed on as a phone sends them, which may send none in silence.
    """
    stayed = tuple(_stayed(pause, rise) for pause, rise in zip(pauses, rises, strict=True))
    judged = but_queued(stayed, queued_ms)
    return tuple(map(_but_silent, judged)) if may_be_silent else judged


def _but_silent(pause: Pause) -> Pause:
    """A phone that falls silent does so for longer than packets get lost in a row."""
    if pause.lost_ns < SILENT_NS:
        return pause
    return pause._replace(lost_ns=0, meant_ns=pause.meant_ns + pause.lost_ns)


def _stayed(pause: Pause, rise: FloorRise) -> Pause:
    """Where the delay came back within seconds, what seemed lost was only late."""
    if not pause.lost_ns:
        return pause
    rise_ns = pause.lost_ns if rise.rise_ns is None else rise.rise_ns
    grounds = pause.grounds._replace(floor_rise_ns=rise.rise_ns)
    by_chance_ns = (1 + rise.is_brief) * STAYS_MOVES * rise.moves_ns
    if rise_ns >= max(STAYS_SHARE * pause.lost_ns, by_chance_ns):
        return pause._replace(grounds=grounds)
    return pause.only_late(grounds)


def but_queued(pauses: tuple[Pause, ...], queued_ms: float) -> tuple[Pause, ...]:
    """Audio that seems lost is only late where pings came to wait as long: a queue filled up."""
    lost_ns = sum(pause.lost_ns + pause.undecided_ns for pause in pauses)
    queued_ns = round(queued_ms * 1e6)
    if not lost_ns or queued_ns < lost_ns * QUEUE_SHARE:
        return pauses
    return tuple(pause.only_late(pause.grounds._replace(queued_ns=queued_ns)) for pause in pauses)
