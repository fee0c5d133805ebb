from __future__ import annotations

import struct
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.capture import frames as f
from tests.capture.support import opened, packets_of, read_in_pieces
from tests.capture.tshark import fields
from voipbin_cli.capture.layers import Layer

PAYLOAD = bytes(range(200))
PACKET = f.ipv4(f.udp(PAYLOAD))
PIECES = f.fragments(PACKET, 80)


def read(frames):
    capture = opened(f.pcap(list(enumerate(frames)), link_type=101, nano=True))
    return packets_of(capture), capture.passed_over


def v6_fragments(payload, size=64):
    """RFC 8200 4.5"""
    datagram = f.udp(payload)
    for at in range(0, len(datagram), size):
        more = at + size < len(datagram)
        head = struct.pack(">BBHI", 17, 0, at | more, 99)
        yield f.ipv6(head + datagram[at : at + size], following=44)


@pytest.mark.parametrize("order", [*permutations(range(3))])
def test_pieces_in_any_order_are_one_datagram_at_the_time_of_the_last(order):
    (packet,), passed_over = read([PIECES[n] for n in order])
    assert packet.data == PAYLOAD
    assert packet.wire_bytes == 200
    assert packet.time_ns == 2
    assert passed_over == {}


def test_ipv6_too():
    (packet,), _ = read([*v6_fragments(PAYLOAD)])
    assert packet.data == PAYLOAD
    assert str(packet.flow.source) == "2001:db8::1"


def test_tshark_puts_the_same_together(tmp_path):
    path = tmp_path / "a.pcap"
    path.write_bytes(f.pcap(list(enumerate([*PIECES, *v6_fragments(PAYLOAD)])), link_type=101))
    rows = fields(path, "udp.payload", options=("-Y", "udp"))
    assert [row[0] for row in rows] == [PAYLOAD.hex()] * 2


def test_they_stay_in_order_among_whole_ones_and_across_pieces_of_the_file(monkeypatch):
    read_in_pieces(monkeypatch, 100)
    whole = f.ipv4(f.udp(b"whole"))
    packets, _ = read([whole, PIECES[0], whole, PIECES[1], PIECES[2], whole])
    assert [packet.data for packet in packets] == [b"whole", b"whole", PAYLOAD, b"whole"]


def test_what_stays_incomplete_is_counted():
    packets, passed_over = read([PIECES[0], PIECES[2]])
    assert packets == []
    assert passed_over == {Layer.FRAGMENT: 2}


@pytest.mark.parametrize("total", [1, 5, 19])
def test_one_that_says_it_ends_inside_of_its_header_is_passed_over(total):
    packets, passed_over = read([f.ipv4(b"", fragment=0x2000, total=total)])
    assert packets == []
    assert passed_over == {Layer.CUT: 1}


def test_pieces_that_overlap_are_not_put_together():
    """RFC 5722: it is an attack."""
    first, *_ = f.fragments(PACKET, 80)
    second = f.fragments(PACKET, 72)[1]
    last = f.fragments(PACKET, 80)[2]
    packets, _ = read([first, second, last])
    assert packets == []


def test_a_flood_of_first_pieces_is_bounded():
    flood = [PIECES[0][:4] + struct.pack(">H", n) + PIECES[0][6:] for n in range(3000)]
    packets, passed_over = read([*flood, *PIECES])
    assert [packet.data for packet in packets] == [PAYLOAD]
    assert passed_over == {Layer.FRAGMENT: 3000}


@given(st.lists(st.binary(min_size=1, max_size=60), min_size=1, max_size=8))
def test_any_bytes_as_fragments_are_survived(bodies):
    frames = [f.ipv4(body, fragment=0x2000 | n) for n, body in enumerate(bodies)]
    frames += [f.ipv6(body, following=44) for body in bodies]
    read(frames)
