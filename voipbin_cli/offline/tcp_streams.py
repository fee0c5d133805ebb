"""Media streams in TCP, found by themselves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from ipaddress import IPv6Address
from itertools import islice
from typing import Any, Generic, TypeVar

import numpy as np

from voipbin_cli.analysis.messages import Messages, TimedMessage, from_messages
from voipbin_cli.capture.packets import Address, Flow, PacketChunk
from voipbin_cli.capture.tcp import ConnectionRun, TcpConnection, TcpReassembly, TcpTruth
from voipbin_cli.codec.encapsulation import Direction
from voipbin_cli.offline.sip_bytes import SipBytes, looks_like_sip
from voipbin_cli.offline.tcp_media import TLS, Media, recognised
from voipbin_cli.transport.targets import Target, TargetKind

# After so many bytes, or so many pieces of them, that look like nothing it is no media.
_TOO_MANY_BYTES = 64 << 10
_MAX_EARLY = 64
# So many pieces of decrypted bytes are sorted into streams at once.
_DECRYPTED_RUNS = 20_000

T = TypeVar("T")
TCP = "TCP"
"""What is said behind a stream that came in it."""


@dataclass(slots=True)
class TcpStream(Generic[T]):
    """A media stream in a connection; `fold` is what takes its messages."""

    connection: TcpConnection
    media: Media
    fold: T

    @property
    def name(self) -> str:
        """Where the client connected to, or both ends."""
        flow = self.flow
        to = self.media.target or f"{flow.destination}:{flow.destination_port}"
        return f"{flow.source}:{flow.source_port} > {to} ({TCP})"

    @property
    def flow(self) -> Flow:
        """From the client to the server."""
        return _flow(self.connection)

    @property
    def call(self) -> str:
        """The call or conference that the client asked for, as a TARGET; empty where it did not."""
        url = Target(TargetKind.URL, self.media.target or "")
        return "/".join(url.resource or ())

    def truth(self) -> dict[str, Any]:
        """What TCP tells of both directions, as JSON values."""
        return _truth(self.connection)


class TcpStreamFinder(Generic[T]):
    """Finds media in TCP connections.

    `make` returns what takes a stream's messages, given what media they are. `on_sip` is called
    with each message of SIP in them, and when it was whole. RTP of phones is no stream yet: it is
    handed out as packets of `flows`, a flow each direction of a connection.
    """

    def __init__(
        self,
        make: Callable[[Media], T],
        on_sip: Callable[[int, bytes], None] | None = None,
    ) -> None:
        self.streams: list[TcpStream[T]] = []
        self._make = make
        self._reassembly = TcpReassembly()
        self._media: dict[int, Media] = {}
        self._streams: dict[int, TcpStream[T]] = {}
        self._early: dict[int, list[ConnectionRun]] = {}
        self._on_sip = on_sip
        self._sip: dict[int, dict[bool, SipBytes]] = {}
        self.flows: list[Flow] = []
        self._flow_numbers: dict[tuple[int, Direction], int] = {}
        self._of_flow: dict[Flow, int] = {}
        self._packets: list[tuple[int, TimedMessage]] = []

    def add(self, chunk: PacketChunk) -> Iterator[tuple[TcpStream[T], Direction, Messages]]:
        """Yield what the segments of a piece complete, connection by connection."""
        if chunk.segments is not None:
            yield from self._sorted(self._reassembly.add(chunk.data, chunk.segments))

    @property
    def encrypted(self) -> list[TcpConnection]:
        """The connections that are not read because TLS has encrypted them."""
        connections = self._reassembly.connections
        return [connections[number] for number, media in self._media.items() if media.note == TLS]

    def add_decrypted(
        self, runs: Iterable[ConnectionRun]
    ) -> Iterator[tuple[TcpStream[T], Direction, Messages]]:
        """Yield the messages in what connections of `encrypted` hold.

        Those of which there is nothing are noted as not opened.
        """
        opened = self._opened(runs)
        while piece := list(islice(opened, _DECRYPTED_RUNS)):
            yield from self._sorted(piece)
        for media in self._media.values():
            if media.note == TLS:
                media.note = f"{TLS}, and none of the keys opens it"

    def _opened(self, runs: Iterable[ConnectionRun]) -> Iterator[ConnectionRun]:
        for run in runs:
            media = self._media.get(run.connection.number)
            if media is not None and media.note == TLS:
                del self._media[run.connection.number]
            yield run

    def _sorted(
        self, runs: Iterable[ConnectionRun]
    ) -> Iterator[tuple[TcpStream[T], Direction, Messages]]:
        found: dict[tuple[int, Direction], list[TimedMessage]] = {}
        for run in runs:
            number = run.connection.number
            for direction, message in self._messages(run):
                if self._media[number].is_of_phones:
                    self._packets.append((self._flow_number(number, direction), message))
                else:
                    found.setdefault((number, direction), []).append(message)
        for (number, direction), messages in found.items():
            yield self._stream(number), direction, from_messages(messages)

    def take_packets(self) -> PacketChunk | None:
        """The RTP packets of phones since this was asked; None where there are none."""
        if not self._packets:
            return None
        flow = np.array([number for number, _ in self._packets], np.int32)
        packets = from_messages(message for _, message in self._packets)
        self._packets = []
        return PacketChunk(
            data=packets.data,
            time_ns=packets.time_ns,
            direction=np.zeros(len(flow), np.int8),
            flow=flow,
            offset=packets.offset,
            length_bytes=packets.length,
            wire_bytes=packets.size,
            comments={},
        )

    def _flow_number(self, number: int, direction: Direction) -> int:
        """Of what is sent that way in a connection; both of its directions have one."""
        if (number, direction) not in self._flow_numbers:
            flow = _flow(self._reassembly.connections[number])
            for way in (Direction.OUT, Direction.IN):
                self._flow_numbers[number, way] = len(self.flows)
                self._of_flow[flow] = number
                self.flows.append(flow)
                flow = flow.turned
        return self._flow_numbers[number, direction]

    def truth(self, flow: Flow) -> dict[str, Any]:
        """What TCP tells of the connection that has one of `flows`, as JSON values."""
        return _truth(self._reassembly.connections[self._of_flow[flow]])

    def description(self, flow: Flow) -> bytes:
        """The session description in the connection that has one of `flows`."""
        return self._media[self._of_flow[flow]].description

    @property
    def media_segments(self) -> int:
        """How many segments belong to connections that were read."""
        connections = self._reassembly.connections
        read = {stream.connection.number for stream in self.streams} | set(self._of_flow.values())
        return sum(connections[number].segments for number in read)

    @property
    def notes(self) -> dict[str, int]:
        """Why connections that may be media are not read, and how many they are."""
        return dict(Counter(media.note for media in self._media.values() if media.note))

    def _messages(self, run: ConnectionRun) -> Iterator[tuple[Direction, TimedMessage]]:
        number = run.connection.number
        media = self._media.get(number)
        if number in self._sip:
            self._read_sip(number, run)
        elif media is None:
            yield from self._begin(number, run)
        else:
            yield from media.add(run.run, is_from_client=run.is_from_client)

    def _begin(self, number: int, run: ConnectionRun) -> Iterator[tuple[Direction, TimedMessage]]:
        """The client speaks first; what the server says before it is kept."""
        kept = self._early.setdefault(number, [])
        kept.append(run)
        if self._on_sip and looks_like_sip(_said(kept, is_from_client=run.is_from_client)):
            self._sip[number] = {True: SipBytes(), False: SipBytes()}
            for one in self._early.pop(number):
                self._read_sip(number, one)
            return
        media = self._recognised(run.connection, kept)
        if media is None:
            said = sum(len(one.run.data) for one in kept)
            if said >= _TOO_MANY_BYTES or len(kept) > _MAX_EARLY:
                self._reassembly.drop(run.connection)
                del self._early[number]
            return
        self._media[number] = media
        for one in self._early.pop(number):
            yield from media.add(one.run, is_from_client=one.is_from_client)

    def _recognised(self, connection: TcpConnection, kept: list[ConnectionRun]) -> Media | None:
        """By what the client says; by what the server does where the client's beginning is gone."""
        sides = (True,) if connection.began_in_capture else (True, False)
        for is_client in sides:
            first = _said(kept, is_from_client=is_client)
            media = recognised(first, is_from_client=is_client)
            if media is not None:
                return media
        return None

    def _read_sip(self, number: int, run: ConnectionRun) -> None:
        assert self._on_sip is not None
        for message in self._sip[number][run.is_from_client].add(run.run):
            self._on_sip(run.run.time_ns, message)

    def _stream(self, number: int) -> TcpStream[T]:
        stream = self._streams.get(number)
        if stream is None:
            media = self._media[number]
            connection = self._reassembly.connections[number]
            stream = TcpStream(connection, media, self._make(media))
            self._streams[number] = stream
            self.streams.append(stream)
        return stream


