"""RTP packets (RFC 3550 5.1): bytes to fields and back.

Sequence bookkeeping over many packets (RFC 3550 A.1) is not done here.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import Any, NamedTuple, NoReturn, Self

from voipbin_cli.errors import DecodeError

VERSION = 2
HEADER_BYTES = 12
MAX_CSRC = 15
# Appendix A.1: a sequence number from so many on ahead of the highest, or so many behind it, is
# that of a sender that began anew; nearer ones are packets lost, or late.
MAX_DROPOUT = 3000
MAX_MISORDER = 100

# RFC 3550 5.1: "The first twelve octets are present in every RTP packet".
#
#    0                   1                   2                   3
#    0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
#   |V=2|P|X|  CC   |M|     PT      |       sequence number         |
#   |                           timestamp                           |
#   |           synchronization source (SSRC) identifier            |
#   |       contributing source (CSRC) identifiers, CC of them      |
_FIXED = struct.Struct("!BBHII")
# 5.3.1: 16 bits "defined by profile", 16 bits of length, then the extension's words.
_EXTENSION = struct.Struct("!HH")
_PLAIN = VERSION << 6  # no padding, no extension, no CSRC
_PADDING = 0x20
_EXTENDED = 0x10


class Extension(NamedTuple):
    """A header extension (RFC 3550 5.3.1): `data` is a whole number of 32-bit words."""

    profile: int
    data: bytes


class _Fields(NamedTuple):
    payload_type: int
    sequence_number: int
    timestamp: int
    ssrc: int
    marker: bool
    payload: bytes
    csrc: tuple[int, ...]
    extension: Extension | None
    padding_bytes: int


class RtpPacket(_Fields):
    """One RTP packet in the words of RFC 3550 5.1; a packet out of range cannot be made.

    `payload_type` 0-127, `sequence_number` 16 bits, `timestamp` and `ssrc` 32 bits, up to 15
    `csrc` of 32 bits. `padding_bytes` (0-255) counts the padding with its own count byte.
    Making one raises ValueError for a field out of range.
    """

    __slots__ = ()

    def __new__(
        cls,
        *,
        payload_type: int,
        sequence_number: int,
        timestamp: int,
        ssrc: int,
        marker: bool = False,
        payload: bytes = b"",
        csrc: tuple[int, ...] = (),
        extension: tuple[int, bytes] | None = None,
        padding_bytes: int = 0,
    ) -> Self:
        _in_range("payload_type", payload_type, 7)
        _in_range("sequence_number", sequence_number, 16)
        _in_range("timestamp", timestamp, 32)
        _in_range("ssrc", ssrc, 32)
        _in_range("padding_bytes", padding_bytes, 8)
        # 5.1: "If there are more than 15 contributing sources, only 15 can be identified."
        if len(csrc) > MAX_CSRC:
            raise ValueError(f"an RTP packet has at most {MAX_CSRC} CSRCs, got {len(csrc)}")
        for source in csrc:
            _in_range("csrc", source, 32)
        if extension is not None:
            extension = Extension(*extension)
            _in_range("extension profile", extension.profile, 16)
            if len(extension.data) % 4:
                raise ValueError("RTP extension data is a whole number of 32-bit words")
            _in_range("extension words", len(extension.data) // 4, 16)
        return super().__new__(
            cls,
            payload_type,
            sequence_number,
            timestamp,
            ssrc,
            marker,
            payload,
            tuple(csrc),
            extension,
            padding_bytes,
        )

    @classmethod
    def _make(cls, iterable: Iterable[object]) -> Self:  # type: ignore[override]  # fewer options
        # `_replace` comes through here: it is checked like any other way to make a packet.
        fields: dict[str, Any] = dict(zip(cls._fields, iterable, strict=True))
        return cls(**fields)


def _in_range(name: str, value: int, bits: int) -> None:
    if not 0 <= value < 1 << bits:
        raise ValueError(f"{name} {value} does not fit into {bits} bits")


_unpack_fixed = _FIXED.unpack_from
_new = tuple.__new__


def parse(data: bytes) -> RtpPacket:
    """Return the packet that `data`, one whole datagram or message, holds.

    Raises DecodeError: `truncated`, `version`, `csrc-truncated`, `extension-truncated`,
    `padding-invalid`. Nothing else escapes, whatever the bytes.
    """
    if len(data) < HEADER_BYTES:
        raise DecodeError(
            "truncated",
            f"RTP header needs {HEADER_BYTES} bytes, got {len(data)}",
            offset=len(data),
        )
    first, second, sequence_number, timestamp, ssrc = _unpack_fixed(data)
    csrc: tuple[int, ...] = ()
    extension = None
    offset, padding_bytes = HEADER_BYTES, 0
    # Every packet of the platform's bridge is plain, and needs none of this.
    if first != _PLAIN:
        # 5.1, version: "The version defined by this specification is two (2)."
        if first >> 6 != VERSION:
            raise DecodeError("version", f"RTP version is {VERSION}, got {first >> 6}")
        csrc, offset = _parse_csrc(data, first & 0x0F)
        # 5.1, extension: "If the extension bit is set, the fixed header MUST be followed by
        # exactly one header extension". It stands behind the CSRC list.
        if first & _EXTENDED:
            extension, offset = _parse_extension(data, offset)
        if first & _PADDING:
            padding_bytes = _padding_bytes(data, offset)
    # A header's fields are in range by their width: RtpPacket's own checks, which cost three times
    # the rest, are left out.
    return _new(
        RtpPacket,
        (
            second & 0x7F,
            sequence_number,
            timestamp,
            ssrc,
            second > 0x7F,
            data[offset : len(data) - padding_bytes],
            csrc,
            extension,
            padding_bytes,
        ),
    )


def _short(slug: str, what: str, end: int, size: int) -> NoReturn:
    raise DecodeError(slug, f"RTP {what} ends at byte {end}, the packet at {size}", offset=size)


def _parse_csrc(data: bytes, count: int) -> tuple[tuple[int, ...], int]:
    # 5.1: "The CSRC count contains the number of CSRC identifiers that follow the fixed header."
    end = HEADER_BYTES + 4 * count
    if len(data) < end:
        _short("csrc-truncated", f"list of {count} CSRCs", end, len(data))
    return struct.unpack_from(f"!{count}I", data, HEADER_BYTES), end


def _parse_extension(data: bytes, offset: int) -> tuple[Extension, int]:
    start = offset + _EXTENSION.size
    if len(data) < start:
        _short("extension-truncated", "extension header", start, len(data))
    # 5.3.1: a "length field that counts the number of 32-bit words in the extension, excluding
    # the four-octet extension header (therefore zero is a valid length)".
    profile, words = _EXTENSION.unpack_from(data, offset)
    end = start + 4 * words
    if len(data) < end:
        _short("extension-truncated", f"extension of {words} words", end, len(data))
    return Extension(profile, data[start:end]), end


def _padding_bytes(data: bytes, offset: int) -> int:
    # 5.1: "The last octet of the padding contains a count of how many padding octets should be
    # ignored, including itself". So neither 0 nor more than there is can be right.
    count = data[-1] if len(data) > offset else 0
    if not 1 <= count <= len(data) - offset:
        raise DecodeError(
            "padding-invalid",
            f"RTP padding of {count} bytes in {len(data) - offset} bytes of payload",
            offset=max(len(data) - 1, 0),
        )
    return count


def build(packet: RtpPacket) -> bytes:
    """Return `packet` as it goes on the wire; padding is zeros and the count."""
    first = _PLAIN | len(packet.csrc)
    tail = b""
    if packet.extension is not None:
        first |= _EXTENDED
        profile, data = packet.extension
        tail = _EXTENSION.pack(profile, len(data) // 4) + data
    if packet.padding_bytes:
        first |= _PADDING
    second = packet.payload_type | (0x80 if packet.marker else 0)
    head = _FIXED.pack(first, second, packet.sequence_number, packet.timestamp, packet.ssrc)
    if first == _PLAIN:
        return head + packet.payload
    sources = struct.pack(f"!{len(packet.csrc)}I", *packet.csrc)
    padding = bytes([packet.padding_bytes]).rjust(packet.padding_bytes, b"\0")
    return head + sources + tail + packet.payload + (padding if packet.padding_bytes else b"")
