"""Packets sorted into streams, whatever takes their messages."""

from __future__ import annotations

import struct

import pytest

from tests.capture.frames import ethernet, ipv4, pcap, udp
from tests.capture.support import opened, read_in_pieces
from voipbin_cli.analysis.messages import Messages
from voipbin_cli.offline.streams import CapturedStream, StreamFinder

RTCP = bytes.fromhex("80c8000600000007") + bytes(20)
STUN = bytes.fromhex("000100002112a442") + bytes(12)
KEEPALIVE = b"\r\n\r\n"


class Taken:
    """Takes messages and does nothing with them; knows which one it was begun with."""

    def __init__(self, first: Messages) -> None:
        self.begun_with = first.message(0)
        self.messages: list[bytes] = []


def packet(number: int, ssrc: int = 7) -> bytes:
    return struct.pack("!BBHII", 0x80, 0, number & 0xFFFF, number * 160, ssrc) + bytes(160)


def sorted_out(*sent: tuple[bytes, int]) -> list[CapturedStream[Taken]]:
    """The streams among payloads, each with the port that it went to."""
    frames = [
        (n, ethernet(ipv4(udp(data, ports=(4000, port))))) for n, (data, port) in enumerate(sent)
    ]
    capture = opened(pcap(frames))
    finder = StreamFinder(Taken)
    for chunk in capture.chunks():
        for stream, messages in finder.add(chunk, capture.flows):
            stream.fold.messages += [messages.message(n) for n in range(len(messages))]
    return finder.streams


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


def test_neighbours_are_left_out_and_all_else_belongs_to_the_first_stream_of_the_flow() -> None:
    streams = sorted_out(
        (KEEPALIVE, 1), (packet(0), 1), (packet(0, 8), 1), (RTCP, 1), (STUN, 1), (KEEPALIVE, 1),
        (packet(1), 1), (packet(1, 8), 1), (KEEPALIVE, 2),
    )  # fmt: skip
    assert [s.fold.messages for s in streams] == [
        [packet(0), KEEPALIVE, packet(1)], [packet(0, 8), packet(1, 8)],
    ]  # fmt: skip


def test_what_is_no_rtp_alone_is_no_stream() -> None:
    assert sorted_out((KEEPALIVE, 1), (KEEPALIVE, 1), (RTCP, 1), (RTCP, 1), (STUN, 1)) == []