def _said(kept: list[ConnectionRun], *, is_from_client: bool) -> bytes:
    """What one side has said so far."""
    return b"".join(one.run.data for one in kept if one.is_from_client == is_from_client)


def _truth(connection: TcpConnection) -> dict[str, Any]:
    return {
        "from_client": _fields(connection.from_client.truth),
        "from_server": _fields(connection.from_server.truth),
    }


def _flow(connection: TcpConnection) -> Flow:
    """From the client to the server."""
    ends = connection.client
    source, destination = _address(ends[0], ends[1]), _address(ends[2], ends[3])
    return Flow(source, ends[4] >> 16, destination, ends[4] & 0xFFFF)


def _address(high: int, low: int) -> Address:
    address = IPv6Address(high << 64 | low)
    return address.ipv4_mapped or address


def _fields(truth: TcpTruth) -> dict[str, Any]:
    return {
        "retransmissions": truth.retransmissions,
        "reordered": truth.reordered,
        "zero_windows": truth.zero_windows,
        "missing_bytes": truth.missing_bytes,
        "round_trip_ms": _quantiles(truth.round_trips_ms),
    }


def _quantiles(values: list[float]) -> dict[str, float] | None:
    if not values:
        return None
    names, found = ("p50", "p99", "max"), np.quantile(values, (0.5, 0.99, 1))
    return {name: round(float(value), 1) for name, value in zip(names, found, strict=True)}
