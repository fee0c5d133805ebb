"""Fragments of IP, put together again (RFC 791 3.2, RFC 8200 4.5)."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

from voipbin_cli.capture.ip import FRAGMENT_HEADER, FRAGMENT_OFFSET, MORE_FRAGMENTS
from voipbin_cli.capture.layers import Spans

# Packets that wait for the rest of them; the oldest gives way. A voice packet is in two pieces as
# a rule, and its pieces come together.
_MAX_WAITING = 1024
# RFC 791 3.1: a packet has 65,535 bytes at the most; in pieces of 8 bytes it is an attack.
_MAX_PIECES = 64
_MAX_PACKET_BYTES = 65_535
_IPV6_HEADER_BYTES, _FRAGMENT_HEADER_BYTES = 40, 8

Key = tuple[bytes, int, int]


@dataclass(slots=True)
class _Waiting:
    """The pieces of one packet: the header of its first, and what is there by its offset."""

    header: bytes = b""
    pieces: dict[int, bytes] = field(default_factory=dict)
    total_bytes: int | None = None

    def payload(self) -> bytes | None:
        """All of it, if it is all there."""
        if self.total_bytes is None or not self.header:
            return None
        whole = b""
        for offset, piece in sorted(self.pieces.items()):
            # RFC 5722 4: pieces that overlap are not put together.
            if offset != len(whole):
                return None
            whole += piece
        return whole if len(whole) == self.total_bytes else None


@dataclass(frozen=True, slots=True)
class _Fragment:
    key: Key
    header: bytes
    offset: int
    is_last: bool
    payload: bytes


class Fragments:
    """Collects fragments; `waiting` of them belong to packets that are not whole yet."""

    def __init__(self) -> None:
        self._packets: dict[Key, _Waiting] = {}
        self._given_up = 0

    @property
    def waiting(self) -> int:
        """Fragments that came to nothing, so far."""
        return self._given_up + sum(len(packet.pieces) for packet in self._packets.values())

    def add(self, data: bytes, part: Spans) -> list[tuple[int, bytes]]:
        """Add fragments; return the packets that they complete, each with its last record."""
        whole = []
        spans = zip(part.record.tolist(), part.at.tolist(), part.end.tolist(), strict=True)
        for record, at, end in spans:
            fragment = _fragment(data[at:end])
            packet = self._complete(fragment) if fragment else None
            self._given_up += fragment is None
            if packet is not None:
                whole.append((record, packet))
        return whole

    def _complete(self, fragment: _Fragment) -> bytes | None:
        if fragment.key not in self._packets and len(self._packets) >= _MAX_WAITING:
            self._forget(next(iter(self._packets)))
        waiting = self._packets.setdefault(fragment.key, _Waiting())
        waiting.pieces[fragment.offset] = fragment.payload
        if fragment.offset == 0:
            waiting.header = fragment.header
        if fragment.is_last:
            waiting.total_bytes = fragment.offset + len(fragment.payload)
        payload = waiting.payload()
        if payload is not None:
            del self._packets[fragment.key]
            return _packet(waiting.header, payload)
        if len(waiting.pieces) > _MAX_PIECES:
            self._forget(fragment.key)
        return None

    def _forget(self, key: Key) -> None:
        self._given_up += len(self._packets.pop(key).pieces)


def _fragment(packet: bytes) -> _Fragment | None:
    """Read one; None where it is cut short or no fragment that can be placed."""
    return _ipv4(packet) if packet[0] >> 4 == 4 else _ipv6(packet)


def _ipv4(packet: bytes) -> _Fragment | None:
    size = (packet[0] & 15) * 4
    total, identification, place = struct.unpack_from(">HHH", packet, 2)
    if len(packet) < total or size > total:
        return None
    key = (packet[12:20], identification, packet[9])
    return _placed(
        key, packet[:size], place & FRAGMENT_OFFSET, place & MORE_FRAGMENTS, packet[size:]
    )


def _ipv6(packet: bytes) -> _Fragment | None:
    """Other extension headers may stand before the one of the fragment."""
    if len(packet) < _IPV6_HEADER_BYTES + struct.unpack_from(">H", packet, 4)[0]:
        return None
    following, at = packet[6], _IPV6_HEADER_BYTES
    while following != FRAGMENT_HEADER and at + 8 <= len(packet):
        following, at = packet[at], at + (packet[at + 1] + 1) * 8
    if following != FRAGMENT_HEADER or at + _FRAGMENT_HEADER_BYTES > len(packet):
        return None
    inner, _, place, identification = struct.unpack_from(">BBHI", packet, at)
    # Without the extension headers: only UDP is wanted of what is put together.
    header = packet[:6] + bytes((inner,)) + packet[7:_IPV6_HEADER_BYTES]
    key = (packet[8:40], identification, inner)
    return _placed(key, header, place >> 3, place & 1, packet[at + _FRAGMENT_HEADER_BYTES :])


def _placed(key: Key, header: bytes, units: int, more: int, payload: bytes) -> _Fragment | None:
    """Offsets count units of 8 octets, and so do all pieces but the last."""
    if units * 8 + len(payload) > _MAX_PACKET_BYTES or (more and len(payload) % 8):
        return None
    return _Fragment(key, header, units * 8, not more, payload)


def _packet(header: bytes, payload: bytes) -> bytes:
    """The packet as it was before it was cut."""
    if header[0] >> 4 == 4:
        total = min(len(header) + len(payload), _MAX_PACKET_BYTES)
        return header[:2] + struct.pack(">H", total) + header[4:6] + b"\0\0" + header[8:] + payload
    return header[:4] + struct.pack(">H", len(payload)) + header[6:] + payload
