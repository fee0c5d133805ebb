"""One media stream over one WebSocket connection (RFC 6455), by the library's sans-I/O protocol."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any, Protocol

from websockets.exceptions import PayloadTooBig
from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.protocol import State
from websockets.server import ServerProtocol

from voipbin_cli.analysis.farend.far_queue import FarQueue
from voipbin_cli.analysis.farend.intake import SPLIT_PATIENCE_NS, IntakeEffect
from voipbin_cli.codec.codecs import FRAME_NS
from voipbin_cli.simulator.far_end import MediaChannel
from voipbin_cli.simulator.http import Response
from voipbin_cli.simulator.rooms import Room
from voipbin_cli.simulator.schedule import Slot
from voipbin_cli.simulator.ticker import Ticker

# The largest payload that the platform survives is 65,535 bytes; twice that is read, to see how
# much too long it is, and not a byte more.
MAX_MESSAGE_BYTES = 2**17
CLOSE_PATIENCE_S = 1.0
# A frame that is held back longer than this holds back what is written after it, as TCP does.
_HELD_NS = 3 * FRAME_NS
_MAX_HELD_PONGS = 100


class MessageWire(Protocol):
    """Bytes of a connection as messages, without I/O: what is used of the library's protocol."""

    parser_exc: Exception | None

    @property
    def state(self) -> State:
        """Whether messages can go out."""

    def send_binary(self, data: bytes) -> None:
        """Put a message into what is to be sent."""

    def data_to_send(self) -> list[bytes]:
        """What is to be written; an empty piece is the end of our direction."""

    def receive_data(self, data: bytes) -> None:
        """Take bytes that came."""

    def receive_eof(self) -> None:
        """Nothing more will come."""

    def events_received(self) -> list[Any]:
        """The frames that came."""

    def send_close(self, code: int, /) -> None:
        """Say that it is over."""


