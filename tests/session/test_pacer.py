"""The grid, the lead, and what stalls do to it, on a clock of the test's own."""

from __future__ import annotations

import math
from random import Random

import pytest

from voipbin_cli.analysis.farend.far_queue import CALL, CONFERENCE, FarLevel, QueueRule
from voipbin_cli.commands.options import SendOptions
from voipbin_cli.session.pacer import DEFAULT_LEAD_MS, Errors, Pacer

MS = 1_000_000
FRAME = 20 * MS


def drive(pacer: Pacer, wake_ups: list[int]) -> list[int]:
    """Send whatever is due at each wake-up; return when every frame went out."""
    sent = []
    for now in wake_ups:
        while pacer.due_ns <= now:
            pacer.sent(now)
            sent.append(now)
    return sent


def started(lead_ms: int = 40) -> Pacer:
    pacer = Pacer(lead_ms * MS)
    pacer.start(0)
    return pacer


def test_frames_are_due_on_an_absolute_grid() -> None:
    pacer = started(20)
    due = []
    for _ in range(5):
        due.append(pacer.due_ns)
        pacer.sent(pacer.due_ns)
    assert due == [0, FRAME, 2 * FRAME, 3 * FRAME, 4 * FRAME]


def test_late_wake_ups_never_add_up() -> None:
    pacer = started(20)
    rng = Random(1)
    for n in range(100_000):
        assert pacer.due_ns == n * FRAME
        pacer.sent(pacer.due_ns + (rng.randrange(FRAME) if n else 0))
    assert pacer.late_frames == 0


@pytest.mark.parametrize(
    ("lead_ms", "at_once"), [(20, 1), (39, 1), (40, 2), (60, 3), (70, 3), (80, 4)]
)
def test_the_lead_is_sent_at_the_start(lead_ms: int, at_once: int) -> None:
    pacer = started(lead_ms)
    assert len(drive(pacer, [0])) == at_once
    assert pacer.due_ns == (at_once + 1) * FRAME - lead_ms * MS
    assert pacer.max_lead_ns == at_once * FRAME


def test_whoever_asks_for_no_lead_gets_the_one_of_the_commands() -> None:
    assert SendOptions().lead == DEFAULT_LEAD_MS


@pytest.mark.parametrize(("lead_ms", "same_as_ms"), [(0, 20), (19, 20), (100, 80)])
def test_a_lead_is_a_frame_at_least_and_what_a_conference_holds_at_most(
    lead_ms: int, same_as_ms: int
) -> None:
    assert started(lead_ms).lead_ns == same_as_ms * MS


