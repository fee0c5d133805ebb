"""This machine's own lateness: how much it was, and for how much of a pause."""

from __future__ import annotations

import pytest

from voipbin_cli.analysis.arrivals.own_lag import Lag, LatenessFold
from voipbin_cli.analysis.pauses import Pause

MS = 1_000_000
SECOND = 1000 * MS


def late(*ticks_ms: tuple[int, int]) -> LatenessFold:
    fold = LatenessFold()
    for at_ms, late_ms in ticks_ms:
        fold.add(at_ms * MS, late_ms * MS)
    return fold


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


def test_for_how_long_it_slept_within_a_pause() -> None:
    # From 800 to 1000 ms, and 20 for a frame that is stamped after the machine woke up.
    pauses = [Pause(0, 1000 * MS, 200 * MS)]
    assert late((1000, 90)).own_lag_ns(pauses) == [90 * MS]
    assert late((900, 300)).own_lag_ns(pauses) == [100 * MS]
    assert late((1300, 400)).own_lag_ns(pauses) == [120 * MS]
    assert late((850, 40), (950, 60)).own_lag_ns(pauses) == [60 * MS]  # at a stretch
    assert late((800, 300), (2000, 500)).own_lag_ns(pauses) == [0]
    assert LatenessFold().own_lag_ns(pauses) == [0]


def test_round_trips_that_rise_by_40_ms_are_a_queue() -> None:
    fold = LatenessFold()
    assert fold.round_trips().queued_ms == 0
    fold.trips([20.0] * 100)
    fold.trips([60.0])
    assert fold.round_trips().queued_ms == 0
    fold.trips([60.1])
    assert fold.round_trips().queued_ms == pytest.approx(40.1)
