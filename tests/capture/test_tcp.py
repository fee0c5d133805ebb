from __future__ import annotations

import struct
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.capture import frames as f
from tests.capture.support import opened
from tests.capture.tshark import fields
from voipbin_cli.capture.tcp import ACK, RST, SYN, TcpReassembly

MS = 1_000_000
HERE, THERE = "192.0.2.1", "198.51.100.1"
START = 0xFFFFFFF0
"""So that sequence numbers wrap soon."""


def sent(payload=b"", at=0, **how):
    """A segment of the client; `at` counts its bytes."""
    return f.ipv4(f.tcp(payload, sequence=START + 1 + at, **how), protocol=6)


def answered(payload=b"", at=0, **how):
    """A segment of the server."""
    how = {"ports": (80, 40000), **how}
    segment = f.tcp(payload, sequence=1 + at, **how)
    return f.ipv4(segment, protocol=6, source=THERE, destination=HERE)


SYNC = f.ipv4(f.tcp(sequence=START, flags=SYN), protocol=6)
SYNC_ACK = answered(at=-1, flags=SYN | ACK, ack=START + 1)


def reassembled(packets, times=None, link_type=101):
    times = times or range(0, len(packets) * MS, MS)
    capture = opened(f.pcap(list(zip(times, packets, strict=True)), link_type=link_type, nano=True))
    tcp = TcpReassembly()
    runs = [
        run
        for chunk in capture.chunks()
        if chunk.segments is not None
        for run in tcp.add(chunk.data, chunk.segments)
    ]
    return runs, tcp


def texts(runs, *, is_from_client=True):
    return [one.run.data for one in runs if one.is_from_client == is_from_client]


@pytest.mark.parametrize("order", [*permutations(range(4))])
def test_bytes_are_whole_when_all_before_them_are(order):
    pieces = [sent(b"abcd", 0), sent(b"efg", 4), sent(b"h", 7), sent(b"ijklmnop" * 3, 8)]
    runs, tcp = reassembled([SYNC, SYNC_ACK, *(pieces[n] for n in order)])
    assert b"".join(texts(runs)) == b"abcdefgh" + b"ijklmnop" * 3
    # The first byte comes with its segment, however long others have waited for it.
    assert runs[0].run.time_ns == (2 + order.index(0)) * MS
    assert tcp.connections[0].from_client.truth.missing_bytes == 0


def test_tshark_follows_the_same_bytes(tmp_path):
    packets = [SYNC, SYNC_ACK, sent(b"one"), sent(b"three", 6), sent(b"two", 3), answered(b"yes")]
    path = tmp_path / "a.pcap"
    path.write_bytes(f.pcap([(n * MS, packet) for n, packet in enumerate(packets)], link_type=101))
    rows = fields(path, "tcp.analysis.out_of_order", "tcp.payload", options=("-Y", "tcp.len > 0"))
    assert sorted(bytes.fromhex(row[1]) for row in rows) == [b"one", b"three", b"two", b"yes"]
    runs, tcp = reassembled(packets)
    assert b"".join(texts(runs)) == b"onetwothree"
    assert texts(runs, is_from_client=False) == [b"yes"]
    assert tcp.connections[0].from_client.truth.reordered == 1


def test_what_comes_twice_is_told_and_given_once():
    runs, tcp = reassembled(
        [
            SYNC,
            SYNC_ACK,
            sent(b"abcd"),
            sent(b"abcd"),
            sent(b"cdef", 2),
            sent(b"x", 5),
            sent(b"g", 6),
        ]
    )
    assert b"".join(texts(runs)) == b"abcdefg"
    # "abcd" again; the single byte is a keepalive's.
    assert tcp.connections[0].from_client.truth.retransmissions == 1


def test_what_the_receiver_has_and_the_capture_has_not_is_missing():
    runs, tcp = reassembled(
        [SYNC, SYNC_ACK, sent(b"abc"), sent(b"ghi", 6), answered(ack=START + 1 + 9), sent(b"j", 9)]
    )
    assert texts(runs) == [b"abc", b"ghi", b"j"]
    assert [one.run.is_after_gap for one in runs] == [False, True, False]
    assert tcp.connections[0].from_client.truth.missing_bytes == 3


