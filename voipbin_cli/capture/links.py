"""Link layers, and what stands between them and IP: VLAN tags, MPLS, PPPoE, PPP, NFLOG."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from voipbin_cli.capture.columns import Codes, Integers, chosen, column
from voipbin_cli.capture.layers import Layer, Opened, Spans, sorted_out
from voipbin_cli.capture.records import RecordChunk

# IEEE 802 numbers: the EtherTypes of what is opened or named.
IPV4, IPV6 = 0x0800, 0x86DD
_TRANSPARENT_ETHERNET = 0x6558
ETHERTYPES = {
    IPV4: Layer.IP,
    IPV6: Layer.IP,
    0x0806: Layer.ARP,
    0x8847: Layer.MPLS,
    0x8848: Layer.MPLS,
    0x8864: Layer.PPPOE,
    _TRANSPARENT_ETHERNET: Layer.ETHERNET,
    0x88BE: Layer.ERSPAN_2,
    0x22EB: Layer.ERSPAN_3,
}
# RFC 1661 with RFC 1332 and RFC 5072: the protocol numbers of IP over PPP.
_PPP_PROTOCOLS = {0x0021: Layer.IP, 0x0057: Layer.IP}
# IEEE 802.1Q: customer and service tags; 0x9100 is what was used before the latter.
_VLAN_TAGS = (0x8100, 0x88A8, 0x9100)
_MAX_TAGS = 4
_MAX_LABELS = 8
# LINKTYPE_NFLOG: attributes of netlink, each with its length and type; one is the packet.
_NFLOG_PAYLOAD = 9
_MAX_ATTRIBUTES = 24


class _Link(NamedTuple):
    """A link layer: what it holds, how long its header is, where in it the EtherType is, if any."""

    layer: Layer
    header_bytes: int = 0
    ethertype_at: int | None = None


# LINKTYPE_ values of draft-ietf-opsawg-pcaplinktype.
_LINKS = {
    0: _Link(Layer.IP, 4),  # NULL
    1: _Link(Layer.ETHERNET),
    9: _Link(Layer.PPP),
    12: _Link(Layer.IP),  # RAW, by its number on some systems
    14: _Link(Layer.IP),  # RAW, by its number on others
    51: _Link(Layer.PPPOE),  # PPP_ETHER
    101: _Link(Layer.IP),  # RAW
    105: _Link(Layer.WIFI),
    108: _Link(Layer.IP, 4),  # LOOP
    113: _Link(Layer.OTHER, 16, 14),  # LINUX_SLL
    119: _Link(Layer.WIFI),  # with a Prism header
    127: _Link(Layer.WIFI),  # with a radiotap header
    219: _Link(Layer.MPLS),
    228: _Link(Layer.IP),  # IPV4
    229: _Link(Layer.IP),  # IPV6
    239: _Link(Layer.NFLOG, 4),
    276: _Link(Layer.OTHER, 20, 0),  # LINUX_SLL2
}

# draft-ietf-opsawg-pcaplinktype: where the packet type of Linux's cooked captures is, its last
# octet; of its values 0 says that it was sent to us, and 4 that we sent it.
_PACKET_TYPE_AT = {113: 1, 276: 10}
_TO_US, _BY_US = 0, 4


def directions(records: RecordChunk) -> Codes:
    """Which way each record went: by its flags, or by the packet type of a cooked capture."""
    told = records.direction
    for link_type, at in _PACKET_TYPE_AT.items():
        cooked = (records.link_type == link_type) & (records.captured_bytes > at) & (told == 0)
        if not cooked.any():
            continue
        kind = np.frombuffer(records.data, np.uint8)[records.start[cooked] + at]
        told = told.copy()
        told[cooked] = np.where(kind == _TO_US, 1, np.where(kind == _BY_US, 2, 0))
    return told


def frames(records: RecordChunk) -> Opened:
    """What the records begin with, by their link types."""
    types = records.link_type
    alike = bool((types == types[:1]).all())
    for link_type in types[:1].tolist() if alike else np.unique(types).tolist():
        link = _LINKS.get(link_type, _Link(Layer.OTHER))
        record = np.arange(len(types)) if alike else np.flatnonzero(types == link_type)
        start = records.start[record]
        part = Spans(record, start, start + records.captured_bytes[record])
        if link.ethertype_at is None:
            yield link.layer, part.behind(link.header_bytes)
        else:
            yield from _typed(records.data, part, link.header_bytes, link.ethertype_at)


def ethernet(data: bytes, part: Spans) -> Opened:
    """IEEE 802.3: two addresses and the EtherType."""
    return _typed(data, part, 14, 12)


def by_ethertype(data: bytes, part: Spans, ethertype: npt.NDArray[Any]) -> Opened:
    """What lies behind an EtherType, tags skipped."""
    if not (ethertype == IPV4).all():
        part, ethertype = _without_tags(column(data, ">u2"), part, ethertype)
    return sorted_out(part, ethertype, ETHERTYPES)


def mpls(data: bytes, part: Spans) -> Opened:
    """RFC 3032: label entries of 4 bytes, the last of which has the lowest bit of its third set.

    What follows has no type: IP begins with its version, and a pseudowire of Ethernet (RFC 4448)
    with a control word whose first four bits are zero.
    """
    octets = np.frombuffer(data, np.uint8)
    for _ in range(_MAX_LABELS):
        part = part.holding(5)
        is_last = (octets[part.at + 2] & 1) == 1
        yield from _behind_labels(octets, part.only(chosen(is_last)).behind(4))
        part = part.only(np.flatnonzero(~is_last)).behind(4)


def nflog(data: bytes, part: Spans) -> Opened:
    """LINKTYPE_NFLOG: attributes of 4 bytes and a value, padded to 4 bytes; one holds the packet.

    Their numbers are in the order of the machine that wrote them, today little-endian as a rule.
    """
    short = column(data, "<u2")
    for _ in range(_MAX_ATTRIBUTES):
        part = part.holding(4)
        size, kind = (short[part.at + at].astype(np.int64) for at in (0, 2))
        is_packet = kind == _NFLOG_PAYLOAD
        packets = part.only(np.flatnonzero(is_packet))
        yield Layer.IP, packets.behind(4).until(packets.at + size[is_packet])
        left = np.flatnonzero(~is_packet & (size >= 4))
        part = part.only(left).behind((size[left] + 3) & ~3)


def pppoe(data: bytes, part: Spans) -> Opened:
    """RFC 2516 4: six bytes, then PPP."""
    return ppp(data, part.behind(6))


def ppp(data: bytes, part: Spans) -> Opened:
    """RFC 1661 2, with or without the address and control bytes of RFC 1662 3.1."""
    short = column(data, ">u2")
    part = part.holding(5)
    framed = short[part.at] == 0xFF03
    part = part.behind(np.where(framed, 2, 0))
    return sorted_out(part.behind(2), short[part.at], _PPP_PROTOCOLS)


def _typed(data: bytes, part: Spans, header_bytes: int, ethertype_at: int) -> Opened:
    part = part.holding(header_bytes + 1)
    if not len(part):
        return iter(())
    ethertype = column(data, ">u2")[part.at + ethertype_at]
    return by_ethertype(data, part.behind(header_bytes), ethertype)


def _without_tags(
    short: npt.NDArray[np.uint16], part: Spans, ethertype: npt.NDArray[np.uint16]
) -> tuple[Spans, npt.NDArray[np.uint16]]:
    """IEEE 802.1Q: behind the type of a tag come two bytes of control, then the next type."""
    at = part.at
    for _ in range(_MAX_TAGS):
        tagged = np.isin(ethertype, _VLAN_TAGS) & (at + 4 < part.end)
        if not tagged.any():
            break
        ethertype = np.where(tagged, short[np.where(tagged, at + 2, 0)], ethertype)
        at = np.where(tagged, at + 4, at)
    return part.behind(at - part.at), ethertype


def _behind_labels(octets: npt.NDArray[np.uint8], part: Spans) -> Opened:
    if not len(part):
        return
    first: Integers = (octets[part.at] >> 4).astype(np.int64)
    is_ip = (first == 4) | (first == 6)
    yield Layer.IP, part.only(chosen(is_ip))
    inner = part.only(np.flatnonzero(~is_ip))
    yield Layer.ETHERNET, inner.behind(np.where(first[~is_ip] == 0, 4, 0))
