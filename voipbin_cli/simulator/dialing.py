"""The platform as the client: it connects to the bot's server, by WebSocket or by AudioSocket."""

from __future__ import annotations

import asyncio
import contextlib
import ssl as tls
import time
import uuid
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import cast
from urllib.parse import urlsplit

from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.http11 import Response
from websockets.protocol import State
from websockets.typing import Subprotocol
from websockets.uri import parse_uri

from voipbin_cli.analysis.farend.far_queue import TICK_MS, QueueRule
from voipbin_cli.analysis.farend.intake import NOTHING, IntakeEffect
from voipbin_cli.codec import audiosocket, chan_websocket
from voipbin_cli.codec.audiosocket import Kind, StreamDecoder
from voipbin_cli.codec.chan_websocket import CommandName, ControlEventName
from voipbin_cli.codec.codecs import decode
from voipbin_cli.codec.encapsulation import Encapsulation
from voipbin_cli.documents import json_object
from voipbin_cli.errors import ConnectionFailed, Refused, UsageError
from voipbin_cli.simulator.call_tap import CallTap
from voipbin_cli.simulator.caller.outcome import CallOutcome
from voipbin_cli.simulator.caller.voices import Voices
from voipbin_cli.simulator.exchange import Exchange, placed
from voipbin_cli.simulator.far_end import MediaChannel
from voipbin_cli.simulator.load import Begun, PlacedCall
from voipbin_cli.simulator.media_stream import (
    CLOSE_PATIENCE_S,
    MAX_MESSAGE_BYTES,
    MediaStream,
    MessageWire,
)
from voipbin_cli.simulator.phone import HeardFile
from voipbin_cli.simulator.rooms import Room
from voipbin_cli.simulator.scenario import Scenario
from voipbin_cli.simulator.sources import load_sound
from voipbin_cli.simulator.ticker import Ticker
from voipbin_cli.transport.network_failure import explain

CONNECT_PATIENCE_S = 10.0
WRITE_BUFFER_BYTES = 256 * 1024
# RFC 6455 7.4.1: "1000 indicates a normal closure".
_NORMAL = 1000
# chan_websocket keeps 1000 frames, says so at 900, and that there is room again at 800 (Asterisk
# 23, chan_websocket.c: QUEUE_LENGTH_MAX, QUEUE_LENGTH_XOFF_LEVEL, QUEUE_LENGTH_XON_LEVEL).
ASTERISK_QUEUE = QueueRule(20_000, flushes=False)
_MOST_MARKS = 1000
_XOFF_SAMPLES, _XON_SAMPLES = 900 * 160, 800 * 160


@dataclass(frozen=True, slots=True)
class BotAddress:
    """Where a bot's server is, and what is spoken there.

    `url` is ws://, wss:// or tcp://HOST:PORT; over TCP it is AudioSocket. `is_asterisk`: as
    Asterisk's chan_websocket, bare media beside messages of control. `is_one_way`: the bot hears
    nothing, as where the platform only plays what it gets.
    """

    url: str
    encapsulation: Encapsulation = Encapsulation.RTP
    is_asterisk: bool = False
    is_one_way: bool = False

    def __post_init__(self) -> None:
        """Raise UsageError for what cannot be dialed."""
        parts = urlsplit(self.url)
        try:
            whole = bool(parts.hostname) and (parts.scheme != "tcp" or parts.port is not None)
        except ValueError:
            whole = False
        if parts.scheme not in ("ws", "wss", "tcp") or not whole:
            raise UsageError(
                f"{self.url} is no address of a bot", hint="ws://HOST:PORT/PATH or tcp://HOST:PORT"
            )
        if self.is_tcp and self.is_asterisk:
            raise UsageError("chan_websocket speaks WebSocket", hint="ws://HOST:PORT/PATH")
        if self.is_tcp:
            object.__setattr__(self, "encapsulation", Encapsulation.AUDIOSOCKET)
        if self.is_asterisk:
            object.__setattr__(self, "encapsulation", Encapsulation.SLN)

    @property
    def is_tcp(self) -> bool:
        """Whether AudioSocket is spoken with nothing around it."""
        return self.url.startswith("tcp:")

    @property
    def host(self) -> str:
        """The name or address of the host."""
        return urlsplit(self.url).hostname or ""

    @property
    def port(self) -> int:
        """The port, or the scheme's."""
        return urlsplit(self.url).port or (443 if self.url.startswith("wss:") else 80)


