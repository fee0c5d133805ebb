"""From the packets of our own captures back to the messages and events they stand for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from voipbin_cli.capture.captured import EVENT_SHAPES, CapturedEvent, CapturedMessage
from voipbin_cli.capture.columns import Codes, Integers
from voipbin_cli.capture.datagrams import (
    EVENT_PREFIX,
    FAR,
    LOG,
    NEAR,
    PART_COMMENT,
    Port,
    client_of,
)
from voipbin_cli.capture.packets import Address, Flow, PacketChunk
from voipbin_cli.capture.records import DIRECTION_CODES, DIRECTIONS
from voipbin_cli.codec.encapsulation import Direction
from voipbin_cli.documents import json_object, of_shape

Record = CapturedMessage | CapturedEvent

MAX_MESSAGE_BYTES = 16 << 20
_PART = re.compile(PART_COMMENT.format(r"(\d{1,4})", r"(\d{1,4})"))

_IN, _OUT = DIRECTION_CODES[Direction.IN], DIRECTION_CODES[Direction.OUT]
_NOT_OURS = 0
_ENDS: Mapping[tuple[Address, Address], int] = {
    (FAR, NEAR): _IN,
    (NEAR, FAR): _OUT,
    (NEAR, LOG): _OUT,
}


@dataclass(frozen=True, slots=True)
class MessageChunk:
    """Binary messages as columns, and all else as values, in file order.

    A message is `data[offset : offset + length_bytes]`, and was `wire_bytes` long where the capture
    was cut; `direction` holds `DIRECTION_CODES`; `client` numbers the clients of a proxy;
    `position` says where in the piece it stood.
    `others` are text messages, messages too long for one packet, and events, each with its
    position.
    """

    data: bytes
    position: Integers
    time_ns: Integers
    direction: Codes
    client: Integers
    offset: Integers
    length_bytes: Integers
    wire_bytes: Integers
    others: list[tuple[int, Record]]


class MessageReader:
    """Messages and events out of packets. Damaged events are counted and left out."""

    def __init__(self, packets: Iterable[PacketChunk], flows: list[Flow]) -> None:
        self._packets = packets
        self._flows = flows
        self._ports: list[int] = []
        self._directions: list[int] = []
        self._clients: list[int] = []
        self._parts = bytearray()
        self.damaged_events = 0

    def chunks(self) -> Iterator[MessageChunk]:
        """Piece by piece, in file order; to be asked once."""
        for chunk in self._packets:
            self._classify_new_flows()
            port = np.array(self._ports)[chunk.flow]
            direction = np.array(self._directions, np.int8)[chunk.flow]
            ours = direction != _NOT_OURS
            plain = ((port == Port.RTP) | (port == Port.BINARY)) & ours
            if chunk.comments:
                plain[list(chunk.comments)] = False
            position = np.flatnonzero(plain)
            rest = np.flatnonzero(~plain & ours).tolist()
            yield MessageChunk(
                data=chunk.data,
                position=position,
                time_ns=chunk.time_ns[position],
                direction=direction[position],
                client=np.array(self._clients, np.int64)[chunk.flow[position]],
                offset=chunk.offset[position],
                length_bytes=chunk.length_bytes[position],
                wire_bytes=chunk.wire_bytes[position],
                others=[(n, record) for n in rest for record in self._other(chunk, n)],
            )

    def _classify_new_flows(self) -> None:
        for flow in self._flows[len(self._ports) :]:
            self._ports.append(flow.destination_port)
            ends = flow.source, flow.destination
            self._directions.append(_ENDS.get(ends, _NOT_OURS))
            self._clients.append(client_of(flow.source_port))

    def _other(self, chunk: PacketChunk, n: int) -> Iterator[Record]:
        """The record of a packet that is no plain binary message; none for SIP or a part."""
        flow, at = int(chunk.flow[n]), int(chunk.offset[n])
        port, direction = self._ports[flow], DIRECTIONS[self._directions[flow]]
        data: bytes | None = chunk.data[at : at + int(chunk.length_bytes[n])]
        if n in chunk.comments:
            data = self._joined(chunk.comments[n], data or b"")
        if data is None:
            return
        time_ns, client = int(chunk.time_ns[n]), self._clients[flow]
        if port in (Port.RTP, Port.BINARY):
            yield CapturedMessage(time_ns, direction, data, client)
        elif port == Port.TEXT:
            yield CapturedMessage(time_ns, direction, _text(data), client)
        elif port == Port.EVENT:
            yield from self._event(time_ns, data)

    def _joined(self, comment: str, data: bytes) -> bytes | None:
        """The whole message with its last part, None before; any other comment changes nothing."""
        part = _PART.search(comment)
        if part is None:
            return data
        if part[1] == "1":
            self._parts.clear()
        self._parts += data
        if part[1] != part[2] and len(self._parts) <= MAX_MESSAGE_BYTES:
            return None
        whole = bytes(self._parts)
        self._parts.clear()
        return whole

    def _event(self, time_ns: int, data: bytes) -> Iterator[CapturedEvent]:
        fields = json_object(data.removeprefix(EVENT_PREFIX))
        name = fields.pop("event", None)
        if isinstance(name, str):
            yield CapturedEvent(time_ns, name, of_shape(fields, EVENT_SHAPES))
        else:
            self.damaged_events += 1


def _text(data: bytes) -> str:
    try:
        return data.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return data.decode("utf-8", "replace")
