"""UDP datagrams and TCP segments in records: through link layers, tunnels and fragments of IP."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from voipbin_cli.capture import hep, ip, links, tunnels
from voipbin_cli.capture.columns import Integers, chosen, rows
from voipbin_cli.capture.fragments import Fragments
from voipbin_cli.capture.layers import (
    MAPPED,
    Layer,
    Opener,
    Spans,
    Words,
    long_addresses,
    opened,
)
from voipbin_cli.capture.records import RecordChunk

OPENERS: dict[Layer, Opener] = {
    Layer.ETHERNET: links.ethernet,
    Layer.PPP: links.ppp,
    Layer.PPPOE: links.pppoe,
    Layer.MPLS: links.mpls,
    Layer.NFLOG: links.nflog,
    Layer.IP: ip.ip,
    Layer.UDP: ip.udp,
    Layer.GRE: tunnels.gre,
    Layer.ERSPAN_2: tunnels.erspan_2,
    Layer.ERSPAN_3: tunnels.erspan_3,
    Layer.VXLAN: tunnels.vxlan,
    Layer.GENEVE: tunnels.geneve,
    Layer.GTP_U: tunnels.gtp_u,
    Layer.TZSP: tunnels.tzsp,
}
_READ = (Layer.DATAGRAM, Layer.HEP)
_IPV4_ENDS = 2
# RFC 768
_UDP = np.dtype([("ports", ">u4"), ("length", ">u2"), ("checksum", ">u2")])


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
            ends = [0, MAPPED | ends[0] >> 32, 0, MAPPED | ends[0] & 0xFFFFFFFF, ends[1]]
        return tuple(ends)

    def with_long_addresses(self) -> Datagrams:
        """The same with `ends` of five words."""
        if len(self.ends) != _IPV4_ENDS:
            return self
        addresses, ports = self.ends
        return self._replace(ends=(*long_addresses((addresses,)), ports))


NONE = Datagrams(*(np.empty(0, np.int64),) * 4, (np.empty(0, np.uint64),) * _IPV4_ENDS)


class FoundPackets(NamedTuple):
    """What was found in some records, and the bytes that it lies in.

    Those bytes are the records' own, with what was put together of fragments behind them.
    """

    data: bytes
    datagrams: Datagrams
    segments: list[Spans]


class PacketFinder:
    """Finds packets in records, chunk by chunk; fragments wait for those of later chunks."""

    def __init__(self) -> None:
        self._fragments = Fragments()
        self._passed_over: Counter[Layer] = Counter()

    @property
    def passed_over(self) -> dict[str, int]:
        """How many records hold no datagram, by what they hold."""
        counts = self._passed_over + Counter({Layer.FRAGMENT: self._fragments.waiting})
        return {layer.value: count for layer, count in counts.most_common()}

    def find(self, records: RecordChunk) -> FoundPackets:
        """The datagrams in their records' order, and where the TCP segments are."""
        data = records.data
        ended = self._ended(data, links.frames(records), len(records.start))
        parts, tcp = [ended], list(ended.get(Layer.TCP, ()))
        for part in ended.get(Layer.FRAGMENT, ()):
            whole = self._fragments.add(data, part)
            if whole:
                data, packets = _appended(data, whole)
                parts.append(self._ended(data, iter([(Layer.IP, packets)]), len(packets)))
                tcp += parts[-1].get(Layer.TCP, ())
        found = [_payloads(data, one) for part in parts for one in part.get(Layer.DATAGRAM, ())]
        found += [_passed_on(data, one) for part in parts for one in part.get(Layer.HEP, ())]
        self._passed_over[Layer.CUT] += sum(
            sum(len(one) for layer in _READ for one in part.get(layer, ())) for part in parts
        ) - sum(len(one.record) for one in found)
        return FoundPackets(data, _merged(found), tcp)

    def _ended(
        self, data: bytes, begun: Iterator[tuple[Layer, Spans]], count: int
    ) -> dict[Layer, list[Spans]]:
        """Open what begins there, and count what is no datagram."""
        ended = opened(data, begun, OPENERS)
        counts = Counter({layer: sum(map(len, parts)) for layer, parts in ended.items()})
        counts[Layer.CUT] += count - sum(counts.values())
        for layer in (*_READ, Layer.FRAGMENT):
            del counts[layer]
        self._passed_over += counts
        return ended


def _payloads(data: bytes, part: Spans) -> Datagrams:
    """RFC 768: the length includes the header, so that eight is the least."""
    part = part.holding(_UDP.itemsize)
    header = rows(data, part.at, _UDP)
    wire_bytes = header["length"].astype(np.int64) - 8
    offset = part.at + 8
    length_bytes = np.minimum(part.end - offset, wire_bytes)
    ends = (*part.addresses, header["ports"].astype(np.uint64))
    found = Datagrams(part.record, offset, length_bytes, wire_bytes, ends)
    return found.only(chosen(wire_bytes >= 0))


def _passed_on(data: bytes, part: Spans) -> Datagrams:
    """What probes have wrapped up, one by one: their chunks stand in any order."""
    spans = zip(part.record.tolist(), part.at.tolist(), part.end.tolist(), strict=True)
    read = [(record, hep.passed_on(data, at, end)) for record, at, end in spans]
    kept = [(record, passed) for record, passed in read if passed]
    record = np.array([record for record, _ in kept], np.int64)
    offset = np.array([passed.at for _, passed in kept], np.int64)
    length = np.array([passed.end for _, passed in kept], np.int64) - offset
    ends = np.array([passed.ends for _, passed in kept], np.uint64).reshape(-1, 5)
    return Datagrams(record, offset, length, length, tuple(ends.T))


def _appended(data: bytes, whole: list[tuple[int, bytes]]) -> tuple[bytes, Spans]:
    """The packets behind the data, and where they lie in it."""
    sizes = np.array([len(packet) for _, packet in whole], np.int64)
    ends: npt.NDArray[np.int64] = len(data) + np.cumsum(sizes)
    record = np.array([record for record, _ in whole], np.int64)
    return data + b"".join(packet for _, packet in whole), Spans(record, ends - sizes, ends)


def _merged(parts: list[Datagrams]) -> Datagrams:
    """All of them, in the order of their records."""
    parts = [part for part in parts if len(part.record)]
    if not parts:
        return NONE
    if len(parts) == 1:
        return parts[0]
    if len({len(part.ends) for part in parts}) > 1:
        parts = [part.with_long_addresses() for part in parts]
    order = np.argsort(np.concatenate([part.record for part in parts]), kind="stable")
    ends = zip(*(part.ends for part in parts), strict=True)
    return Datagrams(
        np.concatenate([part.record for part in parts]),
        np.concatenate([part.offset for part in parts]),
        np.concatenate([part.length_bytes for part in parts]),
        np.concatenate([part.wire_bytes for part in parts]),
        tuple(np.concatenate(words) for words in ends),
    ).only(order)
