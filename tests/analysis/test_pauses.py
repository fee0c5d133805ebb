"""What a pause was, and what the verdict rests on; the same for each who asks."""

from __future__ import annotations

import random

import pytest

from voipbin_cli.analysis.messages import TimedMessage, from_messages
from voipbin_cli.analysis.pauses import (
    ANY_LENGTH_NS,
    FloorRise,
    Grounds,
    Pause,
    PauseJudge,
    PauseKind,
    but_queued,
    weigh,
)
from voipbin_cli.analysis.stream import StreamFold
from voipbin_cli.codec.codecs import Codec
from voipbin_cli.codec.dialect import AudioFrame
from voipbin_cli.codec.encapsulation import Encapsulation, Unit
from voipbin_cli.session.silence_filling import CallClock

MS = 1_000_000
FRAME = 20 * MS


def show(judge: PauseJudge, at_ms: float, frame_ns: int = FRAME) -> tuple[Pause, ...]:
    """Show it a frame that belongs right behind the one before."""
    return judge.add(round(at_ms * MS), judge.frames * frame_ns, frame_ns)


def fold(arrivals_ms: list[float], frame_ns: int = FRAME) -> list[Pause]:
    judge = PauseJudge()
    settled = [pause for at in arrivals_ms for pause in show(judge, at, frame_ns)]
    return settled + list(judge.finish())


def steady(count: int, start_ms: float = 0.0, step_ms: float = 20.0) -> list[float]:
    return [start_ms + i * step_ms for i in range(count)]


def lost_ms(pauses: list[Pause]) -> float:
    return sum(pause.lost_ns for pause in pauses) / MS


def test_a_steady_stream_has_no_pauses() -> None:
    assert fold(steady(500)) == []


def test_a_stall_that_catches_up_loses_nothing() -> None:
    # Ten frames held back for 200 ms, then all at once; the stream goes on as planned.
    arrivals = steady(50) + [1200.0 + i * 0.1 for i in range(11)] + steady(100, 1220.0)
    (pause,) = fold(arrivals)
    assert (pause.frame, pause.lost_ns) == (50, 0)
    assert pause.length_ns == 220 * MS


def test_a_pause_without_catch_up_lost_its_audio() -> None:
    # Frame 50 comes 200 ms late and so does all that follows: ten frames never came.
    (pause,) = fold(steady(50) + steady(100, 1200.0))
    assert (pause.frame, pause.lost_ns) == (50, 200 * MS)


def test_one_frame_that_never_came_is_seen() -> None:
    (pause,) = fold(steady(50) + steady(100, 1020.0))
    assert pause.lost_ns == 20 * MS


def test_a_partial_catch_up_loses_only_the_rest() -> None:
    # 300 ms of pause, ten frames of it come in a burst, five never do.
    arrivals = steady(50) + [1300.0 + i * 0.1 for i in range(11)] + steady(100, 1320.0)
    assert lost_ms(fold(arrivals)) == 100.0


def test_a_slow_catch_up_is_waited_for() -> None:
    # After 500 ms without a frame the link carries one each 10 ms until it has caught up.
    arrivals = steady(50) + steady(50, 1500.0, 10.0) + steady(100, 2000.0)
    (pause,) = fold(arrivals)
    assert pause.lost_ns == 0


def test_two_losses_close_together_are_told_apart() -> None:
    arrivals = steady(50) + steady(10, 1100.0) + steady(100, 1340.0)
    first, second = fold(arrivals)
    assert (first.frame, first.lost_ns) == (50, 100 * MS)
    assert (second.frame, second.lost_ns) == (60, 40 * MS)


def test_a_loss_before_a_stall_is_not_excused_by_it() -> None:
    # 100 ms lost for good; 200 ms later a stall of 160 ms that catches up.
    lost = steady(10, 1100.0)
    stall = [1460.0 + i * 0.1 for i in range(9)]
    first, second = fold(steady(50) + lost + stall + steady(100, 1480.0))
    assert (first.lost_ns, second.lost_ns) == (100 * MS, 0)
    # The eight that were due in 180 ms are the stall's; they came behind the loss, too.
    assert [pause.grounds.burst_frames for pause in (first, second)] == [0, 8]


@pytest.mark.parametrize("ppm", [-300, 300])
def test_drift_is_not_loss(ppm: int) -> None:
    # One hour at 300 ppm moves the clock by more than a second, and no gap opens.
    step = 20.0 * (1 + ppm / 1e6)
    assert fold(steady(180_000, step_ms=step)) == []


