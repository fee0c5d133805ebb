"""Wrap-around arithmetic."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voipbin_cli.codec.serial import Extender, difference


@pytest.mark.parametrize(
    ("newer", "older", "bits", "expected"),
    [
        (5, 3, 16, 2),
        (3, 5, 16, -2),
        (0, 65535, 16, 1),  # over the wrap
        (65535, 0, 16, -1),
        (32767, 0, 16, 32767),
        (32768, 0, 16, -32768),  # exactly half way round counts as backwards
        (159, 2**32 - 1, 32, 160),
    ],
)
def test_difference_takes_the_shortest_way(
    newer: int, older: int, bits: int, expected: int
) -> None:
    assert difference(newer, older, bits) == expected


def test_extender_counts_on_over_two_wraps() -> None:
    extender = Extender(16)
    # 40000 steps at a time is backwards; 30000 is forwards, and wraps at the third.
    values = [(30000 * n) % 65536 for n in range(6)]
    assert [extender.extend(value) for value in values] == [30000 * n for n in range(6)]


def test_extender_leaves_a_late_value_in_its_own_cycle() -> None:
    extender = Extender(16)
    assert [extender.extend(v) for v in (65534, 0, 65535, 1)] == [65534, 65536, 65535, 65537]


def test_extender_goes_below_the_first_value() -> None:
    extender = Extender(16)
    assert [extender.extend(v) for v in (0, 65535)] == [0, -1]


@given(st.integers(0, 2**20), st.lists(st.integers(-32767, 32767), max_size=50))
def test_extender_follows_any_walk_that_stays_within_half_a_cycle_of_its_highest(
    start: int, steps: list[int]
) -> None:
    extender = Extender(16)
    first = extender.extend(start % 65536)
    highest = start
    for step in steps:
        value = highest + step
        assert extender.extend(value % 65536) - first == value - start
        highest = max(highest, value)
