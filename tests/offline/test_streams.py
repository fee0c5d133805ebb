"""Packets sorted into streams, whatever takes their messages."""

from __future__ import annotations

import random
import struct
from collections.abc import Iterator

import pytest

from tests.capture.frames import ethernet, ipv4, pcap, udp
from tests.capture.support import opened, read_in_pieces
from voipbin_cli.analysis.messages import Messages
from voipbin_cli.capture.packets import Flow
from voipbin_cli.offline.neighbours import PacketKind
from voipbin_cli.offline.streams import CapturedStream, StreamFinder

RTCP = bytes.fromhex("80c8000600000007") + bytes(20)
STUN = bytes.fromhex("000100002112a442") + bytes(12)
KEEPALIVE = b"\r\n\r\n"
ZRTP = bytes.fromhex("1000b27d5a525450") + bytes(60)
ODD = b"\xc0" + bytes(29)
MS = 1_000_000


class Taken:
    """Takes messages and does nothing with them; knows what it was begun with."""

    def __init__(self, flow: Flow, first: Messages, beside: dict[PacketKind, int]) -> None:
        self.flow = flow
        self.beside = beside
        self.begun_with = first.message(0)
        self.messages: list[bytes] = []


def packet(number: int, ssrc: int = 7) -> bytes:
    return struct.pack("!BBHII", 0x80, 0, number & 0xFFFF, number * 160, ssrc) + bytes(160)


def sorted_out(
    *sent: tuple[bytes, int], times_ns: list[int] | None = None
) -> list[CapturedStream[Taken]]:
    """The streams among payloads, each with the port that it went to."""
    frames = [ethernet(ipv4(udp(data, ports=(4000, port)))) for data, port in sent]
    times = times_ns or [n * MS * 20 for n in range(len(sent))]
    capture = opened(pcap(list(zip(times, frames, strict=True))))
    finder = StreamFinder(Taken)
    for chunk in capture.chunks():
        _take(finder.add(chunk, capture.flows))
    _take(finder.finish())
    return finder.streams


def _take(found: Iterator[tuple[CapturedStream[Taken], Messages]]) -> None:
    for stream, messages in found:
        stream.fold.messages += [messages.message(n) for n in range(len(messages))]


def test_what_says_how_long_it_is_is_no_stream() -> None:
    """ASHRAE 135 annex J.2: BACnet/IP has 0x81, a function and its length before all else."""
    sent = [
        struct.pack("!BBHIB", 0x81, 10, size, n, size) + bytes(size - 9)
        for n, size in enumerate((17, 18, 21, 22, 23, 25, 40, 41))
    ]
    assert sorted_out(*((data, 5000) for data in sent)) == []


def test_streams_are_told_apart_by_flow_and_by_source() -> None:
    streams = sorted_out(
        (packet(0), 1), (packet(0), 2), (packet(0, 8), 1), (packet(1), 1), (packet(1), 2),
        (packet(1, 8), 1),
    )  # fmt: skip
    assert [(s.flow.destination_port, s.ssrc) for s in streams] == [(1, 7), (1, 8), (2, 7)]
    assert [s.fold.messages for s in streams] == [
        [packet(0), packet(1)], [packet(0, 8), packet(1, 8)], [packet(0), packet(1)],
    ]  # fmt: skip
    assert streams[1].name == "192.0.2.1:4000 > 198.51.100.1:1 ssrc 0x00000008"