def test_jitter_of_three_frames_is_no_loss() -> None:
    rng = random.Random(7)
    for spread_ms in (10.0, 30.0, 60.0):
        late = 0.0
        arrivals = []
        for at in steady(3000):
            late = max(late, at + rng.uniform(0.0, spread_ms))  # TCP keeps the order
            arrivals.append(late)
        assert lost_ms(fold(arrivals)) == 0.0


def test_a_half_second_that_jitter_lifted_is_part_of_the_floor() -> None:
    # The second of four half seconds is 15 ms late; after the pause all is 14 ms late.
    before = [at + 15.0 if 25 <= n < 50 else at for n, at in enumerate(steady(100))]
    (pause,) = fold([*before, 2030.0, *steady(100, 2034.0)])
    assert (pause.frame, pause.lost_ns) == (100, 0)


def test_frames_of_another_length_have_their_own_gap_threshold() -> None:
    assert fold(steady(100, step_ms=40.0), 40 * MS) == []
    (pause,) = fold(steady(50, step_ms=40.0) + steady(50, 2080.0, 40.0), 40 * MS)
    assert pause.lost_ns == 80 * MS


def test_what_is_open_at_the_end_is_judged_by_what_came() -> None:
    judge = PauseJudge()
    for at in [*steady(50), 1300.0]:
        assert show(judge, at) == ()
    assert judge.open
    assert judge.open_frame == 50
    (pause,) = judge.finish()
    assert (pause.lost_ns, pause.undecided_ns) == (0, 300 * MS)
    assert pause.kinds == (PauseKind.UNDECIDED,)
    assert not judge.open


@pytest.mark.parametrize(
    ("left_ms", "kind"), [(480.0, PauseKind.UNDECIDED), (500.0, PauseKind.LOSS)]
)
def test_what_the_last_half_second_holds_is_not_decided(left_ms: float, kind: PauseKind) -> None:
    judge = PauseJudge()
    for at in steady(50):
        show(judge, at)
    # The delay falls a little with each frame: the link may be catching up.
    for n in range(round(left_ms / 20) + 1):
        show(judge, 1200.0 + n * 20.0)
    told = judge.finish()
    assert [pause.kinds for pause in told] == ([(kind,)] if told else [])
    assert bool(told) is (kind is PauseKind.UNDECIDED)  # else it was settled before


def test_a_stall_that_has_caught_up_is_one_however_late_it_comes() -> None:
    (pause,) = fold(STALLED[:61])
    assert pause.kinds == (PauseKind.STALL,)


def test_what_a_broken_connection_leaves_open_never_comes() -> None:
    judge = PauseJudge()
    for at in [*steady(50), 1300.0]:
        show(judge, at)
    (pause,) = judge.broke()
    assert (pause.lost_ns, pause.undecided_ns) == (300 * MS, 0)


@pytest.mark.parametrize(
    ("meant_ms", "kinds"),
    [
        (0, (PauseKind.LOSS,)),
        (120, (PauseKind.MEANT, PauseKind.LOSS)),
        (200, (PauseKind.MEANT,)),
        (900, (PauseKind.MEANT,)),
    ],
)
def test_what_the_sender_meant_is_not_lost(meant_ms: int, kinds: tuple[PauseKind, ...]) -> None:
    judge = PauseJudge()
    told = []
    for n, at in enumerate(steady(50) + steady(100, 1200.0)):
        meant_ns = meant_ms * MS if n == 50 else 0
        told += judge.add(round(at * MS), n * FRAME, FRAME, meant_ns)
    (pause,) = told
    assert pause.kinds == kinds
    assert pause.absent_ns == 200 * MS
    assert pause.meant_ns == min(200, meant_ms) * MS


def test_a_stall_is_one_though_the_sender_says_that_it_was_silent() -> None:
    judge = PauseJudge()
    told = []
    for n, at in enumerate(STALLED):
        told += judge.add(round(at * MS), n * FRAME, FRAME, ANY_LENGTH_NS if n == 50 else 0)
    (pause,) = told
    assert (pause.kinds, pause.meant_ns) == ((PauseKind.STALL,), 0)


def test_losses_that_never_pause_for_long_are_settled_all_the_same() -> None:
    # A frame of every ten never comes, for a minute: no wait may grow without bound.
    judge = PauseJudge()
    worst_frames = 0
    lost_ns = 0
    for i in range(3000):
        if i % 10 == 9:
            continue
        pauses = show(judge, i * 20.0)
        lost_ns += sum(pause.lost_ns for pause in pauses)
        worst_frames = max(worst_frames, judge.frames - judge.open_frame)
    lost_ns += sum(pause.absent_ns for pause in judge.finish())
    assert lost_ns == 299 * FRAME  # 300 are missing; the last has nothing after it
    assert worst_frames <= 130


