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

IPV4, IPV6, UDP = 0x0800, 0x86DD, 17
_VLAN_TAGS = (0x8100, 0x88A8, 0x9100)
_MAX_TAGS = 4
# RFC 8200 4.3–4.6: hop-by-hop, routing, destination options; all count 8-byte units.
_SKIPPED_EXTENSIONS = (0, 43, 60)
_MAX_EXTENSIONS = 8
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
_MAPPED = 0xFFFF << 32
_UDP = np.dtype([("ports", ">u4"), ("length", ">u2"), ("checksum", ">u2")])

_LINK_BYTES = {
    0: 4,  # NULL
    1: 14,  # ETHERNET
    12: 0,  # RAW as some systems write it
    14: 0,
    101: 0,  # RAW
    108: 4,  # LOOP
    113: 16,  # LINUX_SLL
    228: 0,  # IPV4
    229: 0,  # IPV6
    276: 20,  # LINUX_SLL2
}
_ETHERTYPE_AT = {1: 12, 113: 14, 276: 0}


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
    for link_type in records.link_type[:1].tolist() if alike else _LINK_BYTES:
        if link_type not in _LINK_BYTES:
            continue
        record = np.flatnonzero(records.link_type == link_type)
        if not len(record):
            continue
        start = records.start[record]
        end = start + records.captured_bytes[record]
        at = start + _LINK_BYTES[link_type]
        kept = at < end
        if link_type in _ETHERTYPE_AT:
            some = chosen(kept)
            record, start, at, end = record[some], start[some], at[some], end[some]
            ethertype = short[start + _ETHERTYPE_AT[link_type]]
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
    """IEEE 802.1Q: two bytes of tag, then the next type."""
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
    """RFC 791."""
    some = chosen(at + _IPV4.itemsize <= end)
    record, at, end = record[some], at[some], end[some]
    header = rows(data, at, _IPV4)
    header_bytes = (header["version_length"] & 15).astype(np.int64) * 4
    total_bytes = header["total_bytes"].astype(np.int64)
    ip_end = np.minimum(end, at + total_bytes)
    if not total_bytes.all():  # segmentation offload leaves the total at zero
        ip_end = np.where(total_bytes > 0, ip_end, end)
    # More-fragments bit or fragment offset.
    whole = (header["fragment"] & 0x3FFF) == 0
    some = chosen(whole & (header["protocol"] == UDP) & (header_bytes >= 20))
    source = header["source"][some].astype(np.uint64)
    addresses = source << np.uint64(32) | header["destination"][some]
    udp_at = (at + header_bytes)[some]
    return _udp_payloads(data, record[some], udp_at, ip_end[some], (addresses,))


def _udp_over_ipv6(data: bytes, record: Integers, at: Integers, end: Integers) -> Datagrams:
    """RFC 8200, extension headers included; fragments (44) are no UDP."""
    octets = np.frombuffer(data, np.uint8)
    some = chosen(at + _IPV6.itemsize <= end)
    record, at, end = record[some], at[some], end[some]
    header = rows(data, at, _IPV6)
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
    """RFC 768."""
    some = chosen(at + _UDP.itemsize <= end)
    at, end = at[some], end[some]
    header = rows(data, at, _UDP)
    wire_bytes = header["length"].astype(np.int64) - 8
    offset = at + 8
    length_bytes = np.minimum(end - offset, wire_bytes)
    ends = (*(address[some] for address in addresses), header["ports"].astype(np.uint64))
    found = Datagrams(record[some], offset, length_bytes, wire_bytes, ends)
    return found.only(chosen(wire_bytes >= 0))
