"""What shares a flow with RTP, told apart as RFC 7983 7 does it: by the first octet of a packet."""

from __future__ import annotations

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from voipbin_cli.analysis.columns import Ints, Mask
from voipbin_cli.analysis.messages import Messages

# RFC 3550 5.1: the version, in the two highest bits of the first octet.
_VERSION = 2
_RTP_HEADER_BYTES = 12
# RFC 5761 4: payload types 64 to 95 are not used, so that a second octet of 192 to 223 is an RTCP
# packet type.
_RTCP_TYPES = (192, 223)
# RFC 8489 5: the second word of a STUN message; its length, in whole words, counts what is behind
# a header of 20 bytes. RFC 3489 had no such word.
_STUN_COOKIE = 0x2112A442
_STUN_HEADER_BYTES = 20
# RFC 6189 5: "ZRTP" in ASCII.
_ZRTP_COOKIE = 0x5A525450
# RFC 6347 4.1, RFC 9147 4: content types 20 to 63, and the versions 1.0 and 1.2; of 1.3 what is
# encrypted has no version.
_DTLS_CONTENT = (20, 63)
_DTLS_APPLICATION_DATA = 23
_DTLS_MAJOR = 0xFE
_DTLS_UNIFIED = (32, 63)
# RFC 8656 12: channel numbers 0x4000 to 0x4FFF, then the length; padded to whole words.
_TURN_OCTETS = (64, 79)
_TURN_HEADER_BYTES = 4
# T.38 9.1, UDPTL: a number of 16 bits, the length of the fax packet, the packet, then either
# earlier packets, or parity over them.
_UDPTL_LEAST_BYTES = 6
_UDPTL_REDUNDANCY, _UDPTL_PARITY = 0x00, 0x80


class PacketKind(IntEnum):
    """What a packet is. ELSE is what may be a broken packet of a stream."""

    ELSE = 0
    RTP = 1
    RTCP = 2
    STUN = 3
    DTLS = 4
    TURN = 5
    ZRTP = 6
    T38 = 7
    KEEPALIVE = 8

    @property
    def words(self) -> str:
        """As a person calls it."""
        return _WORDS.get(self, self.name)

    @property
    def is_neighbour(self) -> bool:
        """Neither of a stream nor what may be."""
        return self not in (PacketKind.ELSE, PacketKind.RTP)


_WORDS = {
    PacketKind.TURN: "TURN channel data",
    PacketKind.T38: "T.38",
    PacketKind.KEEPALIVE: "keepalive",
}


def kinds(messages: Messages) -> tuple[Ints, Ints]:
    """The `PacketKind` of each message, and its SSRC where it is RTP."""
    heads = messages.heads(_RTP_HEADER_BYTES)
    words = heads.view(">u4")
    first, second = heads[:, 0], heads[:, 1]
    whole = messages.length >= _RTP_HEADER_BYTES
    has_version = first >> 6 == _VERSION
    is_rtcp = has_version & _within(second, _RTCP_TYPES)
    kind = np.where(whole & has_version, PacketKind.RTP, PacketKind.ELSE)
    kind[is_rtcp] = PacketKind.RTCP
    if not has_version.all():
        _tell_others(messages, kind, np.flatnonzero(~has_version))
    return kind, words[:, 2].astype(np.int64)


def are_keying(messages: Messages, kind: Ints) -> Mask:
    """Which of them agree on keys for SRTP: ZRTP, and DTLS but for its application data."""
    content = messages.octet(0)
    are: Mask = (kind == PacketKind.ZRTP) | (
        (kind == PacketKind.DTLS) & (content < _DTLS_APPLICATION_DATA)
    )
    return are


def _tell_others(messages: Messages, kind: Ints, rows: Ints) -> None:
    """Name what is not of RTP's version; the last that fits counts."""
    some = messages.chosen(rows)
    heads = some.heads(_RTP_HEADER_BYTES)
    first, cookies = heads[:, 0], heads.view(">u4")[:, 1]
    told = np.full(len(rows), PacketKind.ELSE, np.int64)
    told[_is_keepalive(some)] = PacketKind.KEEPALIVE
    told[_are_udptl(some)] = PacketKind.T38
    told[_within(first, _TURN_OCTETS) & _is_turn(some)] = PacketKind.TURN
    is_record = _within(first, _DTLS_CONTENT) & (heads[:, 1] == _DTLS_MAJOR)
    told[is_record | (_within(first, _DTLS_UNIFIED) & _is_unified(some))] = PacketKind.DTLS
    told[(first >> 4 == 1) & (cookies == _ZRTP_COOKIE)] = PacketKind.ZRTP
    told[(first < 4) & ((cookies == _STUN_COOKIE) | _is_old_stun(some))] = PacketKind.STUN
    kind[rows] = told


def _within(octets: NDArray[np.uint8], ends: tuple[int, int]) -> Mask:
    inside: Mask = (octets >= ends[0]) & (octets <= ends[1])
    return inside


def _is_old_stun(messages: Messages) -> Mask:
    """RFC 3489 11.1: requests, responses and errors of two methods, and a length that is right."""
    kind, length = messages.word(0), messages.word(2)
    is_known = (kind & ~0x0110) <= 2
    is_whole = (messages.size == _STUN_HEADER_BYTES + length) & (length % 4 == 0)
    both: Mask = is_known & (kind & ~0x0110 > 0) & is_whole
    return both


def _is_turn(messages: Messages) -> Mask:
    padding = messages.size - _TURN_HEADER_BYTES - messages.word(2)
    fits: Mask = (padding >= 0) & (padding < 4)
    return fits


def _is_unified(messages: Messages) -> Mask:
    """RFC 9147 4: a header with a length that is right (bits C, S, L and the epoch before it)."""
    flags = messages.octet(0)
    at = np.where(flags & 0x08 > 0, 3, 2)
    fits: Mask = (flags & 0xF4 == 0x24) & (at + 2 + messages.word(at) == messages.size)
    return fits


def _is_keepalive(messages: Messages) -> Mask:
    """RFC 6263 4: nothing, or less than RTP's header that is not of its version."""
    short: Mask = messages.size < _RTP_HEADER_BYTES
    return short & messages.is_whole


def _are_udptl(messages: Messages) -> Mask:
    primary = messages.octet(2)
    may_be = (primary > 0) & messages.is_whole & (messages.size >= _UDPTL_LEAST_BYTES)
    for row in np.flatnonzero(may_be).tolist():
        may_be[row] = _is_udptl(messages.message(row))
    return may_be


def _is_udptl(packet: bytes) -> bool:
    """Whether the lengths in it end where the packet does."""
    at = _behind_part(packet, 2)
    if at >= len(packet) - 1:
        return False
    if packet[at] == _UDPTL_PARITY:
        return len(packet) >= at + 4
    if packet[at] != _UDPTL_REDUNDANCY:
        return False
    earlier, at = packet[at + 1], at + 2
    for _ in range(earlier):
        at = _behind_part(packet, at)
    return at == len(packet)


def _behind_part(packet: bytes, at: int) -> int:
    """Where a part ends whose length stands at its start (X.691 10.9: one octet below 128)."""
    size = int.from_bytes(packet[at : at + 2], "big")
    if size & 0x8000:
        return at + 2 + (size & 0x3FFF)
    return at + 1 + (size >> 8)