def test_a_broken_connection_lost_its_audio_at_once() -> None:
    judge = PauseJudge()
    for at in steady(50):
        show(judge, at)
    assert judge.broke() == ()
    # The next connection's first frame comes 500 ms after it was due; no catch-up can follow.
    (pause,) = show(judge, 1500.0)
    assert (pause.frame, pause.lost_ns) == (50, 500 * MS)
    assert not judge.open
    for at in steady(100, 1520.0):
        assert show(judge, at) == ()


# What kind it was


STALLED = steady(50) + [1200.0 + i * 0.1 for i in range(11)] + steady(100, 1220.0)


@pytest.mark.parametrize(
    ("arrivals_ms", "kinds", "burst", "parts_ms"),
    [
        # 220 ms without a frame, in which ten were due: all of them come at once after it.
        (STALLED, (PauseKind.STALL,), (10, 10), (0, 220)),
        # 120 ms, in which five were due; then one each 15 ms, two of them within a third of it.
        (
            steady(50) + steady(21, 1100.0, 15.0) + steady(100, 1420.0),
            (PauseKind.WANDER,),
            (2, 5),
            (0, 120),
        ),
        # 220 ms, and everything after it is 200 ms late: ten frames never came.
        (steady(50) + steady(100, 1200.0), (PauseKind.LOSS,), (0, 1), (200, 20)),
        # 320 ms: five frames never came, and the ten that did, late by 220 ms, came at once.
        (
            steady(50) + [1300.0 + i * 0.1 for i in range(11)] + steady(100, 1320.0),
            (PauseKind.LOSS, PauseKind.STALL),
            (10, 10),
            (100, 220),
        ),
        # 55 ms are less than three frames.
        (
            [*steady(50), 1035.0, 1035.0, 1040.0, *steady(100, 1060.0)],
            (PauseKind.BRIEF,),
            (2, 2),
            (0, 55),
        ),
    ],
)
def test_the_kinds_of_a_pause(
    arrivals_ms: list[float],
    kinds: tuple[PauseKind, ...],
    burst: tuple[int, int],
    parts_ms: tuple[float, float],
) -> None:
    (pause,) = fold(arrivals_ms)
    assert pause.kinds == kinds
    assert (pause.grounds.burst_frames, pause.grounds.due_frames) == burst
    assert (pause.lost_ns / MS, pause.late_ns / MS) == parts_ms


def test_each_pause_has_its_own_burst() -> None:
    # The stall, and 900 ms after its end the pause that catches up slowly.
    slowly = steady(21, 2100.0, 15.0) + steady(100, 2420.0)
    first, second = fold(STALLED[:100] + slowly)
    assert (first.grounds.burst_frames, first.grounds.due_frames) == (10, 10)
    assert (second.grounds.burst_frames, second.grounds.due_frames) == (2, 5)