class AudioSocketWire:
    """AudioSocket over TCP, as the library's protocol for WebSocket is used: frame by frame."""

    def __init__(self, call: str) -> None:
        self.parser_exc: Exception | None = None
        self.state = State.OPEN
        self._decoder = StreamDecoder()
        # The first frame says whose call it is.
        self._out = [audiosocket.build(Kind.UUID, uuid.UUID(call).bytes)]
        self._events: list[Frame] = []

    def send_binary(self, data: bytes) -> None:
        """Send a frame."""
        self._out.append(data)

    def data_to_send(self) -> list[bytes]:
        """What is to be written."""
        out, self._out = self._out, []
        return out

    def receive_data(self, data: bytes) -> None:
        """Take bytes, however they were cut: each frame is a message."""
        for frame in self._decoder.feed(data):
            message = audiosocket.build(frame.kind, frame.payload)
            self._events.append(Frame(Opcode.BINARY, message))

    def receive_eof(self) -> None:
        """The bot closed."""
        self.state = State.CLOSED

    def events_received(self) -> list[Frame]:
        """The frames that came."""
        events, self._events = self._events, []
        return events

    def send_close(self, _code: int) -> None:
        """Hang up: that is the last frame."""
        self._out += [audiosocket.build(Kind.HANGUP, b""), b""]
        self.state = State.CLOSING


class AsteriskChannel(MediaChannel):
    """The media of chan_websocket: bare samples in messages of any size, and a long queue."""

    def __init__(self, scenario: Scenario) -> None:
        super().__init__(scenario, Encapsulation.SLN, ASTERISK_QUEUE)
        self._codec = scenario.form(Encapsulation.SLN).codec

    def take_message(self, message: bytes, _now_ns: int) -> IntakeEffect:
        """Take one binary message and queue what is to be heard of it."""
        pcm = decode(self._codec, message)
        if not pcm:
            return NOTHING
        self.queue.feed(pcm)
        return IntakeEffect(pcm)


class DialedStream(MediaStream):
    """A stream that we opened: its end is told, and so are keys where there is a way to."""

    def __init__(
        self, address: BotAddress, room: Room, channel: MediaChannel, exchange: Exchange,
        ticker: Ticker,
    ) -> None:  # fmt: skip
        super().__init__(room, channel, ticker, self._over, exchange.note_violation)
        self._exchange = exchange
        self._address = address
        self._is_off = False
        self._marks: list[tuple[int, str]] = []
        if address.is_tcp:
            self.on_key = self._tell_key
        elif address.is_asterisk:
            self.on_key = self._tell_digit

    def _over(self, stream: MediaStream, reason: str) -> None:
        """The bot closed, or the call has ended: both end both."""
        self._exchange.note_end(stream, reason)
        if not self.room.is_over:
            if self.room.scripted is not None:
                self.room.scripted.end("bot")
            self._exchange.hang_up(self.room)

    def end(self, reason: str) -> None:
        """Say that it is over, and close."""
        if not self._ended:
            with contextlib.suppress(Exception):  # what is closing says no more
                self._wire.send_close(_NORMAL)
            self._write_out()
        super().end(reason)

    def _send(self, message: bytes) -> None:
        if not self._address.is_one_way:
            super()._send(message)

    # Keys

    def _tell_key(self, key: str) -> None:
        self._send(audiosocket.build(Kind.DTMF, key.encode()))

    def _tell_digit(self, key: str) -> None:
        self.say(f"{ControlEventName.DTMF_END} digit:{key} duration_ms:100")

    # Control messages of chan_websocket

    def say(self, text: str) -> None:
        """Send a message of text."""
        if self._wire.state is State.OPEN:
            cast(ClientProtocol, self._wire).send_text(text.encode())
            self._write_out()

    def introduce(self) -> None:
        """MEDIA_START is the first thing that chan_websocket says."""
        codec = self.room.scenario.form(Encapsulation.SLN).codec
        name = {codec: name for name, codec in chan_websocket.FORMATS.items()}[codec]
        self.say(
            f"{ControlEventName.MEDIA_START} connection_id:{self.room.id} "
            f"channel:WebSocket/simulated-{self.room.id[:8]} channel_id:{self.room.id} "
            f"format:{name} optimal_frame_size:{160 * codec.sample_bytes} ptime:20"
        )

    def take_text(self, text: str) -> None:
        """Do as the bot commands; elsewhere text is ignored in silence."""
        if not self._address.is_asterisk:
            return
        name, _, rest = _command(text)
        if name == CommandName.HANGUP:
            self.forget("hung up by the bot")
        elif name == CommandName.FLUSH_MEDIA:
            self._flush()
        elif name == CommandName.MARK_MEDIA:
            mark = f"{ControlEventName.MEDIA_MARK_PROCESSED} {rest}".strip()
            self._tell_once_played(mark)
        elif name == CommandName.REPORT_QUEUE_DRAINED:
            self._tell_once_played(ControlEventName.QUEUE_DRAINED)
        elif name == CommandName.GET_STATUS:
            level = self.queue.level
            frames = level.waiting // 160
            full = "true" if frames >= ASTERISK_QUEUE.capacity_ms // TICK_MS else "false"
            self.say(f"{ControlEventName.STATUS} queue_length:{frames} queue_full:{full}")

    def _tell_once_played(self, event: str) -> None:
        if len(self._marks) < _MOST_MARKS:
            self._marks.append((self.queue.level.fed, event))

    def _flush(self) -> None:
        self.queue.flush()
        self._marks.clear()
        self.room.flushed(self._ticker.clock())

    def _tick(self, now_ns: int) -> int | None:
        if self._address.is_asterisk:
            self._tell_queue()
        return super()._tick(now_ns)

    def _tell_queue(self) -> None:
        level = self.queue.level
        if not self._is_off and level.waiting >= _XOFF_SAMPLES:
            self._is_off = True
            self.say(ControlEventName.MEDIA_XOFF)
        elif self._is_off and level.waiting <= _XON_SAMPLES:
            self._is_off = False
            self.say(ControlEventName.MEDIA_XON)
        while self._marks and level.heard + level.lost >= self._marks[0][0]:
            self.say(self._marks.pop(0)[1])


