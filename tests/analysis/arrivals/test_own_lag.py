"""This machine's own lateness: how much it was, and for how much of a pause."""

from __future__ import annotations

import numpy as np
import pytest

from voipbin_cli.analysis.arrivals.own_lag import Came, KeptWaiting, Lag, LatenessFold, Sleep
from voipbin_cli.analysis.pauses import Pause, PauseKind

MS = 1_000_000
FRAME = 20 * MS
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


def test_sleeps_by_when_they_ended() -> None:
    fold = late((1000, 90), (1100, 300), (2000, 50))
    assert fold.sleeps(1000 * MS, 1999 * MS) == [
        Sleep(910 * MS, 1000 * MS),
        Sleep(800 * MS, 1100 * MS),
    ]
    assert fold.sleeps(1101 * MS, 1999 * MS) == []


def waited(
    read_ms: list[float], *ticks_ms: tuple[int, int], cut: int = 0
) -> tuple[list[float], list[Pause]]:
    """When frames may have come that were read then, and what this machine is to blame for."""
    fold, told = KeptWaiting(late(*ticks_ms)), []
    for part in (range(cut), range(cut, len(read_ms))):
        if len(part):
            times = np.array([round(read_ms[n] * MS) for n in part], np.int64)
            places = np.array(part, np.int64) * FRAME
            own, meant = np.full(len(part), FRAME), np.zeros(len(part), np.int64)
            told.append(fold.add(Came(times, own, places, meant)))
    told.append(fold.finish())
    return [ns / MS for came in told for ns in came.time.tolist()], fold.pauses


ON_TIME = [n * 20.0 for n in range(30)]
# Asleep from 201 to 301 ms: what came at 220 to 300 was found at 301.
SLEPT = [301.0 if 201 < at < 301 else at for at in ON_TIME]


@pytest.mark.parametrize("cut", range(31))
def test_what_waited_is_taken_to_have_come_on_time(cut: int) -> None:
    came, pauses = waited(SLEPT, (301, 100), cut=cut)
    assert came == ON_TIME
    (pause,) = pauses
    assert (pause.frame, pause.kinds) == (11, (PauseKind.EXCUSED,))
    assert (pause.length_ns, pause.excused_ns) == (101 * MS, 81 * MS)
    assert pause.grounds.own_lag_ns == 100 * MS


def test_nothing_is_excused_that_no_sleep_covers() -> None:
    # Of 100 ms it slept 40: what came from 220 on may have come at 261, not before.
    came, (pause,) = waited(SLEPT, (301, 40))
    assert came[11:16] == [261.0, 261.0, 261.0, 280.0, 300.0]
    assert pause.excused_ns == 40 * MS
    # It was awake again 21 ms before they came, or fell asleep just after it.
    assert waited(SLEPT, (280, 100)) == (SLEPT, [])
    assert waited(SLEPT, (321, 20)) == (SLEPT, [])


def test_what_is_late_for_good_is_not_made_early() -> None:
    # 60 ms never came: what is found at 301 is as late as the frame right after it.
    lost = [n * 20.0 + 60.0 * (n > 10) for n in range(30)]
    came, _ = waited([301.0 if 201 < at < 301 else at for at in lost], (301, 100))
    assert came == lost
    # A frame that comes long after says nothing of when those came that waited.
    came, _ = waited([*SLEPT[:16], *(at + 200.0 for at in ON_TIME[16:])], (301, 100))
    assert came[:16] == ON_TIME[:16]


def test_before_the_first_frame_nothing_waits() -> None:
    assert waited(ON_TIME, (0, 500)) == (ON_TIME, [])


def test_round_trips_that_rise_by_40_ms_are_a_queue() -> None:
    fold = LatenessFold()
    assert fold.round_trips().queued_ms == 0
    fold.trips([20.0] * 100)
    fold.trips([60.0])
    assert fold.round_trips().queued_ms == 0
    fold.trips([60.1])
    assert fold.round_trips().queued_ms == pytest.approx(40.1)
