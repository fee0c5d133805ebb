"""This machine's own lateness: how much it was, and what of the pauses it answers for."""

from __future__ import annotations

import pytest

from voipbin_cli.analysis.arrivals.gaps import Pause
from voipbin_cli.analysis.arrivals.lateness import LatenessFold
from voipbin_cli.analysis.metrics import Lag

MS = 1_000_000
SECOND = 1000 * MS


def late(*ticks_ms: tuple[int, int]) -> LatenessFold:
    fold = LatenessFold()
    for at_ms, late_ms in ticks_ms:
        fold.add(at_ms * MS, late_ms * MS)
    return fold


def pause(end_ms: int, length_ms: int, lost_ms: int = 0) -> Pause:
    return Pause(0, end_ms * MS, length_ms * MS, lost_ms * MS, (length_ms - lost_ms) * MS, 0.0)


def test_a_tick_that_is_no_later_than_ticks_are_is_nothing() -> None:
    assert late((1000, 9)).result(SECOND) == Lag(0.0, 0.0)
    assert late((1000, 10)).result(SECOND) == Lag(10.0, 10.0)


@pytest.mark.parametrize(
    ("seconds", "hundredth_ms"),
    # A hundredth of 100 s is 1000 ms: 600 and 500 reach it. Of 60 s it is 600, the longest alone;
    # of 200 s 2000, more than all of them are.
    [(60, 600.0), (100, 500.0), (111, 20.0), (200, 0.0)],
)
def test_what_a_hundredth_of_the_time_was_late_by(seconds: int, hundredth_ms: float) -> None:
    fold = late((10_000, 500), (20_000, 20), (30_000, 600))
    assert fold.result(seconds * SECOND) == Lag(hundredth_ms, 600.0)


def test_a_pause_is_this_machine_s_where_it_slept_for_half_of_it() -> None:
    # A pause of 200 ms less a frame's 20 is half slept through from 90 ms on.
    pauses = [pause(1000, 200), pause(2000, 200), pause(3000, 200)]
    fold = late((1000, 90), (2000, 89), (2500, 300))
    assert fold.excuse(pauses) == ([pauses[1], pauses[2]], [pauses[0]])
    assert LatenessFold().excuse(pauses) == (pauses, [])


def test_what_seems_lost_is_late_where_pings_came_to_wait_as_long() -> None:
    pauses = [pause(1000, 400, lost_ms=300)]
    fold = LatenessFold()
    fold.trips([20.0] * 100)
    assert fold.queued(pauses) == pauses
    fold.trips([320.0] * 100)
    assert fold.queued(pauses) == [pause(1000, 400)]
