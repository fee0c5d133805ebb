"""The Homer encapsulation protocol, version 3: a datagram that a probe passes on with its ends.

https://github.com/sipcapture/HEP: "HEP3", the length of all, then chunks of vendor, type, length
(their six bytes included) and value. It holds no IP header, so that the ends are chunks too.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from voipbin_cli.capture.ip import UDP

_MAGIC = b"HEP3"
_FAMILY, _PROTOCOL = 1, 2
_SOURCE4, _DESTINATION4, _SOURCE6, _DESTINATION6 = 3, 4, 5, 6
_SOURCE_PORT, _DESTINATION_PORT = 7, 8
_PAYLOAD = 15
_CHUNK = struct.Struct(">HHH")
# ::ffff:a.b.c.d (RFC 4291 2.5.5.2)
_MAPPED = b"\0" * 10 + b"\xff\xff"


class Passed(NamedTuple):
    """The datagram: its ends in five numbers (see `Datagrams.ends`), and where its payload is."""

    ends: tuple[int, int, int, int, int]
    at: int
    end: int


def passed_on(data: bytes, at: int, end: int) -> Passed | None:
    """Read a packet of HEP; None where it is damaged, or what it holds was no UDP."""
    if data[at : at + 4] != _MAGIC:
        return None
    found: dict[int, tuple[int, int]] = {}
    at += 6
    while at + _CHUNK.size <= end:
        vendor, kind, size = _CHUNK.unpack_from(data, at)
        if size < _CHUNK.size or at + size > end:
            return None
        if vendor == 0:
            found.setdefault(kind, (at + _CHUNK.size, at + size))
        at += size
    values = {kind: data[start:stop] for kind, (start, stop) in found.items() if kind != _PAYLOAD}
    source = _address(values.get(_SOURCE4), values.get(_SOURCE6))
    destination = _address(values.get(_DESTINATION4), values.get(_DESTINATION6))
    if values.get(_PROTOCOL) != bytes((UDP,)) or not source or not destination:
        return None
    ports = values.get(_SOURCE_PORT, b"") + values.get(_DESTINATION_PORT, b"")
    if _PAYLOAD not in found or len(ports) != 4:
        return None
    addresses = struct.unpack(">4Q", source + destination)
    return Passed((*addresses, int.from_bytes(ports, "big")), *found[_PAYLOAD])


def _address(four: bytes | None, six: bytes | None) -> bytes | None:
    """Sixteen bytes."""
    if four is not None and len(four) == 4:
        return _MAPPED + four
    return six if six is not None and len(six) == 16 else None
