"""RFC 3551 section 6."""

from __future__ import annotations

import pytest

from voipbin_cli.codec.payload_types import DYNAMIC, RESERVED, STATIC, PayloadType, lookup


@pytest.mark.parametrize(
    "row",
    [
        PayloadType(0, "PCMU", 8000, 1),
        PayloadType(8, "PCMA", 8000, 1),
        PayloadType(9, "G722", 8000, 1),
        PayloadType(10, "L16", 44100, 2),
        PayloadType(11, "L16", 44100, 1),
        PayloadType(13, "CN", 8000, 1),
        PayloadType(14, "MPA", 90000, None),
        PayloadType(34, "H263", 90000, None),
    ],
)
def test_static_types_are_as_registered(row: PayloadType) -> None:
    assert lookup(row.number) == row


@pytest.mark.parametrize("number", [1, 2, 19, 72, 76, 95, 96, 127, 128])
def test_what_is_not_static_has_no_row(number: int) -> None:
    assert lookup(number) is None


def test_the_ranges_do_not_meet_the_table() -> None:
    assert (DYNAMIC[0], DYNAMIC[-1], RESERVED[0], RESERVED[-1]) == (96, 127, 72, 76)
    assert not set(STATIC) & (set(DYNAMIC) | set(RESERVED))
    assert all(row.number == number for number, row in STATIC.items())
