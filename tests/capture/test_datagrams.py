from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from voipbin_cli.capture.datagrams import FAR, MAX_PAYLOAD_BYTES, NEAR, channel


def ones_complement_sum(data: bytes) -> int:
    """RFC 1071 word by word: 0xFFFF over data that holds its own right checksum."""
    total = 0
    for at in range(0, len(data), 2):
        total += int.from_bytes(data[at : at + 2].ljust(2, b"\0"), "big")
        total = (total & 0xFFFF) + (total >> 16)
    return total


@given(st.binary(max_size=400), st.integers(1, 0xFFFF))
@example(b"", 5004)
@example(b"\xff" * 160, 5004)
@example(b"\0" * 161, 5004)
def test_checksums_are_right(payload, port):
    headers = channel(FAR, 5006, NEAR, port).headers(payload)
    ip, udp = headers[14:34], headers[34:42]
    assert ones_complement_sum(ip) == 0xFFFF
    assert ip[2:4] == (28 + len(payload)).to_bytes(2, "big")
    assert udp[4:6] == (8 + len(payload)).to_bytes(2, "big")
    pseudo = ip[12:20] + b"\0\x11" + udp[4:6]
    assert ones_complement_sum(pseudo + udp + payload) == 0xFFFF
    assert udp[6:8] != b"\0\0"


def test_a_udp_checksum_of_zero_is_sent_as_all_ones():
    flow = channel(FAR, 5006, NEAR, 5004)
    # With two more bytes of payload the sum is reached where the checksum would be zero.
    checksum = flow.headers(b"\0\0")[40:42]
    assert flow.headers(checksum)[40:42] == b"\xff\xff"


@pytest.mark.parametrize("size", [0, 1, MAX_PAYLOAD_BYTES])
def test_sizes_at_the_limits(size):
    headers = channel(NEAR, 1, FAR, 2).headers(bytes(size))
    assert len(headers) == 42
    assert headers[12:14] == b"\x08\x00"
    assert headers[26:30] == NEAR.packed
    assert headers[30:34] == FAR.packed
