"""The WebSocket under a media connection: every message with its arrival, in a bounded inbox."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any, NamedTuple

from websockets.asyncio.client import ClientConnection
from websockets.client import ClientProtocol
from websockets.frames import CloseCode, Frame, Opcode
from websockets.http11 import Response
from websockets.protocol import State

from voipbin_cli.transport.websocket_framing import Framing

Clock = Callable[[], int]

# 80 s of audio: whoever takes nothing for so long is not read for any more.
INBOX_MESSAGES = 4096
INBOX_BYTES = 8 * 1024 * 1024
# Pongs for a peer that pings and never reads.
UNSENT_LIMIT_BYTES = 1024 * 1024
CLOSE_TIMEOUT_S = 1.0
# Of an answer that is no HTTP, so much is kept to be shown.
_HEAD_BYTES = 64
# With a ping every 5 s those of 5.7 hours.
_RTTS_KEPT = 4096
_PINGS_PENDING = 16


class Message(NamedTuple):
    """One whole WebSocket message: bytes when binary, str when text."""

    arrival_ns: int
    data: bytes | str


class RoundTrip(NamedTuple):
    """A ping that was answered: when the pong came, and how long that took."""

    arrival_ns: int
    rtt_ms: float


class Pings(NamedTuple):
    """What a connection's pings tell: the milliseconds that each took, oldest first.

    `answered_ago_ms`: how long ago the latest one was sent that was answered; `waiting_ms`: for how
    long the oldest one without an answer has waited for it. None where there is none.
    """

    ms: list[float]
    answered_ago_ms: int | None = None
    waiting_ms: int | None = None


class Ending(NamedTuple):
    """How a connection ended; see ConnectionEnded."""

    code: int
    reason: str
    abrupt: bool
    local: bool


class MessageChannel(ClientConnection):
    """websockets' client connection with its queue of frames replaced.

    Messages go to `inbox` stamped with the time at which their last byte was read, before
    anything was parsed. Reading pauses while the inbox is full (the peer then feels TCP's own
    back-pressure), except while closing, when what does not fit is dropped.
    """

    def __init__(
        self, protocol: ClientProtocol, *, clock: Clock, framing: Framing, **limits: Any
    ) -> None:
        super().__init__(protocol, **limits)
        self._clock = clock
        self._framing = framing
        self._fragments = bytearray()
        self._fragments_are_text = False
        self._pings: dict[bytes, int] = {}
        self._abort_timer: asyncio.TimerHandle | None = None
        self._is_paused = False
        self.inbox: list[Message] = []
        self.inbox_bytes = 0
        self.notify: Callable[[], None] | None = None
        self.arrival_ns = 0
        self.reads = 0
        self.bytes_received = 0
        self.head = b""
        self.is_closing = False
        self.ending: Ending | None = None
        self.ended: asyncio.Future[None] = self.loop.create_future()
        self.round_trips: deque[RoundTrip] = deque(maxlen=_RTTS_KEPT)
        self._least_rtt_ms: float | None = None
        self._opened_ns = self._ended_ns = 0

    # Reading

    def data_received(self, data: bytes) -> None:
        """Stamp what the socket gave, then parse it."""
        self.arrival_ns = self._clock()
        self.reads += 1
        if self.response is None:
            self.head = (self.head + data[:_HEAD_BYTES])[:_HEAD_BYTES]
        head, data = self._framing.answer(data)
        if head:
            super().data_received(head)
        if data:
            self._take_frames(data)
        self._settle()
        if self.inbox:
            if self.is_full and not self._is_paused and not self.is_closing:
                self._is_paused = True
                self.transport.pause_reading()
            if self.notify is not None:
                self.notify()

    def _take_frames(self, data: bytes) -> None:
        """Take the plain frames, and let the library have the others."""
        if self.protocol.state is State.OPEN:
            payloads, data = self._framing.split(data)
            for payload in payloads:
                self._put(payload, len(payload))
        else:
            data = self._framing.release() + data
        if data:
            super().data_received(data)

    def process_event(self, event: Any) -> None:
        """Take data messages and pongs; the library keeps the handshake."""
        if isinstance(event, Response):
            self._opened_ns = self.arrival_ns
            super().process_event(event)
        elif event.opcode is Opcode.BINARY and event.fin:
            data = bytes(event.data)
            self._put(data, len(data))
        elif event.opcode is Opcode.PONG:
            self._take_pong(bytes(event.data))
        elif event.opcode is Opcode.PING:
            # 5.5.2: "Upon receipt of a Ping frame, an endpoint MUST send a Pong frame in response".
            # The library has; a peer that pings and never reads must not fill our memory with them.
            if self.unsent_bytes > UNSENT_LIMIT_BYTES:
                self.give_up("the peer sends pings and reads nothing")
        elif event.opcode is not Opcode.CLOSE:
            self._take_data(event)

    def _take_data(self, frame: Frame) -> None:
        """Put fragments together; the library has bounded their sum and checked their order."""
        # RFC 6455 5.4: the first frame of a fragmented message has the opcode of the whole, every
        # further one opcode 0, and the last one FIN.
        if frame.opcode is not Opcode.CONT:
            self._fragments_are_text = frame.opcode is Opcode.TEXT
        self._fragments += frame.data
        if frame.fin:
            whole = bytes(self._fragments)
            self._fragments = bytearray()
            self._deliver(whole)

    def _deliver(self, data: bytes) -> None:
        if not self._fragments_are_text:
            self._put(data, len(data))
            return
        try:
            text = data.decode()
        except UnicodeDecodeError:
            # RFC 6455 8.1: an endpoint that finds that text "is not, in fact, a valid UTF-8 stream"
            # "MUST _Fail the WebSocket Connection_"; the code for it is 1007 (7.4.1).
            self._fail(CloseCode.INVALID_DATA, "a text message is not UTF-8")
        else:
            self._put(text, len(data))

    def _put(self, data: bytes | str, size: int) -> None:
        # RFC 6455 7.1.7: "An endpoint MUST NOT continue to attempt to process data" after that.
        if self.ending is not None or (self.is_closing and self.is_full):
            return
        self.inbox.append(Message(self.arrival_ns, data))
        self.inbox_bytes += size
        self.bytes_received += size

    @property
    def is_full(self) -> bool:
        """Whether the inbox has reached its bound, in messages or in bytes."""
        return len(self.inbox) >= INBOX_MESSAGES or self.inbox_bytes >= INBOX_BYTES

    @property
    def is_paused(self) -> bool:
        """Whether the socket is not read because the inbox is full."""
        return self._is_paused

    def take_messages(self) -> list[Message]:
        """Hand out all that is there, and go on reading."""
        taken, self.inbox = self.inbox, []
        self.inbox_bytes = 0
        self.resume()
        return taken

    def resume(self) -> None:
        """Read on, whether or not there is room."""
        if self._is_paused:
            self._is_paused = False
            self.transport.resume_reading()

    # Writing

    @property
    def unsent_bytes(self) -> int:
        """What the socket has not taken yet."""
        return self.transport.get_write_buffer_size()

    def probe(self) -> bytes | None:
        """Send a ping whose pong becomes a round trip, and return what it holds; None: none went.

        Nothing waits for it, not even a drain.
        """
        if self.protocol.state is not State.OPEN or len(self._pings) >= _PINGS_PENDING:
            return None
        sent_ns = self._clock()
        # RFC 6455 5.5.3: a pong "must have identical "Application data" as found in the message
        # body of the Ping frame being replied to", so it tells which ping it answers.
        payload = sent_ns.to_bytes(8, "big", signed=True)
        self._pings[payload] = sent_ns
        self.protocol.send_ping(payload)
        self.send_data()
        return payload

    def awaits(self, ping: bytes) -> bool:
        """Whether this ping may still be answered."""
        return ping in self._pings and self.ending is None

    def _take_pong(self, payload: bytes) -> None:
        sent_ns = self._pings.pop(payload, None)
        if sent_ns is None:
            return
        # 5.5.3: an endpoint "MAY elect to send a Pong frame for only the most recently processed
        # Ping frame": older pings will not be answered any more.
        self._pings = {key: at for key, at in self._pings.items() if at > sent_ns}
        rtt_ms = (self.arrival_ns - sent_ns) / 1e6
        self.round_trips.append(RoundTrip(self.arrival_ns, rtt_ms))
        self._least_rtt_ms = min(rtt_ms, self._least_rtt_ms or rtt_ms)

    @property
    def is_probing(self) -> bool:
        """Whether a ping is still without an answer."""
        return bool(self._pings)

    @property
    def queued_ms(self) -> float:
        """How much longer than the fastest ping the latest took, or takes; 0 before an answer.

        A pong stands behind the audio in the same TCP stream: so much of it may be on its way.
        """
        if self._least_rtt_ms is None:
            return 0.0
        latest_ms = self.round_trips[-1].rtt_ms
        if self._pings and self.ending is None:
            latest_ms = max(latest_ms, (self._clock() - min(self._pings.values())) / 1e6)
        return latest_ms - self._least_rtt_ms

    def pings(self, now_ns: int) -> Pings:
        """What the pings tell, as of `now_ns`."""
        answered_ago_ms = waiting_ms = None
        if self.round_trips:
            latest = self.round_trips[-1]
            answered_ago_ms = round((now_ns - latest.arrival_ns) / 1e6 + latest.rtt_ms)
        if self._pings:
            waiting_ms = round((now_ns - min(self._pings.values())) / 1e6)
        trips_ms = [round(trip.rtt_ms, 3) for trip in self.round_trips]
        return Pings(trips_ms, answered_ago_ms, waiting_ms)

    # Ending

    @property
    def lasted_s(self) -> float:
        """How long it was open, in seconds; so far, while it is."""
        return ((self._ended_ns or self._clock()) - self._opened_ns) / 1e9

    def start_closing(self, code: int) -> None:
        """Send a close frame, and read on without a bound's pause until it is answered."""
        self.is_closing = True
        self.resume()
        # RFC 6455 7.1.2: the closing handshake starts with a close frame from either side.
        if self.protocol.state is State.OPEN:
            self.protocol.send_close(code)
            self.send_data()
        self._settle()

    def give_up(self, reason: str) -> None:
        """End it from here at once, as a broken link."""
        self._end(Ending(CloseCode.ABNORMAL_CLOSURE, reason, abrupt=True, local=True))
        self.transport.abort()

    def eof_received(self) -> None:
        """TCP's end of stream: nothing more comes, whatever is left to send."""
        super().eof_received()
        self._settle()
        if self.response is not None:
            self._conclude("")

    def connection_lost(self, exc: Exception | None) -> None:
        """TCP is gone, perhaps without a close frame."""
        super().connection_lost(exc)
        if self._abort_timer is not None:
            self._abort_timer.cancel()
            self._abort_timer = None
        if self.response is not None:
            self._conclude((exc.strerror or "") if isinstance(exc, OSError) else "")

    def _fail(self, code: CloseCode, reason: str) -> None:
        """Fail the connection (RFC 6455 7.1.7): a close frame with `code`, then no more reading."""
        # The library may have answered a close frame that came in the same read: then no second
        # one goes out, as 5.5.1 wants.
        if self.protocol.state is State.OPEN:
            self.protocol.fail(code, reason)
            self.send_data()
        if not self.is_closing:
            self._end(Ending(code, reason, abrupt=False, local=True))

    def _settle(self) -> None:
        """Once a close frame went out: tell the reader, and bound the wait for the rest."""
        # RFC 6455 5.5.1: "After both sending and receiving a Close message, an endpoint considers
        # the WebSocket connection closed and MUST close the underlying TCP connection." A peer
        # that sends none is waited for CLOSE_TIMEOUT_S.
        if self.protocol.state is State.OPEN or self.response is None:
            return
        if self._abort_timer is None and not self.connection_lost_waiter.done():
            self._abort_timer = self.loop.call_later(CLOSE_TIMEOUT_S, self.transport.abort)
        if self.protocol.close_rcvd is not None or not self.is_closing:
            self._conclude("")

    def _conclude(self, reason: str) -> None:
        received, sent = self.protocol.close_rcvd, self.protocol.close_sent
        # RFC 6455 7.1.5: the code is that of the first close frame that came. "If [...] no Close
        # control frame was received by the endpoint", it "is considered to be 1006".
        if received is not None:
            local = not self.protocol.close_rcvd_then_sent
            self._end(Ending(received.code, received.reason, abrupt=False, local=local))
        # A close frame that nobody here asked for was the library's, for a breach of the protocol.
        elif sent is not None and not self.is_closing:
            self._end(Ending(sent.code, sent.reason, abrupt=False, local=True))
        else:
            local = self.is_closing
            self._end(Ending(CloseCode.ABNORMAL_CLOSURE, reason, abrupt=True, local=local))

    def _end(self, ending: Ending) -> None:
        if self.ending is None:
            self.ending = ending
            self._ended_ns = self._clock()
            self.ended.set_result(None)
            if self.notify is not None:
                self.notify()
