"""What media a TCP connection carries, and its messages: a row a protocol.

A WebSocket of the platform (RFC 6455), AudioSocket, RTP in frames (RFC 4571), RTP between RTSP
messages (RFC 7826 14). What it is follows from the first bytes that the client sends, or, in a
connection that had begun before the capture did, from what its bytes would mean.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterator
from typing import Protocol
from urllib.parse import parse_qs, urlsplit

from voipbin_cli.analysis.messages import TimedMessage
from voipbin_cli.capture.tcp import Run
from voipbin_cli.capture.websocket_bytes import WebSocketBytes, looks_like_a_frame
from voipbin_cli.codec.audiosocket import HEADER_BYTES, Kind, StreamDecoder, build
from voipbin_cli.codec.encapsulation import Direction, Encapsulation
from voipbin_cli.codec.examination import is_audio
from voipbin_cli.codec.framing import LEAST_MESSAGES, find_framing
from voipbin_cli.offline.streams import follows
from voipbin_cli.text import printable
from voipbin_cli.transport.secret_masking import bare_url

ENOUGH_BYTES = 8
"""With fewer it is not told what a connection carries."""
_RTP_VERSION = 2
_MAX_RTP_BYTES = 4096
_MOST_WAITING = 16
_MAX_DESCRIPTION_BYTES = 1 << 14
# `$`, a channel (some players count far up), a length, and RTP or RTCP of version 2.
_INTERLEAVED = re.compile(rb"\$[\0-\x1f]..[\x80-\xbf]", re.DOTALL)
_RTSP = re.compile(rb"(?:OPTIONS|DESCRIBE|ANNOUNCE|SETUP) rtsp|RTSP/\d")
TLS = "encrypted by TLS (wss)"
_TLS_HANDSHAKE = b"\x16\x03"
_SUBPROTOCOL = re.compile(rb"^sec-websocket-protocol:\s*media\b", re.IGNORECASE | re.MULTILINE)
_UPGRADE = re.compile(rb"^upgrade:\s*websocket", re.IGNORECASE | re.MULTILINE)
# The path of a stream, as the platform's API has it.
_OF_PLATFORM = re.compile(rb"^GET \S*/media_stream[ ?]")
_COMPRESSION = re.compile(
    rb"^sec-websocket-extensions:.*permessage-deflate", re.IGNORECASE | re.MULTILINE
)
_AGREED = re.compile(rb"^sec-websocket-protocol:[ \t]*([\w.-]+)", re.IGNORECASE | re.MULTILINE)
_HOST = re.compile(rb"^host:[ \t]*([\w.:\[\]-]{1,255})", re.IGNORECASE | re.MULTILINE)


class Media(Protocol):
    """The media of one connection."""

    encapsulation: Encapsulation
    is_of_phones: bool
    """RTP as phones speak it, in whatever codec, and no stream of the platform: neither side is
    ours, and what it yields is IN where the server sends."""
    target: str | None
    """The URL that the client asked for, without secrets; None where there is none."""
    note: str
    """What keeps it from being read; nothing where it is read."""

    description: bytes
    """The session description among its messages, as far as it came; empty where there is none."""

    def add(self, run: Run, *, is_from_client: bool) -> Iterator[tuple[Direction, TimedMessage]]:
        """Add bytes of one direction; yield the messages that they complete."""


class _WebSocket:
    """A stream of the platform; `received_from_client` where its server is a program of ours.

    Where no request tells the encapsulation, the first messages do; they wait until then. Of a
    request for something else they also tell that they are none.
    """

    is_of_phones = False
    description = b""

    def __init__(self) -> None:
        self.encapsulation: Encapsulation = Encapsulation.SLN
        self.target: str | None = None
        self.note = ""
        self._is_named = False
        self._wants_upgrade = True
        self._may_be_else = False
        self._is_received_from_client = False
        self._sides = {True: WebSocketBytes(), False: WebSocketBytes()}
        self._waiting: list[tuple[Direction, TimedMessage]] = []

    def add(self, run: Run, *, is_from_client: bool) -> Iterator[tuple[Direction, TimedMessage]]:
        side = self._sides[is_from_client]
        is_new = side.head is None
        if is_new and looks_like_a_frame(run.data, is_masked=is_from_client):
            side.head = b""  # the connection had begun before the capture did
        found = list(side.add(run.time_ns, run.data, is_after_gap=run.is_after_gap))
        if is_new and side.head:
            (self._read_request if is_from_client else self._read_answer)(side.head)
        is_received = is_from_client == self._is_received_from_client
        direction = Direction.IN if is_received else Direction.OUT
        messages = [one for one in found if not one.is_close and not self.note]
        self._waiting += [(direction, TimedMessage(one.data, one.time_ns)) for one in messages]
        if self._is_named or self._is_named_by_messages():
            yield from self._waiting
            self._waiting.clear()

    def _read_request(self, head: bytes) -> None:
        self._wants_upgrade = bool(_UPGRADE.search(head))
        self._is_received_from_client = bool(_SUBPROTOCOL.search(head))
        path = head.split(b" ", 2)[1].decode("latin-1")
        host = _HOST.search(head)
        self.target = printable(bare_url(f"ws://{host[1].decode() if host else ''}{path}"))
        named = parse_qs(urlsplit(path).query).get("encapsulation", [""])[0]
        known = {encapsulation.value: encapsulation for encapsulation in Encapsulation}
        self._is_named = named in known or self._is_received_from_client
        self._may_be_else = not _OF_PLATFORM.search(head)
        # chan_websocket has no name for what it sends: bare samples.
        self.encapsulation = known.get(named, Encapsulation.SLN)

    def _read_answer(self, head: bytes) -> None:
        status = head.split(b"\r\n", 1)[0].decode("latin-1")
        if " 101" not in status and self._wants_upgrade:
            self.note = f"the upgrade was answered by {printable(status, 40)}"
        elif _COMPRESSION.search(head):
            self.note = "its messages are compressed (permessage-deflate)"
        elif (agreed := _AGREED.search(head)) and agreed[1].lower() != b"media":
            self.note = f"a WebSocket of {printable(agreed[1].decode(), 60)}"

    def _is_named_by_messages(self) -> bool:
        received = [m.data for way, m in self._waiting if way is Direction.IN]
        binary = [data for data in received if isinstance(data, bytes)]
        if len(binary) < LEAST_MESSAGES:
            return False
        framing = find_framing(Encapsulation.SLN, binary)
        self.encapsulation = (framing and framing.found) or Encapsulation.SLN
        self._is_named = True
        if self._may_be_else and framing is None and not is_audio(binary):
            self.note = "a WebSocket of something else: no media in its first messages"
            self._waiting.clear()
        return True


class _AudioSocket:
    """Asterisk connects, and says who it is in its first frame."""

    encapsulation = Encapsulation.AUDIOSOCKET
    is_of_phones = False
    target: str | None = None
    note = ""
    description = b""

    def __init__(self) -> None:
        self._decoders = {True: StreamDecoder(), False: StreamDecoder()}

    def add(self, run: Run, *, is_from_client: bool) -> Iterator[tuple[Direction, TimedMessage]]:
        if run.is_after_gap:
            self._decoders[is_from_client] = StreamDecoder()
        direction = Direction.IN if is_from_client else Direction.OUT
        for frame in self._decoders[is_from_client].feed(run.data):
            # The connection's own frame is no media.
            if frame.kind != Kind.UUID:
                yield direction, TimedMessage(build(frame.kind, frame.payload), run.time_ns)


class _FramedRtp:
    """RFC 4571 2: each packet behind its length in two bytes.

    So is a message of DNS (RFC 1035 4.2.2): packets wait until one follows another.
    """

    encapsulation = Encapsulation.RTP
    is_of_phones = True
    target: str | None = None
    note = ""
    description = b""

    def __init__(self) -> None:
        self._held = {True: b"", False: b""}
        self._waiting: deque[tuple[Direction, bytes, int]] = deque(maxlen=_MOST_WAITING)
        self._is_rtp = False

    def add(self, run: Run, *, is_from_client: bool) -> Iterator[tuple[Direction, TimedMessage]]:
        direction = Direction.OUT if is_from_client else Direction.IN
        for packet in self._packets(run, is_from_client=is_from_client):
            self._is_rtp = self._is_rtp or self._goes_on(direction, packet)
            self._waiting.append((direction, packet, run.time_ns))
            while self._is_rtp and self._waiting:
                way, waited, time_ns = self._waiting.popleft()
                yield way, TimedMessage(waited, time_ns)

    def _goes_on(self, direction: Direction, packet: bytes) -> bool:
        """Whether it follows one that waits, of its source."""
        waiting = (one for way, one, _ in self._waiting if way is direction)
        return any(one[8:12] == packet[8:12] and follows(one, packet) for one in waiting)

    def _packets(self, run: Run, *, is_from_client: bool) -> Iterator[bytes]:
        held = run.data if run.is_after_gap else self._held[is_from_client] + run.data
        while len(held) >= 2 and len(held) >= (end := 2 + int.from_bytes(held[:2], "big")):
            packet, held = held[2:end], held[end:]
            if _is_rtp(packet):
                yield packet
        self._held[is_from_client] = held


class _InterleavedRtp:
    """RFC 7826 14: `$`, a channel, a length, a packet; even channels are RTP by custom.

    Between them stand the messages of RTSP, which end with an empty line and may have a body: the
    server describes its media in that which answers DESCRIBE.
    """

    encapsulation = Encapsulation.RTP
    is_of_phones = True
    target: str | None = None
    note = ""

    def __init__(self) -> None:
        self._held = {True: b"", False: b""}
        self.description = b""

    def add(self, run: Run, *, is_from_client: bool) -> Iterator[tuple[Direction, TimedMessage]]:
        held = run.data if run.is_after_gap else self._held[is_from_client] + run.data
        direction = Direction.OUT if is_from_client else Direction.IN
        while held:
            if held[0] != ord("$"):
                if b"\r\nm=" in held:
                    self.description = held[:_MAX_DESCRIPTION_BYTES]
                packet_begins = _INTERLEAVED.search(held)
                if packet_begins is None:
                    break
                held = held[packet_begins.start() :]
            if len(held) < 4 or len(held) < (end := 4 + int.from_bytes(held[2:4], "big")):
                break
            channel, packet, held = held[1], held[4:end], held[end:]
            if channel % 2 == 0 and _is_rtp(packet):
                yield direction, TimedMessage(packet, run.time_ns)
        self._held[is_from_client] = held[-_MAX_RTP_BYTES * 16 :]


class _Unread:
    """Media it may be, but nothing here can read it; `note` says why."""

    encapsulation = Encapsulation.RTP
    is_of_phones = True
    target: str | None = None
    description = b""

    def __init__(self, note: str) -> None:
        self.note = note

    def add(self, run: Run, *, is_from_client: bool) -> Iterator[tuple[Direction, TimedMessage]]:
        return iter(())


def _is_rtp(packet: bytes) -> bool:
    return len(packet) >= 12 and packet[0] >> 6 == _RTP_VERSION and not 192 <= packet[1] <= 223


def _is_framed_rtp(data: bytes) -> bool:
    size = int.from_bytes(data[:2], "big")
    return 12 <= size <= _MAX_RTP_BYTES and data[2] >> 6 == _RTP_VERSION


def _is_rtsp(data: bytes) -> bool:
    return bool(_RTSP.match(data) or _INTERLEAVED.match(data))


def _is_audiosocket(data: bytes) -> bool:
    return data[0] == Kind.UUID and data[1:HEADER_BYTES] == b"\0\x10"


def _begins_a_websocket(data: bytes) -> bool:
    return data.startswith(b"GET ") or looks_like_a_frame(data, is_masked=True)


def _answers_a_websocket(data: bytes) -> bool:
    return data.startswith(b"HTTP/1.1 101") or looks_like_a_frame(data, is_masked=False)


_OF_CLIENT: tuple[tuple[Callable[[bytes], bool], Callable[[], Media]], ...] = (
    (_begins_a_websocket, _WebSocket),
    (_is_audiosocket, _AudioSocket),
    (_is_rtsp, _InterleavedRtp),
    (_is_framed_rtp, _FramedRtp),
    (lambda data: data.startswith(_TLS_HANDSHAKE), lambda: _Unread(TLS)),
)
_OF_SERVER = (
    (_answers_a_websocket, _WebSocket),
    (_is_rtsp, _InterleavedRtp),
    (_is_framed_rtp, _FramedRtp),
)


def recognised(first: bytes, *, is_from_client: bool) -> Media | None:
    """The media of a connection in which one side begins with these bytes; None where none is.

    The client tells more; the server alone does where the capture began too late.
    """
    if len(first) < ENOUGH_BYTES:
        return None
    rows = _OF_CLIENT if is_from_client else _OF_SERVER
    return next((make() for looks_so, make in rows if looks_so(first)), None)
