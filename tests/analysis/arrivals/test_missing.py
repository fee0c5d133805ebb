"""Which numbers never came: not those that came late, twice, or out of order."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voipbin_cli.analysis.arrivals.missing import Missing, MissingFold


def _fold(numbers: list[int], cuts: list[int] | None = None) -> MissingFold:
    fold = MissingFold()
    steps = np.diff(np.array(numbers, np.int64), prepend=numbers[0] - 1)
    for part in np.split(steps, sorted(cuts or [])):
        fold.add(part)
    return fold


@pytest.mark.parametrize(
    ("numbers", "missing"),
    [
        ([1, 2, 3, 4], []),
        ([1, 2, 5, 6], [(2, 2)]),
        ([1, 3, 2, 4, 5], []),  # two changed places
        ([1, 2, 5, 3, 6, 4, 7], []),  # late by two and by three
        ([1, 2, 6, 4, 7], [(2, 1), (2, 1)]),  # 3 and 5 of a run never came
        ([1, 2, 2, 3, 3, 4], []),  # each came twice
        ([1, 2, 5, 5, 4, 4, 6], [(2, 1)]),
        ([5, 4, 3, 6], []),  # before the first that came nothing was expected
    ],
)
def test_what_came_after_all_is_not_missing(
    numbers: list[int], missing: list[tuple[int, int]]
) -> None:
    assert _fold(numbers).runs == [Missing(*row) for row in missing]


@given(
    st.lists(st.integers(0, 60), min_size=1, max_size=80), st.lists(st.integers(0, 80), max_size=5)
)
def test_a_plain_set_says_the_same_however_it_is_cut(numbers: list[int], cuts: list[int]) -> None:
    fold = _fold(numbers, [min(cut, len(numbers)) for cut in cuts])
    expected = set(range(numbers[0], max(numbers) + 1))
    assert sum(run.frames for run in fold.runs) == len(expected - set(numbers))
    assert fold.runs == _fold(numbers).runs
