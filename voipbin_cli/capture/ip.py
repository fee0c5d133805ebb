"""IPv4, IPv6 and UDP, whole columns at once."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from voipbin_cli.capture.columns import Integers, chosen, column, rows
from voipbin_cli.capture.layers import Layer, Opened, Spans, sorted_out

# IANA's protocol numbers, in IPv4's protocol field and in IPv6's next header.
UDP = 17
_PROTOCOLS = {
    UDP: Layer.UDP,
    6: Layer.TCP,
    1: Layer.ICMP,
    58: Layer.ICMP,
    4: Layer.IP,  # RFC 2003: IPv4 in IP
    41: Layer.IP,  # RFC 4213: IPv6 in IP
    47: Layer.GRE,
    132: Layer.SCTP,
    137: Layer.MPLS,
}
# RFC 8200 4.3, 4.4, 4.6: hop-by-hop options, routing, destination options. Their length counts
# units of 8 octets, the first not included.
_SKIPPED_EXTENSIONS = (0, 43, 60)
_MAX_EXTENSIONS = 8
# RFC 8200 4.5
FRAGMENT_HEADER = 44
# RFC 791 3.1: with more-fragments set, or an offset, it is a fragment.
MORE_FRAGMENTS, FRAGMENT_OFFSET = 0x2000, 0x1FFF
# RFC 791 3.1
IPV4_HEADER = np.dtype(
    [
        ("version_length", "u1"),
        ("service", "u1"),
        ("total_bytes", ">u2"),
        ("identification", ">u2"),
        ("fragment", ">u2"),
        ("time_to_live", "u1"),
        ("protocol", "u1"),
        ("checksum", ">u2"),
        ("source", ">u4"),
        ("destination", ">u4"),
    ]
)
_IPV6_ADDRESSES = ("source_high", "source_low", "destination_high", "destination_low")
# RFC 8200 3
IPV6_HEADER = np.dtype(
    [
        ("version_class_flow", ">u4"),
        ("payload_bytes", ">u2"),
        ("next", "u1"),
        ("hop_limit", "u1"),
        *((name, ">u8") for name in _IPV6_ADDRESSES),
    ]
)
# Tunnels in UDP by the port they are sent to (IANA; 8472 is Linux's own for VXLAN, 9060 HEP's by
# custom), and what their first byte has to look like under a mask, as the port alone proves little.
_TUNNELS = {
    4789: (Layer.VXLAN, 0x08, 0x08),  # RFC 7348 5: the I flag
    8472: (Layer.VXLAN, 0x08, 0x08),
    6081: (Layer.GENEVE, 0xC0, 0x00),  # RFC 8926 3.4: version 0
    2152: (Layer.GTP_U, 0xF0, 0x30),  # TS 29.281 5.1: version 1, protocol type GTP
    37008: (Layer.TZSP, 0xFF, 0x01),  # version 1
    9060: (Layer.HEP, 0xFF, ord("H")),
}
_IS_TUNNEL = np.zeros(1 << 16, bool)
_IS_TUNNEL[list(_TUNNELS)] = True


def ip(data: bytes, part: Spans) -> Opened:
    """IP of the version that each says."""
    version = np.frombuffer(data, np.uint8)[part.at] >> 4
    yield from _ipv4(data, part.only(chosen(version == 4)))
    others = version != 4
    if others.any():
        yield from _ipv6(data, part.only(np.flatnonzero(version == 6)))
        yield Layer.OTHER, part.only(np.flatnonzero(others & (version != 6)))


def udp(data: bytes, part: Spans) -> Opened:
    """RFC 768: a tunnel if both its port and its first byte say so, else a datagram."""
    part = part.holding(8)
    port = column(data, ">u2")[part.at + 2]
    left = np.ones(len(part), bool)
    for tunnel_port, (layer, mask, first) in _TUNNELS.items() if _IS_TUNNEL[port].any() else ():
        mine = (port == tunnel_port) & (part.at + 8 < part.end)
        if mine.any():
            octet = np.frombuffer(data, np.uint8)[np.where(mine, part.at + 8, 0)]
            mine &= (octet & mask) == first
            yield layer, part.only(np.flatnonzero(mine)).behind(8)
            left &= ~mine
    yield Layer.DATAGRAM, part.only(chosen(left))


def _ipv4(data: bytes, part: Spans) -> Opened:
    part = part.holding(IPV4_HEADER.itemsize)
    if not len(part):
        return
    header = rows(data, part.at, IPV4_HEADER)
    # RFC 791 3.1: the header length counts words of 32 bits, at least five.
    header_bytes = (header["version_length"] & 15).astype(np.int64) * 4
    total_bytes = header["total_bytes"].astype(np.int64)
    end = np.minimum(part.end, part.at + total_bytes)
    if not total_bytes.all():  # where the network card cuts segments, the total may be zero
        end = np.where(total_bytes > 0, end, part.end)
    addresses = header["source"].astype(np.uint64) << np.uint64(32) | header["destination"]
    packets = Spans(part.record, part.at, end, (addresses,))
    is_sound = (header_bytes >= IPV4_HEADER.itemsize) & (end - part.at >= header_bytes)
    is_fragment = (header["fragment"] & (MORE_FRAGMENTS | FRAGMENT_OFFSET)) != 0
    if is_fragment.any():
        yield Layer.FRAGMENT, packets.only(np.flatnonzero(is_sound & is_fragment))
    whole = chosen(is_sound & ~is_fragment)
    inner = packets.only(whole).behind(header_bytes[whole])
    yield from sorted_out(inner, header["protocol"][whole], _PROTOCOLS)


def _ipv6(data: bytes, part: Spans) -> Opened:
    """Extension headers are skipped."""
    part = part.holding(IPV6_HEADER.itemsize)
    if not len(part):
        return
    header = rows(data, part.at, IPV6_HEADER)
    # RFC 8200 3: the payload length counts extension headers as well. It may be zero for the same
    # reason as in IPv4.
    payload_bytes = header["payload_bytes"].astype(np.int64)
    end = np.minimum(part.end, part.at + 40 + payload_bytes)
    end = np.where(payload_bytes > 0, end, part.end)
    addresses = tuple(header[name].astype(np.uint64) for name in _IPV6_ADDRESSES)
    packets = Spans(part.record, part.at, end, addresses)
    following, at = _behind_extensions(data, header["next"], part.at + 40, end)
    is_fragment = following == FRAGMENT_HEADER
    if is_fragment.any():
        fragments = np.flatnonzero(is_fragment)
        yield Layer.FRAGMENT, packets.only(fragments)
    whole = chosen(~is_fragment)
    inner = packets.only(whole).behind((at - packets.at)[whole])
    yield from sorted_out(inner, following[whole], _PROTOCOLS)


def _behind_extensions(
    data: bytes, following: npt.NDArray[np.uint8], at: Integers, end: Integers
) -> tuple[npt.NDArray[np.uint8], Integers]:
    """The first next header that is no skipped extension, and where it begins."""
    octets = np.frombuffer(data, np.uint8)
    for _ in range(_MAX_EXTENSIONS):
        more = np.isin(following, _SKIPPED_EXTENSIONS) & (at + 8 <= end)
        if not more.any():
            break
        extension = np.where(more, at, 0)
        skipped = (octets[extension + 1].astype(np.int64) + 1) * 8
        following = np.where(more, octets[extension], following)
        at = np.where(more, at + skipped, at)
    return following, at
