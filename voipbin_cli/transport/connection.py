"""A media connection: receive what is there, send at once, close properly, know how it ended."""

from __future__ import annotations

import asyncio
import contextlib
import ssl as ssl_module
from collections.abc import Mapping, Sequence

from websockets.frames import CloseCode
from websockets.protocol import State as WireState

from voipbin_cli.clock import now_ns
from voipbin_cli.errors import ConnectionFailed
from voipbin_cli.finding_ids import FindingId
from voipbin_cli.text import mask, printable
from voipbin_cli.transport.addresses import secrets_of
from voipbin_cli.transport.channel import (
    CLOSE_TIMEOUT_S,
    Clock,
    Ending,
    Message,
    MessageChannel,
    Pings,
    RoundTrip,
)
from voipbin_cli.transport.handshake import open_channel

__all__ = [
    "ConnectionEnded",
    "MediaConnection",
    "Message",
    "Pings",
    "RoundTrip",
    "open_connection",
]

# The platform's messages have 332 bytes at most; chan_websocket's 65,500.
MAX_SIZE_BYTES = 256 * 1024
CONNECT_TIMEOUT_S = 10.0
PING_INTERVAL_S = 5.0
# Three pings without an answer, nor anything else: a link that is gone tells nobody by itself.
PONG_TIMEOUT_S = 15.0
# The first round trip is there before a short run ends.
FIRST_PING_S = 0.5
# 8 s of linear audio in RTP (332 bytes every 20 ms): whoever is that far behind reads no more.
SEND_LIMIT_BYTES = 128 * 1024
_TCP_CLOSE_TIMEOUT_S = 0.25
_CATCH_UP_POLL_S = 0.01


class ConnectionEnded(ConnectionFailed):
    """The connection is over and everything it brought has been handed out.

    `code` and `reason` are of the close frame (RFC 6455 section 7.4), 1006 where there was none.
    `abrupt`: the peer sent no close frame; on this platform the normal end of a call, too.
    `local`: this side ended it, by close(), for a breach of the protocol (1002, 1007, 1009), or
    because nothing came back any more (1006). `lasted_s`: for how many seconds it was open.
    `token_expires_at`, `token_left_s`: when the token expires with which it was opened (seconds
    since 1970), and how long after this end; None where there is none, or nobody looked.
    """

    token_expires_at: float | None = None
    token_left_s: float | None = None

    def __init__(
        self,
        code: int,
        reason: str,
        abrupt: bool,
        local: bool = False,
        lasted_s: float | None = None,
    ) -> None:
        self.code = code
        self.reason = printable(reason, 125)
        self.abrupt = abrupt
        self.local = local
        self.lasted_s = None if lasted_s is None else round(lasted_s, 3)
        said = f": {self.reason}" if self.reason else ""
        manner = " without a close frame" if abrupt else ""
        super().__init__(
            f"the connection ended{manner} ({code}){said}", finding=FindingId.CONNECTION_LOST
        )


