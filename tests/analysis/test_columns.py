"""What folds over columns share."""

from __future__ import annotations

import numpy as np
import pytest

from voipbin_cli.analysis.columns import before, equal, unequal, wrapped_steps


def test_before_moves_a_column_down_a_row_and_keeps_its_type() -> None:
    assert before(np.array([1, 2, 3]), 9).tolist() == [9, 1, 2]
    flags = before(np.array([True, False]), False)
    assert flags.tolist() == [False, True]
    assert flags.dtype == bool
    assert before(np.empty(0, np.int64), 9).tolist() == []


def test_comparing_columns_gives_a_mask() -> None:
    column = np.array([1, 2, 3])
    assert equal(column, 2).tolist() == [False, True, False]
    assert unequal(column, np.array([1, 0, 3])).tolist() == [False, True, False]


@pytest.mark.parametrize("bits", [16, 32])
def test_steps_go_over_the_wrap(bits: int) -> None:
    top = (1 << bits) - 1
    # 1 on over the wrap, 2 on, 3 back over it
    assert wrapped_steps(np.array([top, 0, 2, top]), bits).tolist() == [1, 2, -3]