class MediaStream:
    """Sends its schedule's frames when they are due, takes what the client sends, and ends.

    Like the platform it sends no ping and no close frame of its own, and ignores text.
    `on_key` is None where keys are pressed in the sound alone.
    `schedule` is None where nothing ever comes; `channel` is None where all that is sent is
    dropped. `on_end(stream, reason)` is called once.
    """

    def __init__(
        self,
        room: Room,
        channel: MediaChannel | None,
        ticker: Ticker,
        on_end: Callable[[MediaStream, str], None],
        on_violation: Callable[[str], None],
    ) -> None:
        self.room = room
        self.channel = channel
        self.queue = channel.queue if channel is not None else FarQueue(room.queue_rule)
        self.sent = 0
        self.received = 0
        self.dropped = 0
        self.is_writable = True
        self._ticker = ticker
        self._on_end = on_end
        self._on_violation = on_violation
        self._on_first: Callable[[], None] | None = None
        self._schedule: Iterator[Slot] | None = None
        self._next: Slot | None = None
        self._parts: list[bytes] | None = None
        self._ended = False
        self._dead = False
        self._is_shut = False
        self._held_pongs = 0
        self.on_key: Callable[[str], None] | None = None
        self._transport: asyncio.Transport
        self._wire: MessageWire

    def attach(self, transport: asyncio.Transport, wire: MessageWire) -> None:
        """Use a connection."""
        self._transport, self._wire = transport, wire

    def accept(self, transport: asyncio.Transport, head: bytes) -> bool:
        """Answer the upgrade; False when it was none and the refusal has been written."""
        protocol = ServerProtocol(max_size=MAX_MESSAGE_BYTES)
        self.attach(transport, protocol)
        protocol.receive_data(head)
        events = protocol.events_received()
        # RFC 6455: the library checks the client's handshake (4.2.1) and makes the answer (4.2.2).
        for request in events:
            assert isinstance(request, Request)
            protocol.send_response(protocol.accept(request))
        if not events:
            transport.write(Response(400).serialize())
        self._write_out()
        return self._wire.state is State.OPEN

    def start(self, schedule: Iterator[Slot]) -> None:
        """Send from now on what `schedule` has due on the room's clock."""
        self._schedule = schedule
        self._next = next(schedule)
        self._ticker.add_job(self._due_ns(), self._tick)

    def start_on_first(self, start: Callable[[], None]) -> None:
        """Call `start` when the first audio has been taken from the client."""
        self._on_first = start

    def _due_ns(self) -> int:
        assert self._next is not None
        assert self.room.started_ns is not None
        return self.room.started_ns + self._next.due_ns

    def _tick(self, now_ns: int) -> int | None:
        """Send all that is due; the next deadline, or None when the stream is over."""
        assert self._schedule is not None
        if self._wire.state is not State.OPEN or self._ended:
            return None
        due_ns = self._due_ns()
        while due_ns <= now_ns:
            assert self._next is not None
            self._send(self._next.body)
            if self.room.scripted is not None:
                self.room.scripted.note_sent(now_ns - due_ns)
            self._next = next(self._schedule)
            due_ns = self._due_ns()
        return due_ns

    def _send(self, message: bytes) -> None:
        """Send a frame; for a client that does not read it is dropped, and not kept."""
        if not self.is_writable or self._dead:
            self.dropped += 1
            return
        self.sent += 1
        if self.room.tap is not None:
            self.room.tap.sent(message)
        self._wire.send_binary(message)
        self._write_out()

    def _write_out(self) -> None:
        self._held_pongs = 0
        if self._is_shut:
            return  # a close frame that comes after the end is not answered
        for data in self._wire.data_to_send():
            if data:
                self._transport.write(data)
            else:
                self._close_tcp()

    def _close_tcp(self) -> None:
        """Close our direction of TCP, and go on reading for CLOSE_PATIENCE_S.

        Closing both at once would make the kernel answer the client's next frame with a reset,
        which may throw away what the client has not read yet.
        """
        self._is_shut = True
        if self._transport.can_write_eof():
            self._transport.write_eof()
            self._ticker.add_job(self._ticker.clock() + int(CLOSE_PATIENCE_S * 1e9), self._give_up)
        else:
            self._transport.close()

    def _give_up(self, _now_ns: int) -> None:
        self._transport.abort()

    def receive(self, data: bytes) -> None:
        """Take bytes off the connection."""
        if self._dead or self._ended:
            return
        self._wire.receive_data(data)
        events = self._wire.events_received()
        if isinstance(self._wire.parser_exc, PayloadTooBig):
            self._take_effect(
                IntakeEffect(ends=f"a message over {MAX_MESSAGE_BYTES} bytes", violation=True)
            )
            return
        if not self._holds_back(len(events)):
            self._write_out()
        for event in events:
            assert isinstance(event, Frame)
            self.take_frame(event)
        if self._wire.state is not State.OPEN:
            self.forget("closed by the client")

    def _holds_back(self, pongs: int) -> bool:
        """Whether the link is stalled: a pong then waits for the frames before it, as in TCP."""
        slot = self._next
        if slot is None or self._wire.state is not State.OPEN:
            return False
        self._held_pongs += pongs
        is_late = slot.due_ns - slot.number * FRAME_NS > _HELD_NS
        is_stalled = is_late and self._due_ns() - self._ticker.clock() > _HELD_NS
        return is_stalled and self._held_pongs < _MAX_HELD_PONGS

    def receive_eof(self) -> None:
        """The client will send no more."""
        self._wire.receive_eof()
        self._write_out()

    def take_frame(self, frame: Frame) -> None:
        """Put fragments together."""
        # RFC 6455 5.4: the first frame of a fragmented message has its opcode, every further one
        # opcode 0 (CONT), and the last one FIN.
        opcode = frame.opcode
        if opcode is Opcode.BINARY and frame.fin:
            self._take(bytes(frame.data))
        elif opcode is Opcode.BINARY:
            self._parts = [bytes(frame.data)]
        elif opcode is Opcode.CONT and self._parts is not None:
            if frame.data:
                self._parts.append(bytes(frame.data))
            if frame.fin:
                message, self._parts = b"".join(self._parts), None
                self._take(message)
        elif opcode is Opcode.TEXT and frame.fin:
            self.take_text(bytes(frame.data).decode(errors="replace"))

    def take_text(self, text: str) -> None:
        """Ignore it in silence, as the platform does."""

    def _take(self, message: bytes) -> None:
        if self.channel is None or self._ended:
            return
        self.received += 1
        if self.room.tap is not None:
            self.room.tap.came(message)
        now_ns = self._ticker.clock()
        level = self.queue.level
        waiting, lost = level.waiting, level.lost
        effect = self.channel.take_message(message, now_ns)
        if effect.pcm:
            self.room.took(effect.pcm, waiting if level.lost == lost else None, now_ns)
        self._take_effect(effect)
        if self.channel.is_split:
            self._ticker.add_job(now_ns + SPLIT_PATIENCE_NS + 1, self._check_split)

    def _check_split(self, now_ns: int) -> None:
        if self.channel is not None and self.channel.is_overdue(now_ns):
            self._take_effect(IntakeEffect(ends="an AudioSocket frame stayed incomplete"))

    def _take_effect(self, effect: IntakeEffect) -> None:
        if effect.violation:
            self._on_violation(effect.ends)
        if effect.ends:
            self.end(effect.ends)
        elif effect.pcm and self._on_first is not None:
            start, self._on_first = self._on_first, None
            start()

    def cut(self, *, dead: bool = False) -> None:
        """End with no close frame, or (`dead`) fall silent and close nothing."""
        if dead:
            self._dead = True
            self._transport.pause_reading()
        else:
            self.end("cut")

    def end(self, reason: str) -> None:
        """Close TCP with no close frame, after what has been written."""
        # RFC 6455 7.1.5: the client's code for an end without a close frame is 1006.
        if not self._ended:
            self.forget(reason)
            self._close_tcp()

    def forget(self, reason: str) -> None:
        """Be over: the connection is gone, or about to be."""
        if not self._ended:
            self._ended = True
            self._on_end(self, reason)
