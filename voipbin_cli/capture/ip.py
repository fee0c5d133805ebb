"""Link layers, IP and UDP, whole columns at once.

Ethernet (with VLAN tags), Linux cooked captures, BSD loopback and raw IP; IPv4 and IPv6.
Fragments of IP and everything that is not UDP are left out.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from voipbin_cli.capture.columns import Integers, chosen, column, rows
from voipbin_cli.capture.records import RecordChunk

Words = npt.NDArray[np.uint64]

# EtherTypes of RFC 894 and RFC 2464.
IPV4, IPV6 = 0x0800, 0x86DD
# RFC 768: the protocol number of UDP, in IPv4's protocol field and in IPv6's next header.
UDP = 17
# IEEE 802.1Q: customer and service tags; 0x9100 is what was used before the latter.
_VLAN_TAGS = (0x8100, 0x88A8, 0x9100)
_MAX_TAGS = 4
# RFC 8200 4.3, 4.4, 4.6: hop-by-hop options, routing, destination options. Their length counts
# units of 8 octets, the first not included.
_SKIPPED_EXTENSIONS = (0, 43, 60)
_MAX_EXTENSIONS = 8
# RFC 791 3.1
_IPV4 = np.dtype(
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
_IPV6 = np.dtype(
    [
        ("version_class_flow", ">u4"),
        ("payload_bytes", ">u2"),
        ("next", "u1"),
        ("hop_limit", "u1"),
        *((name, ">u8") for name in _IPV6_ADDRESSES),
    ]
)
_IPV4_ENDS = 2
# RFC 4291 2.5.5.2: ::ffff:a.b.c.d
_MAPPED = 0xFFFF << 32
# RFC 768
_UDP = np.dtype([("ports", ">u4"), ("length", ">u2"), ("checksum", ">u2")])


class _Link(NamedTuple):
    """A link layer: how long its header is, and where in it the EtherType, if there is one."""

    header_bytes: int
    ethertype_at: int | None = None


# LINKTYPE_ values of draft-ietf-opsawg-pcaplinktype.
_LINKS = {
    0: _Link(4),  # NULL
    1: _Link(14, 12),  # ETHERNET
    12: _Link(0),  # RAW, by its number on some systems
    14: _Link(0),  # RAW, by its number on others
    101: _Link(0),  # RAW
    108: _Link(4),  # LOOP
    113: _Link(16, 14),  # LINUX_SLL
    228: _Link(0),  # IPV4
    229: _Link(0),  # IPV6
    276: _Link(20, 0),  # LINUX_SLL2
}


class Datagrams(NamedTuple):
    """UDP datagrams as columns: which record, where the payload is, and both ends.

    `wire_bytes` is the payload's length before a snap length cut it to `length_bytes`.
    `ends` are the columns that tell flows apart: of IPv4 both addresses in one word, then both
    ports; as soon as IPv6 is among them, two words for each address (IPv4 as ::ffff:a.b.c.d).
    """

    record: Integers
    offset: Integers
    length_bytes: Integers
    wire_bytes: Integers
    ends: tuple[Words, ...]

    def only(self, kept: slice | Integers) -> Datagrams:
        """The datagrams with these numbers, in that order."""
        return Datagrams(
            self.record[kept],
            self.offset[kept],
            self.length_bytes[kept],
            self.wire_bytes[kept],
            tuple(words[kept] for words in self.ends),
        )

    def ends_of(self, n: int) -> tuple[int, ...]:
        """The ends of one datagram: five words, as with IPv6."""
        ends = [int(words[n]) for words in self.ends]
        if len(ends) == _IPV4_ENDS:
            ends = [0, _MAPPED | ends[0] >> 32, 0, _MAPPED | ends[0] & 0xFFFFFFFF, ends[1]]
        return tuple(ends)

    def with_long_addresses(self) -> Datagrams:
        """The same with `ends` of five words."""
        if len(self.ends) != _IPV4_ENDS:
            return self
        addresses, ports = self.ends
        mapped, low = np.uint64(_MAPPED), np.uint64(0xFFFFFFFF)
        source, destination = addresses >> np.uint64(32) | mapped, addresses & low | mapped
        nothing = np.zeros(len(ports), np.uint64)
        return self._replace(ends=(nothing, source, nothing, destination, ports))


def udp_datagrams(records: RecordChunk) -> Datagrams:
    """The whole UDP datagrams among these records, in their order."""
    record, at, end = _ip_packets(records, column(records.data, ">u2"))
    version = np.frombuffer(records.data, np.uint8)[at] >> 4
    v4, v6 = chosen(version == 4), np.flatnonzero(version == 6)
    found = _udp_over_ipv4(records.data, record[v4], at[v4], end[v4])
    if not len(v6):
        return found
    return _merged(
        found.with_long_addresses(), _udp_over_ipv6(records.data, record[v6], at[v6], end[v6])
    )


def _merged(one: Datagrams, other: Datagrams) -> Datagrams:
    """Both, in the order of their records."""
    order = np.argsort(np.concatenate((one.record, other.record)), kind="stable")
    ends = zip(one.ends, other.ends, strict=True)
    return Datagrams(
        np.concatenate((one.record, other.record)),
        np.concatenate((one.offset, other.offset)),
        np.concatenate((one.length_bytes, other.length_bytes)),
        np.concatenate((one.wire_bytes, other.wire_bytes)),
        tuple(np.concatenate(pair) for pair in ends),
    ).only(order)


def _ip_packets(
    records: RecordChunk, short: npt.NDArray[np.uint16]
) -> tuple[Integers, Integers, Integers]:
    """Record numbers, starts and ends of what claims to be IP (at least one byte of it)."""
    everything = []
    alike = (records.link_type == records.link_type[0]).all()
    for link_type in records.link_type[:1].tolist() if alike else _LINKS:
        link = _LINKS.get(link_type)
        if link is None:
            continue
        record = np.flatnonzero(records.link_type == link_type)
        if not len(record):
            continue
        start = records.start[record]
        end = start + records.captured_bytes[record]
        at = start + link.header_bytes
        kept = at < end
        if link.ethertype_at is not None:
            some = chosen(kept)
            record, start, at, end = record[some], start[some], at[some], end[some]
            ethertype = short[start + link.ethertype_at]
            kept = at < end
            if not (ethertype == IPV4).all():
                at, ethertype = _skip_tags(short, at, end, ethertype)
                kept = ((ethertype == IPV4) | (ethertype == IPV6)) & (at < end)
        some = chosen(kept)
        everything.append((record[some], at[some], end[some]))
    if not everything:
        nothing = np.empty(0, np.int64)
        return nothing, nothing, nothing
    if len(everything) == 1:
        return everything[0]
    record, at, end = (np.concatenate(part) for part in zip(*everything, strict=True))
    order = np.argsort(record, kind="stable")
    return record[order], at[order], end[order]


def _skip_tags(
    short: npt.NDArray[np.uint16], at: Integers, end: Integers, ethertype: npt.NDArray[np.uint16]
) -> tuple[Integers, npt.NDArray[np.uint16]]:
    """IEEE 802.1Q: behind the type of a tag come two bytes of control, then the next type."""
    for _ in range(_MAX_TAGS):
        tagged = _is_one_of(ethertype, _VLAN_TAGS) & (at + 4 < end)
        if not tagged.any():
            break
        ethertype = np.where(tagged, short[np.where(tagged, at + 2, 0)], ethertype)
        at = np.where(tagged, at + 4, at)
    return at, ethertype


def _is_one_of(values: npt.NDArray[Any], wanted: tuple[int, ...]) -> npt.NDArray[np.bool_]:
    found = np.zeros(len(values), bool)
    for value in wanted:
        found |= values == value
    return found


def _udp_over_ipv4(data: bytes, record: Integers, at: Integers, end: Integers) -> Datagrams:
    """The UDP datagrams in these IPv4 packets."""
    some = chosen(at + _IPV4.itemsize <= end)
    record, at, end = record[some], at[some], end[some]
    header = rows(data, at, _IPV4)
    # RFC 791 3.1: the header length counts words of 32 bits, at least five.
    header_bytes = (header["version_length"] & 15).astype(np.int64) * 4
    total_bytes = header["total_bytes"].astype(np.int64)
    ip_end = np.minimum(end, at + total_bytes)
    if not total_bytes.all():  # where the network card cuts segments, the total may be zero
        ip_end = np.where(total_bytes > 0, ip_end, end)
    # RFC 791 3.1: with more-fragments set, or an offset, it is a fragment.
    whole = (header["fragment"] & 0x3FFF) == 0
    some = chosen(whole & (header["protocol"] == UDP) & (header_bytes >= 20))
    source = header["source"][some].astype(np.uint64)
    addresses = source << np.uint64(32) | header["destination"][some]
    udp_at = (at + header_bytes)[some]
    return _udp_payloads(data, record[some], udp_at, ip_end[some], (addresses,))


def _udp_over_ipv6(data: bytes, record: Integers, at: Integers, end: Integers) -> Datagrams:
    """The UDP datagrams in these IPv6 packets, extension headers skipped; fragments are none."""
    octets = np.frombuffer(data, np.uint8)
    some = chosen(at + _IPV6.itemsize <= end)
    record, at, end = record[some], at[some], end[some]
    header = rows(data, at, _IPV6)
    # RFC 8200 3: the payload length counts extension headers as well. It may be zero for the same
    # reason as in IPv4.
    payload_bytes = header["payload_bytes"].astype(np.int64)
    ip_end = np.where(payload_bytes > 0, np.minimum(end, at + 40 + payload_bytes), end)
    following, udp_at = header["next"], at + 40
    for _ in range(_MAX_EXTENSIONS):
        more = _is_one_of(following, _SKIPPED_EXTENSIONS) & (udp_at + 8 <= ip_end)
        if not more.any():
            break
        extension = np.where(more, udp_at, 0)
        skipped = (octets[extension + 1].astype(np.int64) + 1) * 8
        following = np.where(more, octets[extension], following)
        udp_at = np.where(more, udp_at + skipped, udp_at)
    some = chosen(following == UDP)
    addresses = tuple(header[name][some].astype(np.uint64) for name in _IPV6_ADDRESSES)
    return _udp_payloads(data, record[some], udp_at[some], ip_end[some], addresses)


def _udp_payloads(
    data: bytes, record: Integers, at: Integers, end: Integers, addresses: tuple[Words, ...]
) -> Datagrams:
    """The payloads of these UDP datagrams."""
    some = chosen(at + _UDP.itemsize <= end)
    at, end = at[some], end[some]
    header = rows(data, at, _UDP)
    # RFC 768: the length includes the header, so that eight is the least.
    wire_bytes = header["length"].astype(np.int64) - 8
    offset = at + 8
    length_bytes = np.minimum(end - offset, wire_bytes)
    ends = (*(address[some] for address in addresses), header["ports"].astype(np.uint64))
    found = Datagrams(record[some], offset, length_bytes, wire_bytes, ends)
    return found.only(chosen(wire_bytes >= 0))