def _command(text: str) -> tuple[str, str, str]:
    """Name, a space, and the rest; of JSON the same."""
    if not text.lstrip().startswith("{"):
        return text.strip().partition(" ")
    with contextlib.suppress(ValueError):
        content = json_object(text)
        return str(content.get("command", "")), " ", str(content.get("correlation_id", ""))
    return "", "", ""


class _Connection(asyncio.BufferedProtocol):
    """One connection to a bot's server; `opened` is done when messages can go.

    `begin` is called then, before anything that the bot says is taken.

    All read into one buffer: for a protocol without one asyncio asks for 256 KiB at each read,
    which costs more than the frame that comes.
    """

    _BUFFER = memoryview(bytearray(65_536))

    def __init__(self, stream: DialedStream, wire: MessageWire, begin: Callable[[], None]) -> None:
        self._stream, self._wire, self._begin = stream, wire, begin
        loop = asyncio.get_running_loop()
        self.opened: asyncio.Future[None] = loop.create_future()
        self.closed: asyncio.Future[None] = loop.create_future()
        self._transport: asyncio.Transport | None = None

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(high=WRITE_BUFFER_BYTES)
        self._stream.attach(self._transport, self._wire)
        if isinstance(self._wire, ClientProtocol):
            self._wire.send_request(self._wire.connect())
        for data in self._wire.data_to_send():
            self._transport.write(data)
        if not isinstance(self._wire, ClientProtocol):
            self._open()

    def _open(self) -> None:
        self.opened.set_result(None)
        self._begin()

    def get_buffer(self, _sizehint: int) -> memoryview:
        return self._BUFFER

    def buffer_updated(self, count: int) -> None:
        data = bytes(self._BUFFER[:count])
        if self.opened.done():
            self._stream.receive(data)
            return
        self._wire.receive_data(data)
        if isinstance(self._wire, ClientProtocol):
            self._read_answer(self._wire)

    def _read_answer(self, protocol: ClientProtocol) -> None:
        if protocol.handshake_exc is not None:
            answer = next((e for e in protocol.events_received() if isinstance(e, Response)), None)
            what = f"{answer.status_code}" if answer else str(protocol.handshake_exc)
            self.opened.set_exception(Refused(f"the bot's server refuses the upgrade: {what}"))
        elif protocol.state is State.OPEN:
            self._open()
            for event in protocol.events_received():
                if isinstance(event, Frame):  # behind the answer
                    self._stream.take_frame(event)

    def eof_received(self) -> None:
        if self.opened.done():
            self._stream.receive_eof()
            self._stream.forget("closed by the bot")

    def pause_writing(self) -> None:
        self._stream.is_writable = False

    def resume_writing(self) -> None:
        self._stream.is_writable = True

    def connection_lost(self, error: Exception | None) -> None:
        if not self.closed.done():
            self.closed.set_result(None)
        if not self.opened.done():
            self.opened.set_exception(ConnectionFailed("the bot's server closed at once"))
        elif not self.opened.cancelled() and not self.opened.exception():
            self._stream.forget(f"lost: {error}" if error else "closed by the bot")