@pytest.mark.parametrize("size", [250, 100_000])
def test_a_stream_begins_with_its_first_packet_although_the_second_makes_it_one(
    size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    read_in_pieces(monkeypatch, size)
    (stream,) = sorted_out(*((packet(65_535 + n), 1) for n in range(4)))
    assert stream.fold.begun_with == packet(65_535)
    assert stream.fold.messages == [packet(65_535 + n) for n in range(4)]


@pytest.mark.parametrize(("step", "count"), [(1, 1), (100, 1), (101, 0), (-1, 0), (0, 0)])
def test_two_numbers_that_follow_each_other_make_a_stream(step: int, count: int) -> None:
    assert len(sorted_out((packet(500), 1), (packet(500 + step), 1))) == count


@pytest.mark.parametrize("ticks", [0, -160, 1 << 30])
def test_what_only_looks_like_a_number_makes_no_stream(ticks: int) -> None:
    """BACnet over IP (ASHRAE 135 J.2): 0x81, a function, a length, and no timestamp behind it."""
    first = packet(17)
    later = struct.pack("!BBHII", 0x81, 10, 29, (17 * 160 + ticks) & 0xFFFFFFFF, 7) + bytes(40)
    assert sorted_out((first, 1), (later, 1)) == []


@pytest.mark.parametrize("size", [250, 100_000])
def test_what_is_nothing_known_belongs_to_the_first_stream_of_its_flow(
    size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    read_in_pieces(monkeypatch, size)
    streams = sorted_out(
        (ODD, 1), (packet(0), 1), (packet(0, 8), 1), (packet(1), 1), (packet(1, 8), 1), (ODD, 1),
        (packet(2), 1), (ODD, 2),
    )  # fmt: skip
    assert [s.fold.messages for s in streams] == [
        [packet(0), packet(1), ODD, packet(2)], [packet(0, 8), packet(1, 8)],
    ]  # fmt: skip


def test_neighbours_are_left_out_and_counted() -> None:
    streams = sorted_out(
        (KEEPALIVE, 1), (packet(0), 1), (RTCP, 1), (STUN, 1), (KEEPALIVE, 1), (packet(1), 1),
        (ZRTP, 1), (packet(0), 2), (packet(1), 2), (KEEPALIVE, 3),
    )  # fmt: skip
    assert [s.fold.messages for s in streams] == [[packet(0), packet(1)]] * 2
    assert [s.neighbours for s in streams] == [
        {"RTCP": 1, "STUN": 1, "ZRTP": 1, "keepalive": 2}, {},
    ]  # fmt: skip
    assert [s.keyed_ns for s in streams] == [(6 * 20 * MS,), ()]


@pytest.mark.parametrize("size", [250, 1000, 100_000])
@pytest.mark.parametrize("count", [20, 300])
def test_what_a_stream_is_begun_with_is_known_by_its_first_second(
    count: int, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    read_in_pieces(monkeypatch, size)
    (stream,) = sorted_out((ZRTP, 1), *((packet(n), 1) for n in range(count)))
    assert stream.fold.flow == stream.flow
    assert stream.fold.beside == {PacketKind.ZRTP: 1}
    assert stream.fold.messages == [packet(n) for n in range(count)]


@pytest.mark.parametrize("apart_us", [30, 900, 9000])
@pytest.mark.parametrize("size", [400, 100_000])
@pytest.mark.parametrize("share", [1.0, 0.7])
def test_what_a_mirror_shows_twice_counts_once(
    apart_us: int, size: int, share: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    read_in_pieces(monkeypatch, size)
    rng = random.Random(apart_us)
    sent = [(n * 20 * MS, packet(n)) for n in range(200)]
    again = [(at + apart_us * 1000, data) for at, data in sent if rng.random() < share]
    rows = sorted(sent + again)
    (stream,) = sorted_out(*((data, 1) for _, data in rows), times_ns=[at for at, _ in rows])
    assert stream.fold.messages == [data for _, data in sent]
    assert stream.twice == len(again)


@pytest.mark.parametrize(
    ("apart_ms", "share", "changed"),
    [(0.5, 0.1, False), (25, 1.0, False), (0.5, 1.0, True)],
    ids=["a network that doubles a few", "a sender that repeats itself", "other bytes"],
)
def test_packets_that_are_doubled_otherwise_stay(
    apart_ms: float, share: float, changed: bool
) -> None:
    rng = random.Random(1)
    sent = [(n * 20 * MS, packet(n)) for n in range(200)]
    again = [
        (at + round(apart_ms * MS), data[:-1] + b"x" if changed else data)
        for at, data in sent
        if rng.random() < share
    ]
    rows = sorted(sent + again)
    (stream,) = sorted_out(*((data, 1) for _, data in rows), times_ns=[at for at, _ in rows])
    assert stream.twice == 0
    assert len(stream.fold.messages) == len(rows)


def test_what_is_no_rtp_alone_is_no_stream() -> None:
    assert sorted_out((KEEPALIVE, 1), (KEEPALIVE, 1), (RTCP, 1), (RTCP, 1), (STUN, 1)) == []
