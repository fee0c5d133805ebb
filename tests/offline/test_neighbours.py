"""Packets beside RTP, put together from the RFCs, and what may be broken RTP."""

from __future__ import annotations

import random
import struct

import pytest

from voipbin_cli.analysis.messages import TimedMessage, from_messages
from voipbin_cli.offline.neighbours import PacketKind, are_keying, kinds


def kind_of(packet: bytes, wire_bytes: int | None = None) -> PacketKind:
    kind, _ = kinds(from_messages([TimedMessage(packet, 0, wire_bytes)]))
    return PacketKind(int(kind[0]))


def udptl(*parts: bytes, ending: bytes = b"") -> bytes:
    primary, *earlier = parts
    body = bytes([len(primary)]) + primary
    if not ending:
        ending = bytes([0, len(earlier)]) + b"".join(bytes([len(one)]) + one for one in earlier)
    return struct.pack(">H", 7) + body + ending


KNOWN = [
    (bytes.fromhex("80 00 0001 00000000 00000007") + bytes(160), PacketKind.RTP),
    (bytes.fromhex("80 e0 0001 00000000 00000007") + bytes(160), PacketKind.RTP),
    (bytes.fromhex("80 c8 0006 00000007") + bytes(20), PacketKind.RTCP),
    (bytes.fromhex("81 cb 0001 00000007"), PacketKind.RTCP),  # BYE
    (bytes.fromhex("8f cd 0002 00000007 00000008"), PacketKind.RTCP),  # feedback
    (bytes.fromhex("0001 0000 2112a442") + bytes(12), PacketKind.STUN),
    (bytes.fromhex("0101 000c 2112a442") + bytes(24), PacketKind.STUN),
    (bytes.fromhex("0001 0000") + bytes(range(16)), PacketKind.STUN),  # RFC 3489
    (bytes.fromhex("0111 0004") + bytes(range(20)), PacketKind.STUN),  # RFC 3489, an error
    (bytes.fromhex("16 fefd 0001 000000000000 0034") + bytes(52), PacketKind.DTLS),
    (bytes.fromhex("14 feff 0000 000000000003 0001 01"), PacketKind.DTLS),
    (bytes.fromhex("2f 1234 0010") + bytes(16), PacketKind.DTLS),  # 1.3, C, S, L and the epoch
    (bytes.fromhex("4001 00ac") + bytes(172), PacketKind.TURN),
    (bytes.fromhex("4fff 0005") + bytes(8), PacketKind.TURN),  # padded
    (bytes.fromhex("1000 b27d 5a525450") + bytes(100), PacketKind.ZRTP),
    (udptl(b"\x06"), PacketKind.T38),
    (udptl(b"\xc0\x01\x80\x00\x00\xff", b"\x06", b"\x04"), PacketKind.T38),
    (udptl(bytes(40), ending=b"\x80\x03\x01\x06" + bytes(6)), PacketKind.T38),
    (b"\r\n", PacketKind.KEEPALIVE),
    (b"\r\n\r\n", PacketKind.KEEPALIVE),
    (b"", PacketKind.KEEPALIVE),
    (b"\0", PacketKind.KEEPALIVE),
    (b"\xff" * 4, PacketKind.KEEPALIVE),
]


@pytest.mark.parametrize(("packet", "kind"), KNOWN)
def test_each_is_told_by_its_first_bytes(packet: bytes, kind: PacketKind) -> None:
    assert kind_of(packet) is kind


@pytest.mark.parametrize(
    "packet",
    [
        bytes.fromhex("80 00 0001"),  # RTP's version, and no header
        bytes.fromhex("40 00 0001 00000000 00000007") + bytes(160),  # version 1
        b"\xff" * 160,  # samples without a header: silence, and sound
        b"\x7e\xfe" * 80,
        bytes(160),
        bytes.fromhex("0001 0003") + bytes(160),  # a method, and a length that is not so
        bytes.fromhex("1000 b27d") + bytes(100),
        bytes.fromhex("4001 0020") + bytes(172),
        udptl(b"\x06") + b"\x00" * 20,
    ],
)
def test_what_fits_nothing_may_be_broken_rtp(packet: bytes) -> None:
    assert kind_of(packet) is PacketKind.ELSE


def test_a_head_that_a_capture_left_of_a_packet_is_no_keepalive() -> None:
    assert kind_of(b"\x16\0\0\0", wire_bytes=172) is PacketKind.ELSE


def test_random_bytes_without_a_header_are_seldom_taken_for_a_neighbour() -> None:
    rng = random.Random(3)
    packets = [b for n in range(2000) if (b := rng.randbytes(160))[0] >> 6 != 2]
    told = [kind_of(packet) for packet in packets]
    assert sum(kind.is_neighbour for kind in told) < 0.02 * len(packets)


def test_keys_are_agreed_on_by_zrtp_and_by_the_handshake_of_dtls() -> None:
    packets = [
        bytes.fromhex("16 fefd 0001 000000000000 0034") + bytes(52),
        bytes.fromhex("17 fefd 0001 000000000000 0034") + bytes(52),
        bytes.fromhex("1000 b27d 5a525450") + bytes(100),
        b"\r\n",
    ]
    messages = from_messages([TimedMessage(packet) for packet in packets])
    assert are_keying(messages, kinds(messages)[0]).tolist() == [True, False, True, False]