def test_a_hole_that_nobody_acknowledges_waits_only_so_long():
    packets = [SYNC, sent(b"a")] + [sent(b"x" * 1000, 10 + n * 1000) for n in range(1200)]
    runs, tcp = reassembled(packets)
    assert len(b"".join(texts(runs))) == 1 + 1200 * 1000
    assert tcp.connections[0].from_client.truth.missing_bytes == 9


def test_a_capture_that_begins_in_the_midst_begins_with_its_first_byte():
    runs, tcp = reassembled([sent(b"mid", 500), answered(b"dle", 90), sent(b"end", 503)])
    assert b"".join(texts(runs)) == b"midend"
    assert texts(runs, is_from_client=False) == [b"dle"]
    assert not tcp.connections[0].began_in_capture


def test_round_trips_go_from_a_segment_to_its_acknowledgment():
    times = [0, 40 * MS, 50 * MS, 87 * MS, 100 * MS]
    packets = [SYNC, SYNC_ACK, sent(b"abc"), answered(ack=START + 4), sent(b"d", 3)]
    _, tcp = reassembled(packets, times)
    assert tcp.connections[0].from_client.truth.round_trips_ms == [37.0]


def test_a_window_of_zero_counts_once_until_it_opens():
    full = {"ack": START + 1, "window": 0, "flags": ACK}
    packets = [
        SYNC,
        SYNC_ACK,
        answered(**full),
        answered(**full),
        answered(ack=START + 1, flags=ACK),
    ]
    _, tcp = reassembled([*packets, answered(**full)])
    assert tcp.connections[0].from_client.truth.zero_windows == 2


def test_the_same_ends_anew_are_another_connection():
    again = [SYNC, SYNC_ACK, sent(b"second")]
    runs, _ = reassembled([SYNC, SYNC_ACK, sent(b"first"), sent(at=5, flags=RST), *again])
    assert [(one.connection.number, one.run.data) for one in runs] == [
        (0, b"first"),
        (1, b"second"),
    ]


def test_connections_are_told_apart_and_ipv6_is_read():
    six = f.ipv6(f.tcp(b"six", sequence=7), following=6)
    runs, tcp = reassembled([sent(b"four"), six, sent(b"more", 4)])
    assert sorted(one.run.data for one in runs) == [b"four", b"more", b"six"]
    assert len(tcp.connections) == 2


def test_a_connection_of_no_interest_costs_nothing_more():
    capture = opened(f.pcap([(n, sent(b"ab", 2 * n)) for n in range(20)], link_type=101))
    tcp = TcpReassembly()
    seen = 0
    for chunk in capture.chunks():
        for one in tcp.add(chunk.data, chunk.segments):
            seen += 1
            tcp.drop(one.connection)
    assert seen == 1


@given(
    st.lists(
        st.tuples(
            st.integers(0, 80),
            st.binary(max_size=40),
            st.sampled_from([0x18, SYN, SYN | ACK, RST, 0x11, 0]),
            st.booleans(),
        ),
        max_size=40,
    )
)
def test_any_segments_are_survived(segments):
    packets = [
        (answered if back else sent)(payload, at, flags=flags, ack=START + at)
        for at, payload, flags, back in segments
    ]
    runs, _ = reassembled(packets)
    given_bytes = sum(len(payload) for _, payload, _, _ in segments)
    assert sum(len(one.run.data) for one in runs) <= given_bytes


def test_damaged_headers_are_left_out():
    short = f.ipv4(struct.pack(">HHIIHHHH", 1, 2, 0, 0, 4 << 12, 0, 0, 0), protocol=6)
    long = f.ipv4(struct.pack(">HHIIHHHH", 1, 2, 0, 0, 15 << 12, 0, 0, 0), protocol=6)
    runs, _ = reassembled([short, long, f.ipv4(b"x" * 19, protocol=6)])
    assert runs == []
