"""Write a pcapng capture (draft-ietf-opsawg-pcapng) of every message, readable at any instant."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

from voipbin_cli.capture import sip
from voipbin_cli.capture.captured import CaptureMeta
from voipbin_cli.capture.datagrams import (
    EVENT_PREFIX,
    FAR,
    HEADERS_BYTES,
    LOG,
    MAX_PAYLOAD_BYTES,
    NEAR,
    PART_COMMENT,
    SENDER_PORT,
    FlowHeaders,
    Port,
    channel,
    sender_port,
)
from voipbin_cli.capture.pcapng_format import (
    BYTE_ORDER_MAGIC,
    ENHANCED_PACKET,
    EPB_FLAGS,
    IF_NAME,
    IF_TSRESOL,
    INTERFACE,
    OPT_COMMENT,
    OPT_END,
    SECTION_HEADER,
    SHB_USERAPPL,
)
from voipbin_cli.capture.records import DIRECTION_CODES
from voipbin_cli.codec.encapsulation import Direction, Encapsulation

LINKTYPE_ETHERNET = 1
SNAPLEN_BYTES = 262_144

_EPB = struct.Struct("<IIIIIII")
# RFC 3550 5.1: flags, marker and payload type, sequence number, timestamp, SSRC.
_RTP = struct.Struct(">BBHII")
_HOLD_AT_MOST = 32


class ByteSink(Protocol):
    """Where the capture goes; each write is given whole blocks."""

    def write(self, data: bytes, /) -> object:
        """Append."""

    def close(self) -> None:
        """Finish."""


class _FirstPacket(NamedTuple):
    time_ns: int
    payload_type: int
    sequence_number: int
    timestamp: int
    payload_bytes: int


class PcapngWriter:
    """Every message of a stream as a UDP packet, events as syslog, times in nanoseconds.

    Each block goes to `sink` whole and at once, but for the start of an RTP stream: Wireshark
    has to read what a payload type means before the first packet that has it, and what the
    timestamp counts shows in the second packet. So the first one is held until the second comes
    (at most 32 blocks, and once). `describe_media` says it better as soon as the dialect is known.
    """

    def __init__(self, sink: ByteSink, meta: CaptureMeta) -> None:
        self._sink = sink
        self._is_rtp = meta.encapsulation is Encapsulation.RTP
        self._binary_port = Port.RTP if self._is_rtp else Port.BINARY
        self._channels: dict[tuple[Port, int], dict[Direction, FlowHeaders]] = {}
        self._events = channel(NEAR, SENDER_PORT, LOG, Port.EVENT)
        self._sip = {
            Direction.IN: channel(FAR, Port.SIP, NEAR, Port.SIP),
            Direction.OUT: channel(NEAR, Port.SIP, FAR, Port.SIP),
        }
        self._sip_sequence = 0
        self._described: dict[Direction, tuple[int, str, int]] = {}
        self._first: dict[Direction, _FirstPacket] = {}
        self._held: list[bytes] = []
        self._waiting: set[Direction] = set()
        self._waited: set[Direction] = set()
        self._closed = False
        sink.write(_section_header(meta) + _interface())

    def message(
        self, time_ns: int, direction: Direction, data: bytes | str, client: int = 0
    ) -> None:
        """Add one WebSocket message; `time_ns` is Unix time in nanoseconds.

        `client` is the number of the proxy's client whose message it is.
        """
        if isinstance(data, str):
            text = data.encode("utf-8", "surrogatepass")
            self._datagrams(time_ns, self._flow(Port.TEXT, client, direction), direction, text)
            return
        if self._is_rtp and direction not in self._described:
            self._look_at(time_ns, direction, data)
        self._datagrams(time_ns, self._flow(self._binary_port, client, direction), direction, data)

    def _flow(self, port: Port, client: int, direction: Direction) -> FlowHeaders:
        found = self._channels.get((port, client))
        if found is None:
            found = self._channels[port, client] = _channels(port, client)
        return found[direction]

    def event(self, time_ns: int, name: str, fields: Mapping[str, Any]) -> None:
        """Add what no message tells (`EventName`); `fields` holds JSON values."""
        if "event" in fields:
            raise ValueError("an event field may not be called 'event'")
        words = json.dumps({"event": name, **fields}, separators=(",", ":"), default=str)
        self._datagrams(time_ns, self._events, Direction.OUT, EVENT_PREFIX + words.encode())

    def describe_media(
        self, time_ns: int, direction: Direction, *, payload_type: int, codec: str, clock_hz: int
    ) -> None:
        """Tell Wireshark what RTP carries from here on; does nothing when it was told the same.

        Args:
            time_ns: Unix time.
            direction: what is received (IN) or sent (OUT).
            payload_type: 0–127.
            codec: mulaw, alaw, s16le or s16be.
            clock_hz: how many units the timestamp counts a second.
        """
        media = (payload_type, codec, clock_hz)
        if not self._is_rtp or self._described.get(direction) == media:
            return
        self._described[direction] = media
        first = self._first.pop(direction, None)
        if first is None or direction not in self._waiting:
            self._held += self._sip_blocks(time_ns, direction, media)
        else:
            self._held[:0] = self._sip_blocks(first.time_ns, direction, media)
        self._waiting.discard(direction)
        if not self._waiting:
            self._release()

    def close(self) -> None:
        """Write what is held and close the sink. Twice is no error."""
        if self._closed:
            return
        self._closed = True
        try:
            self._release()
        finally:
            self._sink.close()

    def _look_at(self, time_ns: int, direction: Direction, data: bytes) -> None:
        """Hold the first RTP packet of a direction; describe it when the second has come."""
        if len(data) < _RTP.size or data[0] >> 6 != 2:
            return
        _, second, sequence_number, timestamp, _ = _RTP.unpack_from(data)
        payload_type, payload_bytes = second & 0x7F, len(data) - _RTP.size
        first = self._first.get(direction)
        if first is None or first.payload_type != payload_type:
            self._first[direction] = _FirstPacket(
                time_ns, payload_type, sequence_number, timestamp, payload_bytes
            )
            if direction not in self._waited:
                self._waiting.add(direction)
            return
        packets = (sequence_number - first.sequence_number) & 0xFFFF or 1
        step = ((timestamp - first.timestamp) & 0xFFFFFFFF) // packets
        codec, clock_hz = _plainest_reading(first.payload_bytes, step)
        self.describe_media(
            time_ns, direction, payload_type=payload_type, codec=codec, clock_hz=clock_hz
        )

    def _sip_blocks(
        self, time_ns: int, direction: Direction, media: tuple[int, str, int]
    ) -> list[bytes]:
        if direction is Direction.OUT:
            text = sip.ack(max(1, self._sip_sequence), *media)
            return [_packet(time_ns, self._sip[Direction.IN], Direction.IN, text)]
        self._sip_sequence += 1
        invite = sip.invite(self._sip_sequence)
        ok = sip.ok(self._sip_sequence, *media)
        return [
            _packet(time_ns, self._sip[Direction.IN], Direction.IN, invite),
            _packet(time_ns, self._sip[Direction.OUT], Direction.OUT, ok),
        ]

    def _datagrams(
        self, time_ns: int, flow: FlowHeaders, direction: Direction, data: bytes
    ) -> None:
        if len(data) <= MAX_PAYLOAD_BYTES:
            self._put(_packet(time_ns, flow, direction, data))
            return
        starts = range(0, len(data), MAX_PAYLOAD_BYTES)
        for number, at in enumerate(starts, 1):
            part = data[at : at + MAX_PAYLOAD_BYTES]
            comment = PART_COMMENT.format(number, len(starts))
            self._put(_packet(time_ns, flow, direction, part, comment))

    def _put(self, block: bytes) -> None:
        if not self._waiting:
            self._sink.write(block)
            return
        self._held.append(block)
        if len(self._held) >= _HOLD_AT_MOST:
            self._waited |= self._waiting
            self._release()

    def _release(self) -> None:
        self._waiting.clear()
        held, self._held = self._held, []
        for block in held:
            self._sink.write(block)


def _channels(port: Port, client: int) -> dict[Direction, FlowHeaders]:
    sender = sender_port(client)
    return {
        Direction.IN: channel(FAR, sender, NEAR, port),
        Direction.OUT: channel(NEAR, sender, FAR, port),
    }


def _plainest_reading(payload_bytes: int, timestamp_step: int) -> tuple[str, int]:
    """Codec and clock by size and step alone: 20 ms are 160 bytes of G.711, 320 of linear."""
    codec = "s16le" if payload_bytes >= 320 else "mulaw"
    counts_bytes = codec == "s16le" and timestamp_step == payload_bytes
    return codec, 16000 if counts_bytes else 8000


def _option(code: int, value: bytes) -> bytes:
    # Options: code and length, then the value, filled up to 32 bits.
    return struct.pack("<HH", code, len(value)) + value + bytes(-len(value) % 4)


_END_OF_OPTIONS = struct.pack("<HH", OPT_END, 0)
_PADDING = tuple(bytes(-n % 4) for n in range(4))
_DIRECTION_OPTIONS = {
    direction: _option(EPB_FLAGS, struct.pack("<I", code)) + _END_OF_OPTIONS
    for direction, code in DIRECTION_CODES.items()
}


def _block(kind: int, body: bytes) -> bytes:
    # General Block Structure: type, total length, body, total length once more.
    size = struct.pack("<I", 12 + len(body))
    return struct.pack("<I", kind) + size + body + size


def _section_header(meta: CaptureMeta) -> bytes:
    told = {
        "encapsulation": meta.encapsulation,
        "target": meta.target,
        "version": meta.version,
        **meta.fields,
    }
    comment = json.dumps({"voipbin": told}, default=str).encode()
    # Section Header Block: version 1.0, and a length of -1, as it is not known yet.
    return _block(
        SECTION_HEADER,
        struct.pack("<IHHq", BYTE_ORDER_MAGIC, 1, 0, -1)
        + _option(SHB_USERAPPL, f"voipbin {meta.version}".encode())
        + _option(OPT_COMMENT, comment)
        + _END_OF_OPTIONS,
    )


def _interface() -> bytes:
    # Interface Description Block: link type, two reserved bytes, snapshot length.
    return _block(
        INTERFACE,
        struct.pack("<HHI", LINKTYPE_ETHERNET, 0, SNAPLEN_BYTES)
        + _option(IF_NAME, b"voipbin")
        + _option(IF_TSRESOL, b"\x09")  # 10 to the power of -9 seconds
        + _END_OF_OPTIONS,
    )


def _packet(
    time_ns: int, flow: FlowHeaders, direction: Direction, payload: bytes, comment: str = ""
) -> bytes:
    captured = HEADERS_BYTES + len(payload)
    options = _DIRECTION_OPTIONS[direction]
    if comment:
        options = _option(OPT_COMMENT, comment.encode()) + options
    padding = _PADDING[captured & 3]
    total = 32 + captured + len(padding) + len(options)
    # Enhanced Packet Block: interface 0, the time in two words, captured and original length.
    start = _EPB.pack(
        ENHANCED_PACKET, total, 0, time_ns >> 32, time_ns & 0xFFFFFFFF, captured, captured
    )
    size = total.to_bytes(4, "little")
    return b"".join((start, flow.headers(payload), payload, padding, options, size))
