"""Losses of every kind in the order of playing, against a plain row of yes and no."""

from __future__ import annotations

from itertools import groupby

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voipbin_cli.analysis.arrivals.heard_losses import (
    Unheard,
    as_heard,
    in_holes,
    late,
    never_came,
)
from voipbin_cli.analysis.arrivals.missing import Missing
from voipbin_cli.analysis.pauses import Pause

MS = 1_000_000


def _plain(rows: int, missing: list[Missing], unheard: list[Unheard]) -> list[bool]:
    """True for each frame that was missed, those that never came put in where they belong."""
    in_vain = {row for loss in unheard for row in range(loss.row, loss.row + loss.frames)}
    heard: list[bool] = []
    for row in range(rows):
        heard += [True] * sum(loss.frames for loss in missing if loss.row == row)
        heard.append(row in in_vain)
    return heard


ROWS = st.integers(0, 90)
FRAMES = st.integers(1, 6)


@given(
    st.lists(st.builds(Missing, ROWS, FRAMES), max_size=6),
    st.lists(st.builds(Unheard, ROWS, FRAMES), max_size=6),
)
def test_runs_and_share_are_those_of_a_plain_row(
    missing: list[Missing], unheard: list[Unheard]
) -> None:
    rows = 100
    flags = _plain(rows, missing, unheard)
    told = as_heard(rows, missing, unheard, 20.0)
    runs = [len(list(run)) for lost, run in groupby(flags) if lost]
    assert (told.frames, told.lost) == (len(flags), sum(flags))
    assert told.longest_run_frames == max(runs, default=0)
    if runs:
        # quality-measures: mean loss-burst length x (1 - Ppl).
        assert told.mean_run_frames == pytest.approx(sum(runs) / len(runs))
        ratio = sum(runs) / len(runs) * (1 - sum(flags) / len(flags))
        assert told.burst_ratio == pytest.approx(ratio)


def test_the_reference_of_rfc_3611_is_the_same_whatever_the_losses_are() -> None:
    """quality-measures, 4: `100. L 100. L 100. LLLLL 100. L` has BurstR 1.9608."""
    runs = [(100, 1), (100, 1), (100, 5), (100, 1)]
    missing, unheard, row, rows = [], [], 0, 0
    for good, lost in runs:
        rows += good
        missing.append(Missing(rows, lost))
        row += good
        unheard.append(Unheard(row, lost))
        row += lost
    never = as_heard(rows + 1, missing, [], 20.0)._replace(frames=0)
    in_vain = as_heard(row, [], unheard, 20.0)
    assert in_vain.burst_ratio == pytest.approx(1.9608, abs=5e-5)
    assert in_vain.burst_density == 255
    assert in_vain.gap_density == pytest.approx(1.274, abs=5e-4)
    assert never.loss_runs == in_vain.loss_runs


def test_late_rows_come_in_runs() -> None:
    rows = np.array([3, 4, 5, 9, 20, 21])
    assert list(late(rows)) == [Unheard(3, 3), Unheard(9, 1), Unheard(20, 2)]
    assert list(late(rows[:0])) == []


def test_parts_of_frames_add_up() -> None:
    """10 ms of each 60: half of what so many whole frames would be."""
    holes = [(start, 80) for start in range(480, 48_480, 480)]
    told = list(in_holes(holes, 160))
    assert sum(loss.frames for loss in told) == 100 * 80 // 160
    # 60 ms off the grid are three frames, from the one on in which they begin.
    assert list(in_holes([(1000, 480)], 160)) == [Unheard(6, 3)]


def test_of_pauses_only_what_never_came_is_lost() -> None:
    pauses = [
        Pause(10, 0, 300 * MS, lost_ns=60 * MS, late_ns=240 * MS),
        Pause(40, 0, 300 * MS, late_ns=300 * MS),
        Pause(60, 0, 900 * MS, meant_ns=900 * MS),
        Pause(70, 0, 900 * MS, excused_ns=900 * MS),
        Pause(99, 0, 900 * MS, undecided_ns=900 * MS),
    ]
    assert list(never_came(pauses, 20 * MS)) == [Missing(10, 3)]
