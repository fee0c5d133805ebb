"""A sender that waited, told from audio that is missing."""

from __future__ import annotations

import pytest

from voipbin_cli.analysis.dry_pauses import Numbers, told_apart
from voipbin_cli.analysis.pauses import Pause, PauseKind

MS = 1_000_000
LOSS, DRY = PauseKind.LOSS, PauseKind.DRY


def judged(odds: list[float], numbers: Numbers = Numbers.BY_BRIDGE) -> list[PauseKind]:
    pauses = tuple(Pause(n, 0, 120 * MS, lost_ns=100 * MS) for n in range(len(odds)))
    told = told_apart(pauses, dict(enumerate(odds)), numbers)
    assert [pause.absent_ns for pause in told] == [100 * MS] * len(odds)
    assert [pause.grounds.goes_on for pause in told] == odds
    return [pause.kinds[0] for pause in told]


@pytest.mark.parametrize(
    ("odds", "kind"),
    [
        ([2.5, 1.6], DRY),
        ([2.5, 1.4], LOSS),
        ([0.0, 0.0], LOSS),
        ([3.0, 0.0, 2.0, -0.4], DRY),
        ([-3.0, 2.9], LOSS),
    ],
)
def test_behind_a_bridge_the_sound_has_to_say_that_nothing_is_missing(
    odds: list[float], kind: PauseKind
) -> None:
    assert set(judged(odds)) == {kind}


@pytest.mark.parametrize(
    ("odds", "kind"), [([0.0, 0.0], DRY), ([-2.9], DRY), ([-3.0], LOSS), ([-3.0, 0.2], DRY)]
)
def test_numbers_of_the_sender_are_enough_until_the_sound_is_cut(
    odds: list[float], kind: PauseKind
) -> None:
    assert set(judged(odds, Numbers.BY_SENDER)) == {kind}


@pytest.mark.parametrize(("odds", "kind"), [([2.6], DRY), ([2.4], LOSS), ([0.0], LOSS)])
def test_numbers_that_begin_at_random_speak_for_a_sender(
    odds: list[float], kind: PauseKind
) -> None:
    assert set(judged(odds, Numbers.AT_RANDOM)) == {kind}


def test_where_both_happened_each_pause_is_what_its_own_sound_says() -> None:
    assert judged([3.0, -3.0] * 3) == [DRY, LOSS] * 3
    # What has no sound of its own goes with the most.
    assert judged([3.0, -3.0] * 5 + [3.0, 0.0], Numbers.AT_RANDOM)[-2:] == [DRY, DRY]
    assert judged([3.0, -3.0] * 3 + [0.0])[-1] is LOSS
    # Two seams that are wrong, or a third of many, make no second kind.
    assert set(judged([3.0, -3.0] * 2)) == {LOSS}
    assert set(judged([-3.0] * 12 + [3.0] * 5)) == {LOSS}


def test_what_came_late_or_was_meant_is_left_alone() -> None:
    stall = Pause(0, 0, 300 * MS, late_ns=300 * MS)
    assert told_apart((stall,), {0: 3.0}, Numbers.BY_SENDER) == (stall,)