class MediaConnection:
    """One media stream over WebSocket; made by `open_connection`.

    One task receives, one sends. Use it as an asynchronous context manager, or call `close`.
    """

    def __init__(
        self,
        channel: MessageChannel,
        *,
        ping_interval: float | None = PING_INTERVAL_S,
        pong_timeout: float = PONG_TIMEOUT_S,
        secrets: tuple[str, ...] = (),
    ) -> None:
        self._channel = channel
        self._secrets = secrets
        self._loop = asyncio.get_running_loop()
        self._waiter: asyncio.Future[None] | None = None
        self._linger_s = 0.0
        self._linger_timer: asyncio.TimerHandle | None = None
        channel.notify = self._on_news
        self._watch = (
            self._loop.create_task(self._watch_liveness(ping_interval, pong_timeout))
            if ping_interval is not None
            else None
        )

    async def __aenter__(self) -> MediaConnection:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.close()

    @property
    def bytes_received(self) -> int:
        """Payload bytes of all messages so far, text included."""
        return self._channel.bytes_received

    @property
    def unsent_bytes(self) -> int:
        """What was sent here and the socket has not taken yet."""
        return self._channel.unsent_bytes

    @property
    def round_trips(self) -> Sequence[RoundTrip]:
        """The answered pings, oldest first; the last few thousand."""
        return self._channel.round_trips

    @property
    def rtts_ms(self) -> list[float]:
        """Round-trip times of the answered pings, in milliseconds, oldest first."""
        return [trip.rtt_ms for trip in self._channel.round_trips]

    def pings(self, now_ns: int) -> Pings:
        """What the pings tell, as of `now_ns`, of the clock that stamps what arrives."""
        return self._channel.pings(now_ns)

    @property
    def queued_ms(self) -> float:
        """How much later than at best a ping is answered now: what the link holds back, in ms."""
        return self._channel.queued_ms

    def probe(self) -> None:
        """Find out what the link holds back: send a ping unless one is on its way."""
        if not self._channel.is_probing:
            self._channel.probe()

    async def catch_up(self, timeout: float) -> None:
        """Wait until all has come that the peer had sent by now, `timeout` seconds at most.

        A pong stands behind it in the same TCP stream, whatever holds that back.
        """
        ping, until_s = self._channel.probe(), self._loop.time() + timeout
        while ping is not None and self._channel.awaits(ping) and self._loop.time() < until_s:
            await asyncio.sleep(_CATCH_UP_POLL_S)

    # Receiving

    async def receive(self, *, linger: float = 0.0) -> list[Message]:
        """All messages that have come and were not handed out yet, in order; waits for one.

        With `linger` (seconds) the wait goes on that long after the first one, or until the
        inbox is full: for who need not know at once, far fewer wake-ups. Arrival times do not
        depend on it.

        Raises:
            ConnectionEnded: it is over, and nothing is left to hand out.
        """
        channel = self._channel
        if not channel.inbox or linger:
            await self._wait(linger)
        if channel.inbox:
            return channel.take_messages()
        raise self._ended()

    async def _wait(self, linger_s: float) -> None:
        if self._waiter is not None:
            raise RuntimeError("another task receives from this connection already")
        if self._channel.ending is not None:
            return
        self._linger_s = linger_s
        self._waiter = self._loop.create_future()
        try:
            if self._channel.inbox:
                self._on_news()
            await self._waiter
        finally:
            self._waiter = None
            if self._linger_timer is not None:
                self._linger_timer.cancel()
                self._linger_timer = None

    def _on_news(self) -> None:
        """Called by the channel: messages have come, or the end."""
        if self._channel.ending is not None and self._watch is not None:
            self._watch.cancel()
        if self._waiter is None:
            return
        if not self._linger_s or self._channel.ending is not None or self._channel.is_full:
            self._wake()
        elif self._linger_timer is None:
            self._linger_timer = self._loop.call_later(self._linger_s, self._wake)

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _ended(self) -> ConnectionEnded:
        ending = self._channel.ending or Ending(1006, "", abrupt=True, local=True)
        # A server may say back what it was given, here too.
        reason = mask(ending.reason, *self._secrets)
        return ConnectionEnded(
            ending.code, reason, ending.abrupt, ending.local, self._channel.lasted_s
        )

    # Sending

    def send_nowait(self, data: bytes | str) -> bool:
        """Write one message (text when it is str) at once, whatever the socket has not taken yet.

        Returns False, and sends nothing, when SEND_LIMIT_BYTES are still unsent: then the peer
        or the network has not kept up for seconds, and this message would only be later still.

        Raises:
            ConnectionEnded: there is no connection any more.
        """
        channel = self._channel
        # RFC 6455 5.5.1: "The application MUST NOT send any more data frames after sending a Close
        # frame."
        if channel.protocol.state is not WireState.OPEN or channel.ending is not None:
            raise self._ended()
        if channel.unsent_bytes > SEND_LIMIT_BYTES:
            return False
        if isinstance(data, str):
            channel.protocol.send_text(data.encode())
        else:
            channel.protocol.send_binary(data)
        channel.send_data()
        return True

    async def send(self, data: bytes | str) -> None:
        """Write one message, waiting while the peer does not take what went before.

        Raises:
            ConnectionEnded: there is no connection any more, or it ended during the wait.
        """
        while not self.send_nowait(data):
            await self._drained()

    async def _drained(self) -> None:
        # The wait ends with an exception of the socket's when the connection is lost; the next
        # look at the channel tells how it ended.
        with contextlib.suppress(OSError):
            await self._channel.drain()

    # Ending

    async def close(self, code: int = CloseCode.NORMAL_CLOSURE) -> None:
        """Close with `code`, reading on until the peer has answered; 1 s at most. Idempotent.

        A peer that gets no chance to finish its writing would wait out its own time limit.
        Messages that come meanwhile can still be received.
        """
        channel = self._channel
        if self._watch is not None:
            self._watch.cancel()
        # RFC 6455 7.1.2: send a close frame, and when one has come as well, close TCP.
        try:
            if not channel.connection_lost_waiter.done():
                channel.start_closing(code)
                await self._closing_handshake()
        finally:
            channel.transport.abort()
        await asyncio.wait([channel.connection_lost_waiter])

    async def _closing_handshake(self) -> None:
        """Wait for the answer to the close frame, then shortly for TCP's end."""
        channel = self._channel
        await asyncio.wait([channel.ended], timeout=CLOSE_TIMEOUT_S)
        if channel.protocol.close_rcvd is not None:
            # RFC 6455 7.1.1: TCP "SHOULD be closed first by the server"; a client may do it when
            # the server has not within reasonable time.
            await asyncio.wait([channel.connection_lost_waiter], timeout=_TCP_CLOSE_TIMEOUT_S)

    async def _watch_liveness(self, interval_s: float, timeout_s: float) -> None:
        """Ping every `interval_s`; end the connection after `timeout_s` without a byte."""
        # RFC 6455 5.5.2: a ping serves "either as a keepalive or as a means to verify that the
        # remote endpoint is still responsive". Audio shows that, too, and counts as well.
        channel = self._channel
        seen, since = channel.reads, self._loop.time()
        delay_s = min(FIRST_PING_S, interval_s)
        while channel.ending is None:
            await asyncio.sleep(delay_s)
            delay_s = interval_s
            now = self._loop.time()
            # While nobody takes what came, the socket is not read, and nothing can be concluded.
            if channel.reads != seen or channel.is_paused:
                seen, since = channel.reads, now
            elif now - since >= timeout_s:
                channel.give_up(f"nothing came for {timeout_s:g} s, not even an answer to a ping")
                return
            channel.probe()


async def open_connection(
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    ssl: ssl_module.SSLContext | None = None,
    connect_timeout: float = CONNECT_TIMEOUT_S,
    clock: Clock = now_ns,
    ping_interval: float | None = PING_INTERVAL_S,
    pong_timeout: float = PONG_TIMEOUT_S,
    max_size: int = MAX_SIZE_BYTES,
) -> MediaConnection:
    """Connect to a media stream.

    `clock` gives nanoseconds and stamps what arrives. `connect_timeout`, `ping_interval` (None:
    no pings, and no liveness) and `pong_timeout` are in seconds. A message over `max_size` bytes
    ends the connection with 1009. Proxies come from the environment, but not towards this machine.

    Raises:
        Refused: the server's answer is no (401, 403, 404, 409, 429).
        ConnectionFailed: there is no connection; `details["finding"]` says of which kind.
        UsageError: the URL or the proxy setting is none.
    """
    channel = await open_channel(
        url,
        headers=headers or {},
        ssl=ssl,
        connect_timeout=connect_timeout,
        clock=clock,
        max_size=max_size,
    )
    return MediaConnection(
        channel,
        ping_interval=ping_interval,
        pong_timeout=pong_timeout,
        secrets=secrets_of(url, headers or {}),
    )