class Dialer:
    """Places calls of one scenario to a bot's server; each is as `Simulator`'s own are.

    `heard_path`: a WAV file of what the first call's phone heard; `capture_path`: a capture of that
    call, as the bot could have made it. Use inside a running event loop.
    """

    def __init__(
        self,
        scenario: Scenario,
        address: BotAddress,
        *,
        ssl: tls.SSLContext | None = None,
        heard_path: Path | None = None,
        keeps_heard: bool = False,
        capture_path: Path | None = None,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.scenario = scenario
        self.address = address
        self._capture_path = capture_path
        self._ssl = ssl
        self._ticker = Ticker(asyncio.get_running_loop())
        voices = Voices(scenario.caller) if scenario.caller is not None else None
        self.exchange = Exchange(
            scenario,
            load_sound(scenario.source, seed=scenario.seed),
            self._ticker,
            wall,
            voices=voices,
            keeps_heard=keeps_heard,
        )
        self.exchange.on_end = self._note_end
        self._file = HeardFile(heard_path) if heard_path is not None else None
        self._heard = self._file
        self._connections: weakref.WeakSet[_Connection] = weakref.WeakSet()
        self._over: dict[Room, asyncio.Future[None]] = {}

    async def call(self) -> CallOutcome | None:
        """Place one call and go through it to its end; None where no script is followed.

        Raises:
            ConnectionFailed: nobody is there.
            Refused: the server answered, and the answer is no.
        """
        room = await self._go_through(lambda _: None)
        return room.scripted.outcome() if room.scripted is not None else None

    async def place(self, begun: Begun) -> PlacedCall:
        """Go through one call of a load, as `call` does; `begun(hang_up)` when it is up."""
        return placed(await self._go_through(begun))

    async def _go_through(self, begun: Begun) -> Room:
        room = self.exchange.add_call()
        room.heard, self._heard = self._heard, None
        if self._capture_path is not None:
            room.tap = CallTap(self._capture_path, f"sim:{self.scenario.name}", self._ticker.clock)
            self._capture_path = None
        self._over[room] = asyncio.get_running_loop().create_future()
        try:
            connection = await self._connect(room)
            begun(partial(self.exchange.hang_up, room))
            await self._over[room]
            # What was said last is read before anything is cut.
            await asyncio.wait([connection.closed], timeout=CLOSE_PATIENCE_S)
        finally:
            if room.tap is not None:
                room.tap.close()
            del self._over[room]
            self.exchange.remove_call(room)
        return room

    def _note_end(self, room: Room) -> None:
        if (over := self._over.get(room)) is not None and not over.done():
            over.set_result(None)

    async def _connect(self, room: Room) -> _Connection:
        address = self.address
        channel = (
            AsteriskChannel(self.scenario)
            if address.is_asterisk
            else MediaChannel(self.scenario, address.encapsulation, room.queue_rule)
        )
        stream = DialedStream(address, room, channel, self.exchange, self._ticker)
        connection = _Connection(stream, self._wire(room), partial(self._begin, stream))
        self._connections.add(connection)
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(CONNECT_PATIENCE_S):
                await loop.create_connection(
                    lambda: connection, address.host, address.port, ssl=self._context()
                )
                await connection.opened
        except OSError as error:
            connection.abort()
            raise _unreached(error, f"{address.host}:{address.port}") from None
        return connection

    def _begin(self, stream: DialedStream) -> None:
        if self.address.is_asterisk:
            stream.introduce()
        self.exchange.join(stream, self.address.encapsulation)

    def _wire(self, room: Room) -> MessageWire:
        if self.address.is_tcp:
            return AudioSocketWire(room.id)
        offered = [Subprotocol(chan_websocket.SUBPROTOCOL)] if self.address.is_asterisk else None
        address = parse_uri(self.address.url)
        return ClientProtocol(address, subprotocols=offered, max_size=MAX_MESSAGE_BYTES)

    def _context(self) -> tls.SSLContext | None:
        if not self.address.url.startswith("wss:"):
            return None
        return self._ssl or tls.create_default_context()

    def hang_up_all(self) -> None:
        """End every call."""
        for room in tuple(self._over):
            self.exchange.hang_up(room)

    def close(self) -> None:
        """Cut every connection, finish the file, and run nothing any more."""
        self._ticker.close()
        for connection in self._connections:
            connection.abort()
        if self._file is not None:
            self._file.close()


def _unreached(error: OSError, where: str) -> ConnectionFailed:
    if isinstance(error, TimeoutError):
        return ConnectionFailed(
            f"no answer from {where} within {CONNECT_PATIENCE_S:g} s",
            hint="is the bot's server running, and does it speak what it is called in?",
        )
    return explain(error, where)
