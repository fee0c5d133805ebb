"""Stalls, lost audio and drift, told apart by the arrival times alone."""

from __future__ import annotations

import random

import pytest

from voipbin_cli.analysis.arrivals.timeline import Gap, Timeline

MS = 1_000_000
FRAME = 20 * MS


def fold(arrivals_ms: list[float], frame_ns: int = FRAME) -> list[Gap]:
    timeline = Timeline()
    gaps = [gap for at in arrivals_ms for gap in timeline.add(round(at * MS), frame_ns)]
    return gaps + list(timeline.finish())


def steady(count: int, start_ms: float = 0.0, step_ms: float = 20.0) -> list[float]:
    return [start_ms + i * step_ms for i in range(count)]


def lost_ms(gaps: list[Gap]) -> float:
    return sum(gap.lost_ns for gap in gaps) / MS


def test_a_steady_stream_has_no_gaps() -> None:
    assert fold(steady(500)) == []


def test_a_stall_that_catches_up_loses_nothing() -> None:
    # Ten frames held back for 200 ms, then all at once; the stream goes on as planned.
    arrivals = steady(50) + [1200.0 + i * 0.1 for i in range(11)] + steady(100, 1220.0)
    (gap,) = fold(arrivals)
    assert (gap.frame, gap.lost_ns) == (50, 0)
    assert gap.length_ns == 220 * MS


def test_a_pause_without_catch_up_lost_its_audio() -> None:
    # Frame 50 comes 200 ms late and so does all that follows: ten frames never came.
    (gap,) = fold(steady(50) + steady(100, 1200.0))
    assert (gap.frame, gap.lost_ns) == (50, 200 * MS)


def test_one_frame_that_never_came_is_seen() -> None:
    (gap,) = fold(steady(50) + steady(100, 1020.0))
    assert gap.lost_ns == 20 * MS


def test_a_partial_catch_up_loses_only_the_rest() -> None:
    # 300 ms of pause, ten frames of it come in a burst, five never do.
    arrivals = steady(50) + [1300.0 + i * 0.1 for i in range(11)] + steady(100, 1320.0)
    assert lost_ms(fold(arrivals)) == 100.0


def test_a_slow_catch_up_is_waited_for() -> None:
    # After 500 ms without a frame the link carries one each 10 ms until it has caught up.
    arrivals = steady(50) + steady(50, 1500.0, 10.0) + steady(100, 2000.0)
    (gap,) = fold(arrivals)
    assert gap.lost_ns == 0


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


def test_frames_of_another_length_have_their_own_gap_threshold() -> None:
    assert fold(steady(100, step_ms=40.0), 40 * MS) == []
    (gap,) = fold(steady(50, step_ms=40.0) + steady(50, 2080.0, 40.0), 40 * MS)
    assert gap.lost_ns == 80 * MS


def test_what_is_open_at_the_end_is_judged_by_what_came() -> None:
    timeline = Timeline()
    for at in [*steady(50), 1300.0]:
        assert timeline.add(round(at * MS), FRAME) == ()
    assert timeline.open
    assert timeline.open_frame == 50
    (gap,) = timeline.finish()
    assert gap.lost_ns == 300 * MS
    assert not timeline.open


def test_losses_that_never_pause_for_long_are_settled_all_the_same() -> None:
    # A frame of every ten never comes, for a minute: no wait may grow without bound.
    timeline = Timeline()
    worst_frames = 0
    lost_ns = 0
    for i in range(3000):
        if i % 10 == 9:
            continue
        gaps = timeline.add(i * FRAME, FRAME)
        lost_ns += sum(gap.lost_ns for gap in gaps)
        worst_frames = max(worst_frames, timeline.frames - timeline.open_frame)
    lost_ns += sum(gap.lost_ns for gap in timeline.finish())
    assert lost_ns == 299 * FRAME  # 300 are missing; the last has nothing after it
    assert worst_frames <= 130


def test_a_broken_connection_lost_its_audio_at_once() -> None:
    timeline = Timeline()
    for at in steady(50):
        timeline.add(round(at * MS), FRAME)
    assert timeline.broke() == ()
    # The next connection's first frame comes 500 ms after it was due; no catch-up can follow.
    (gap,) = timeline.add(1500 * MS, FRAME)
    assert (gap.frame, gap.lost_ns) == (50, 500 * MS)
    assert not timeline.open
    for at in steady(100, 1520.0):
        assert timeline.add(round(at * MS), FRAME) == ()