@pytest.mark.parametrize("rule", [CALL, CONFERENCE])
@pytest.mark.parametrize("lead_ms", range(20, 81, 10))
@pytest.mark.parametrize("phase_ms", [1, 10, 19])
def test_no_lead_runs_dry_or_overflows_at_the_far_end(
    rule: QueueRule, lead_ms: int, phase_ms: int
) -> None:
    """The far end plays each 20 ms, and we wake up later than due by what the lead allows."""
    pacer, level, rng = started(lead_ms), FarLevel(rule), Random(lead_ms)
    heard = ticks = 0
    wakes_at_ns = 0
    for now_ns in range(0, 2000 * MS, MS):
        if now_ns >= wakes_at_ns:
            while pacer.due_ns <= now_ns:
                pacer.sent(now_ns)
                assert level.feed(160) == 0
            slack_ms = max(0, lead_ms - 20)
            wakes_at_ns = pacer.due_ns + rng.randint(0, slack_ms) * MS
        if now_ns % FRAME == phase_ms * MS:
            heard += level.play()
            ticks += 1
    assert (heard, pacer.late_frames, level.lost) == (ticks, 0, 0)
    assert pacer.max_lead_ns in (lead_ms // 20 * FRAME, lead_ms * MS)


@pytest.mark.parametrize("lead_ms", [20, 30, 40, 60, 80])
@pytest.mark.parametrize("seed", range(5))
def test_never_ahead_by_more_than_the_lead_whatever_the_stalls(lead_ms: int, seed: int) -> None:
    """A far end that plays one frame each 20 ms is never given more than the lead to hold."""
    pacer = started(lead_ms)
    rng = Random(seed)
    now, wake_ups = 0, []
    for _ in range(2000):
        now += rng.choice([0, 1, 5, 20, 20, 20, 20, 25, 60, 300]) * MS
        wake_ups.append(now)
    sent = drive(pacer, wake_ups)
    longest_burst = max(sent.count(at) for at in set(sent))
    assert longest_burst <= max(lead_ms // 20, 2)
    assert pacer.max_lead_ns <= lead_ms * MS
    assert most_waiting(sent) <= 80


def most_waiting(sent: list[int]) -> int:
    """Milliseconds that wait at most at a far end that begins to play with the first frame."""
    waiting = most = 0
    events = sorted([(at, 1) for at in sent] + [(at + 1, 0) for at in range(0, sent[-1], FRAME)])
    for _, is_sent in events:
        waiting = waiting + 20 if is_sent else max(0, waiting - 20)
        most = max(most, waiting)
    return most


def test_a_stall_within_the_lead_is_caught_up() -> None:
    pacer = started(60)
    # Due: 0, 0, 0, 20, 40, 60 ms. Nobody wakes between 0 and 45 ms.
    assert drive(pacer, [0, 45 * MS]) == [0, 0, 0, 45 * MS, 45 * MS]
    assert pacer.due_ns == 60 * MS
    assert (pacer.late_frames, pacer.delayed_ns) == (0, 0)


def test_after_a_longer_stall_the_rest_is_delayed_and_nothing_is_lost() -> None:
    pacer = started(40)
    drive(pacer, [0])
    # The third frame is due at 20 and heard from 40 ms on: at 240 ms it is 200 ms too late.
    assert drive(pacer, [240 * MS]) == [240 * MS, 240 * MS]
    assert (pacer.late_frames, pacer.delayed_ns) == (1, 200 * MS)
    assert pacer.due_ns == 260 * MS


def test_without_a_lead_a_stall_is_not_caught_up_at_all() -> None:
    pacer = started(20)
    drive(pacer, [0])
    assert drive(pacer, [120 * MS]) == [120 * MS]
    assert pacer.delayed_ns == 100 * MS
    assert pacer.due_ns == 140 * MS


def test_the_lead_that_was_had_is_told() -> None:
    pacer = started(60)
    # Three at once: the end of the third is 60 ms early.
    drive(pacer, [0])
    assert pacer.max_lead_ns == 60 * MS
    late = started(20)
    drive(late, [0, 25 * MS])
    assert late.max_lead_ns == 20 * MS


def test_the_grid_begins_with_the_first_frame() -> None:
    pacer = started(40)
    # Asked for at 0, sent at 7 ms: with the second one, and the third is due 20 ms later.
    assert drive(pacer, [7 * MS]) == [7 * MS, 7 * MS]
    assert pacer.due_ns == 27 * MS
    assert pacer.late_frames == 0


def test_errors_are_measured_against_the_grid() -> None:
    pacer = started(20)
    for n, late_ms in enumerate([0, 1, 2, 3]):
        pacer.sent(n * FRAME + late_ms * MS)
    # Nearest rank of four: the second for p50, the fourth for p99; 10 µs wide steps.
    assert pacer.errors.as_fields() == {"p50": 1.005, "p99": 3.0, "max": 3.0}


def test_nothing_sent_has_no_error() -> None:
    assert Errors().as_fields() is None


def test_percentiles_agree_with_sorting() -> None:
    rng = Random(2)
    values = [int(rng.expovariate(1 / 500_000)) for _ in range(5000)]
    errors = Errors()
    for value in values:
        errors.add(value)
    for percent in (1, 50, 90, 99, 99.9):
        exact = sorted(values)[math.ceil(len(values) * percent / 100) - 1]
        assert abs(errors.percentile_ns(percent) - exact) <= 10_000
