"""RFC 3551 section 6."""

from __future__ import annotations

import pytest

from voipbin_cli.codec.payload_types import (
    COMFORT_NOISE,
    DYNAMIC,
    PCMA,
    PCMU,
    RESERVED,
    STATIC,
    PayloadType,
    lookup,
)

# RFC 3551 tables 4 and 5 as they stand there: type, name, clock, channels.
TABLES = """
    0 PCMU 8000 1      3 GSM 8000 1       4 G723 8000 1      5 DVI4 8000 1      6 DVI4 16000 1
    7 LPC 8000 1       8 PCMA 8000 1      9 G722 8000 1      10 L16 44100 2     11 L16 44100 1
    12 QCELP 8000 1    13 CN 8000 1       14 MPA 90000 -     15 G728 8000 1     16 DVI4 11025 1
    17 DVI4 22050 1    18 G729 8000 1     25 CelB 90000 -    26 JPEG 90000 -    28 nv 90000 -
    31 H261 90000 -    32 MPV 90000 -     33 MP2T 90000 -    34 H263 90000 -
"""


def test_static_types_are_as_registered() -> None:
    words = TABLES.split()
    rows = [words[n : n + 4] for n in range(0, len(words), 4)]
    registered = [
        PayloadType(int(number), name, int(clock), None if channels == "-" else int(channels))
        for number, name, clock, channels in rows
    ]
    assert list(STATIC.values()) == registered
    assert [lookup(row.number) for row in registered] == registered
    assert (PCMU, PCMA, COMFORT_NOISE) == (0, 8, 13)


@pytest.mark.parametrize("number", [1, 2, 19, 72, 76, 95, 96, 127, 128])
def test_what_is_not_static_has_no_row(number: int) -> None:
    assert lookup(number) is None


def test_the_ranges_do_not_meet_the_table() -> None:
    assert (DYNAMIC[0], DYNAMIC[-1], RESERVED[0], RESERVED[-1]) == (96, 127, 72, 76)
    assert not set(STATIC) & (set(DYNAMIC) | set(RESERVED))
    assert all(row.number == number for number, row in STATIC.items())
