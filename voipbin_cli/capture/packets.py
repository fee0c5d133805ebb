"""UDP packets out of capture records, as columns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from voipbin_cli.capture.columns import Bytes, Codes, Integers, chosen
from voipbin_cli.capture.links import directions
from voipbin_cli.capture.packet_finder import Datagrams, PacketFinder
from voipbin_cli.capture.records import RecordChunk
from voipbin_cli.capture.tcp import Segments, segments

MAX_FLOWS = 65_536

Address: TypeAlias = IPv4Address | IPv6Address


class Flow(NamedTuple):
    """Who sent to whom."""

    source: Address
    source_port: int
    destination: Address
    destination_port: int

    @property
    def turned(self) -> Flow:
        """The other way."""
        return Flow(self.destination, self.destination_port, self.source, self.source_port)


@dataclass(frozen=True, slots=True)
class PacketChunk:
    """UDP packets, one element of each column a packet.

    Times are Unix nanoseconds; `direction` holds `DIRECTION_CODES`; `flow` counts into the
    `flows` of the `PacketReader`. The payload is `data[offset : offset + length_bytes]`.
    """

    data: bytes
    time_ns: Integers
    direction: Codes
    flow: npt.NDArray[np.int32]
    offset: Integers
    length_bytes: Integers
    wire_bytes: Integers
    comments: dict[int, str]
    segments: Segments | None = None
    """The TCP segments among the same records, where there are any."""

    def __len__(self) -> int:
        return len(self.time_ns)

    @property
    def octets(self) -> Bytes:
        """`data` as an array."""
        return np.frombuffer(self.data, np.uint8)


class PacketReader:
    """UDP packets out of records.

    `flows` grows while chunks are read (65,536 at most: packets of further ones are left out).
    `too_many_flows` counts the packets that were left out for that.
    """

    def __init__(self, records: Iterable[RecordChunk]) -> None:
        self._records = records
        self._flow_numbers: dict[tuple[int, ...], int] = {}
        self.flows: list[Flow] = []
        self.too_many_flows = 0
        self._finder = PacketFinder()

    @property
    def passed_over(self) -> Mapping[str, int]:
        """How many records are not whole UDP datagrams, by what they are; the most first."""
        return self._finder.passed_over

    def chunks(self) -> Iterator[PacketChunk]:
        """Columns, piece by piece, in file order; to be asked once."""
        for records in self._records:
            data, found, tcp = self._finder.find(records)
            flow = self._number_flows(found)
            numbered = chosen(flow >= 0)
            self.too_many_flows += len(flow) - len(flow[numbered])
            found, flow = found.only(numbered), flow[numbered]
            if not len(flow) and not tcp:
                continue
            everything = len(flow) == len(records.start)
            record = slice(None) if everything else found.record
            yield PacketChunk(
                data=data,
                time_ns=records.time_ns[record],
                direction=directions(records)[record],
                flow=flow,
                offset=found.offset,
                length_bytes=found.length_bytes,
                wire_bytes=found.wire_bytes,
                comments=_renumbered(records.comments, found.record),
                segments=segments(data, records.time_ns, tcp),
            )

    def _number_flows(self, found: Datagrams) -> npt.NDArray[np.int32]:
        numbers = np.full(len(found.record), -1, np.int32)
        left = np.ones(len(found.record), bool)
        # A capture has few flows, and each costs one look over all; many are looked up singly.
        for _ in range(8):
            first = int(left.argmax()) if len(left) else 0
            if not len(left) or not left[first]:
                return numbers
            same = found.ends[0] == found.ends[0][first]
            for words in found.ends[1:]:
                same &= words == words[first]
            numbers[same] = self._flow_number(found.ends_of(first))
            left &= ~same
        for n in np.flatnonzero(left).tolist():
            numbers[n] = self._flow_number(found.ends_of(n))
        return numbers

    def _flow_number(self, ends: tuple[int, ...]) -> int:
        number = self._flow_numbers.get(ends)
        if number is None:
            if len(self.flows) >= MAX_FLOWS:
                return -1
            number = self._flow_numbers[ends] = len(self.flows)
            self.flows.append(_flow(ends))
        return number


def _renumbered(comments: dict[int, str], record: Integers) -> dict[int, str]:
    if not comments:
        return comments
    numbers = {number: n for n, number in enumerate(record.tolist()) if number in comments}
    return {n: comments[number] for number, n in numbers.items()}


def _flow(ends: tuple[int, ...]) -> Flow:
    source = _address(ends[0] << 64 | ends[1])
    destination = _address(ends[2] << 64 | ends[3])
    return Flow(source, ends[4] >> 16, destination, ends[4] & 0xFFFF)


def _address(number: int) -> Address:
    address = IPv6Address(number)
    return address.ipv4_mapped or address