def test_a_pause_keeps_its_burst_where_those_before_it_are_settled_first() -> None:
    # 40 ms are lost each 400 ms, from 1040 on: after 2 s, at 3040, those are settled. The stall,
    # 150 ms until 3030 in which seven frames were due, is still catching up.
    arrivals = [n * 20.0 + 40 * max(0, min(5, (n - 32) // 18)) for n in range(300)]
    arrivals[135:143] = [3030.0 + 2 * n for n in range(8)]
    *losses, stall = fold(arrivals)
    assert [pause.lost_ns // MS for pause in losses] == [40] * 5
    assert (stall.kinds, stall.grounds.burst_frames) == ((PauseKind.STALL,), 7)


def late(ms: float, burst_frames: int = 0, due_frames: int = 10) -> Pause:
    grounds = Grounds(burst_frames, due_frames)
    return Pause(100, 0, round(ms * MS), late_ns=round(ms * MS), grounds=grounds)


@pytest.mark.parametrize(
    ("pause", "kind"),
    [
        (late(59.9, 10), PauseKind.BRIEF),
        (late(60, 5), PauseKind.STALL),
        (late(60, 4), PauseKind.WANDER),
        (late(399.9), PauseKind.WANDER),
        (late(400), PauseKind.STALL),  # nothing wanders so far
        (Pause(0, 0, 3000 * MS, meant_ns=2980 * MS), PauseKind.MEANT),
    ],
)
def test_where_one_kind_becomes_another(pause: Pause, kind: PauseKind) -> None:
    assert pause.kinds == (kind,)


def test_a_burst_is_counted_in_frames_of_their_own_length() -> None:
    # 440 ms without a frame of 40 ms, in which ten were due, and ten came at once.
    burst = [2400.0] * 11
    (pause,) = fold(steady(50, step_ms=40.0) + burst + steady(50, 2440.0, 40.0), 2 * FRAME)
    assert (pause.grounds.burst_frames, pause.grounds.due_frames) == (10, 10)


# What is known at the end of a run

LOST = Pause(100, 2000 * MS, 320 * MS, lost_ns=300 * MS, late_ns=20 * MS)
STAYED = FloorRise(300 * MS, 0.0, is_brief=False)


def weighed(pause: Pause, rise: FloorRise = STAYED, queued_ms: float = 0.0) -> Pause:
    (told,) = weigh([pause], rises=[rise], queued_ms=queued_ms)
    return told


@pytest.mark.parametrize(
    ("rise", "lost_ms"),
    [
        (FloorRise(150 * MS, 0.0, is_brief=False), 300),  # half of it is there for seconds after
        (FloorRise(149 * MS, 0.0, is_brief=False), 0),
        (FloorRise(300 * MS, 100 * MS, is_brief=False), 300),  # three times what it moves anyway
        (FloorRise(299 * MS, 100 * MS, is_brief=False), 0),
        (FloorRise(300 * MS, 50 * MS, is_brief=True), 300),  # six times, where little is seen
        (FloorRise(299 * MS, 50 * MS, is_brief=True), 0),
        (FloorRise(None, 50 * MS, is_brief=True), 300),  # nothing after it to tell otherwise
    ],
)
def test_what_was_lost_stays_away(rise: FloorRise, lost_ms: int) -> None:
    told = weighed(LOST, rise)
    assert (told.lost_ns, told.late_ns) == (lost_ms * MS, (320 - lost_ms) * MS)
    assert told.grounds.floor_rise_ns == rise.rise_ns


def test_what_pings_waited_for_as_well_is_in_a_queue() -> None:
    # Six tenths of 300 ms.
    assert weighed(LOST, queued_ms=179.9).lost_ns == 300 * MS
    told = weighed(LOST, queued_ms=180.0)
    assert (told.lost_ns, told.late_ns, told.grounds.queued_ns) == (0, 320 * MS, 180 * MS)
    # It explains all that is missing or nothing.
    assert but_queued((LOST, LOST), 300.0) == (LOST, LOST)
    assert [pause.lost_ns for pause in but_queued((LOST, LOST), 360.0)] == [0, 0]


# One stream, and all who ask


def _three_pauses() -> list[int]:
    """Arrivals in ms: held back until 2200, 100 ms lost at 4000, held back and 60 ms lost at 6100.

    So frames 100 to 110 come 200, 180, … 0 ms late, and 300 to 312, then 240, 220, … 0 ms.
    """
    first = [max(n * 20, 2200) if n >= 100 else n * 20 for n in range(200)]
    second = [n * 20 + 100 for n in range(200, 300)]
    return first + second + [max(n * 20 + 160, 6400) for n in range(300, 500)]


def test_the_recording_the_figures_and_the_listener_say_the_same() -> None:
    arrivals_ms = _three_pauses()
    stream = StreamFold(Encapsulation.SLN)
    stream.add(from_messages(TimedMessage(b"\x10\x90" * 80, at * MS) for at in arrivals_ms))
    stream.flush()
    measured = stream.measured()
    assert [(pause.frame, pause.lost_ns // MS) for pause in measured.losses] == [
        (200, 100),
        (300, 60),
    ]
    assert [(pause.frame, pause.late_ns // MS) for pause in measured.stalls] == [
        (100, 220),
        (300, 260),
    ]
    assert measured.lost_ms == 160.0

    clock, unit = CallClock(fill=True), Unit(b"", None, None)
    frames = (AudioFrame(b"\x01" * 320, at * MS, unit, Codec.S16LE, 8000) for at in arrivals_ms)
    pcm = b"".join(piece for frame in frames for piece in clock.add(frame))
    pcm += b"".join(clock.finish())
    # 100 ms of silence in front of frame 200, and behind those 60 ms in front of frame 300.
    sound, silence = b"\x01" * 320, bytes(320)
    assert pcm == sound * 200 + silence * 5 + sound * 100 + silence * 3 + sound * 200
    assert clock.filled_samples / 8 == measured.lost_ms

    # What comes later than a buffer holds: 200 … 80 ms are seven frames, 240 … 80 nine. What was
    # lost makes no frame late.
    late = {name: outcome.late for name, outcome in measured.buffers.items()}
    assert (late["fixed 60 ms"], late["fixed 200 ms"]) == (7 + 9, 2)


def test_frames_that_play_for_no_time_have_pauses_and_end() -> None:
    judge = PauseJudge()
    found = [*judge.add(0, 0, 0), *judge.add(500_000_000, 0, 0)]
    found += [pause for n in range(60) for pause in judge.add(520_000_000 + n * 20_000_000, 0, 0)]
    found += judge.finish()
    assert found
