"""Wrap-around arithmetic."""

from __future__ import annotations

import numpy as np
import pytest

from voipbin_cli.codec.serial import difference


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


def test_a_column_is_judged_as_its_numbers_are() -> None:
    newer, older = np.array([0, 3, 32768]), np.array([65535, 5, 0])
    assert difference(newer, older, 16).tolist() == [1, -2, -32768]
