"""Servers that peers connect to: what all have in common, and the one for WebSocket."""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import logging
import ssl as tls
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from functools import partial
from typing import Any, Protocol, cast
from urllib.parse import urlsplit

from websockets import Subprotocol
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.protocol import State

from voipbin_cli.codec.chan_websocket import SUBPROTOCOL
from voipbin_cli.transport.addresses import is_loopback
from voipbin_cli.transport.channel import Message
from voipbin_cli.transport.connection import ConnectionEnded
from voipbin_cli.transport.listening import cannot_listen, foreign_page

MAX_PEERS = 1000
# Connections above MAX_PEERS that still get an answer, 503; further ones are closed without one.
SPARE_PEERS = 64
# chan_websocket sends messages of up to 65,500 bytes.
MAX_MESSAGE_BYTES = 128 * 1024
HANDSHAKE_S = 10.0
CLOSE_S = 1.0
_LOGGER = logging.getLogger("voipbin.server")
# At DEBUG the library writes requests, query and all, to its log.
_LOGGER.setLevel(logging.CRITICAL)


class Peer(Protocol):
    """One connection (over UDP: one address), as whoever serves it sees it.

    `name` is where it comes from; `identity` what it says it is (the UUID of AudioSocket over
    TCP), or empty; `is_chan_websocket` whether it asked for Asterisk's subprotocol.
    """

    name: str
    identity: str
    is_chan_websocket: bool

    @property
    def unsent_bytes(self) -> int:
        """What was given to it and has not gone out yet."""

    def send_nowait(self, data: bytes | str, /) -> object:
        """Send one message at once. Raises ConnectionEnded."""

    def messages(self) -> AsyncIterator[Message]:
        """What it sends, to its end; over TCP one AudioSocket frame each, over UDP one of RTP."""

    async def close(self) -> None:
        """Close with a close frame (over TCP: a hangup), and wait a moment for the answer.

        UDP has neither: nothing more is sent.
        """


Handler = Callable[[Peer], Awaitable[None]]


class Server(Protocol):
    """A server that listens."""

    port: int

    async def close(self) -> None:
        """Listen no more, and close every connection in order."""


class ConnectionSlots:
    """Counts open connections, from TCP's accept on, against `limit`."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._spare = min(SPARE_PEERS, limit)
        self._taken = 0

    @property
    def are_taken(self) -> bool:
        """Whether there are more connections than `limit`."""
        return self._taken > self._limit

    def take(self) -> ConnectionPlace:
        """Count one more. Raises ConnectionRefusedError with SPARE_PEERS above `limit`."""
        if self._taken >= self._limit + self._spare:
            raise ConnectionRefusedError
        self._taken += 1
        return ConnectionPlace(self._give_back)

    def _give_back(self) -> None:
        self._taken -= 1


class ConnectionPlace:
    """One connection's place.

    asyncio tells nobody of a handshake of TLS that has failed: the place is given back once none
    can last any longer, unless `hold` says that there is a connection.
    """

    def __init__(self, give_back: Callable[[], None]) -> None:
        self._give_back = give_back
        self._is_free = False
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(HANDSHAKE_S + CLOSE_S, self.free)

    def hold(self) -> None:
        """There is a connection: whoever made it will `free` it."""
        self._timer.cancel()

    def free(self) -> None:
        """Give the place back; at once, and once only."""
        self.hold()
        if not self._is_free:
            self._is_free = True
            self._give_back()


def tls_patience(context: tls.SSLContext | None) -> dict[str, Any]:
    """How long a handshake of TLS may last, and its end; a minute and half of one otherwise."""
    if context is None:
        return {}
    return {"ssl_handshake_timeout": HANDSHAKE_S, "ssl_shutdown_timeout": CLOSE_S}


def address_of(peername: object) -> str:
    """Return host and port of a socket's peer."""
    if isinstance(peername, tuple) and len(peername) >= 2:
        host, port = peername[:2]
        return f"[{host}]:{port}" if ":" in str(host) else f"{host}:{port}"
    return "a peer"


# WebSocket


class _WebSocketPeer:
    """A peer over WebSocket; nothing is awaited to send, so that pacing never waits."""

    def __init__(self, connection: ServerConnection, clock: Callable[[], int]) -> None:
        self.name = address_of(connection.remote_address)
        self.identity = ""
        self.is_chan_websocket = connection.subprotocol == SUBPROTOCOL
        self._connection = connection
        self._clock = clock

    @property
    def unsent_bytes(self) -> int:
        return self._connection.transport.get_write_buffer_size()

    def send_nowait(self, data: bytes | str, /) -> None:
        connection = self._connection
        if connection.protocol.state is not State.OPEN:
            raise ConnectionEnded(1006, "", abrupt=True)
        if isinstance(data, str):
            connection.protocol.send_text(data.encode())
        else:
            connection.protocol.send_binary(data)
        connection.send_data()

    async def messages(self) -> AsyncIterator[Message]:
        with contextlib.suppress(ConnectionClosed):
            async for data in self._connection:
                yield Message(self._clock(), data)

    async def close(self) -> None:
        await self._connection.close()


class _Counted(ServerConnection):
    """A connection that has a place from TCP's accept, before TLS, to TCP's end.

    Where there is none, what asyncio has accepted is closed as its maker raises.
    """

    def __init__(self, *arguments: Any, slots: ConnectionSlots, **limits: Any) -> None:
        self._place = slots.take()
        super().__init__(*arguments, **limits)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._place.hold()
        super().connection_made(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._place.free()


class _WebSocketServer:
    def __init__(
        self,
        handler: Handler,
        slots: ConnectionSlots,
        token: str | None,
        turned_away: Callable[[str], None],
        clock: Callable[[], int],
    ) -> None:
        self._handler = handler
        self._slots = slots
        self._path = f"/{token}" if token else None
        self._turned_away = turned_away
        self._clock = clock
        self._is_on_loopback = False
        self.port = 0

    async def start(self, host: str, port: int, ssl: tls.SSLContext | None) -> None:
        self._is_on_loopback = is_loopback(host)
        try:
            self._server = await serve(
                self._handle,
                host,
                port,
                ssl=ssl,
                **tls_patience(ssl),
                compression=None,
                max_size=MAX_MESSAGE_BYTES,
                open_timeout=HANDSHAKE_S,
                close_timeout=CLOSE_S,
                process_request=self._look_at,
                select_subprotocol=_select_subprotocol,
                server_header=None,
                logger=_LOGGER,
                create_connection=cast(
                    "type[ServerConnection]", partial(_Counted, slots=self._slots)
                ),
            )
        except OSError as error:
            raise cannot_listen(host, port, error) from error
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        # RFC 6455 7.4.1: "1001 indicates that an endpoint is "going away", such as a server going
        # down".
        self._server.close(code=1001)
        await self._server.wait_closed()

    async def _handle(self, connection: ServerConnection) -> None:
        await self._handler(_WebSocketPeer(connection, self._clock))

    def _look_at(self, connection: ServerConnection, request: Request) -> Response | None:
        """404 where the token is not in the path, as for any other path; 503 when it is full.

        Where there is no token, nothing but this keeps out the pages that somebody looks at: 403.
        """
        path = urlsplit(request.path).path
        if self._path is not None and not hmac.compare_digest(path.encode(), self._path.encode()):
            return connection.respond(404, "not found\n")
        page = foreign_page(request.headers, is_on_loopback=self._is_on_loopback)
        if page and self._path is None:
            self._turned_away(f"{page}; whoever knows a --token is let in")
            return connection.respond(403, "not for pages of other hosts\n")
        if self._slots.are_taken:
            return connection.respond(503, "too many connections\n")
        return None


def _select_subprotocol(
    _connection: ServerConnection, offered: Sequence[Subprotocol]
) -> Subprotocol | None:
    return Subprotocol(SUBPROTOCOL) if SUBPROTOCOL in offered else None


async def serve_websocket(
    handler: Handler,
    host: str,
    port: int,
    *,
    ssl: tls.SSLContext | None = None,
    token: str | None = None,
    max_peers: int = MAX_PEERS,
    turned_away: Callable[[str], None] = lambda why: None,
    clock: Callable[[], int] = time.monotonic_ns,
) -> Server:
    """Listen; `handler(peer)` runs for each connection. With a `token` only `/token` is there.

    Without one, `turned_away(why)` hears of requests that web pages of other hosts may have made.
    Raises MachineError when the port cannot be had.
    """
    server = _WebSocketServer(handler, ConnectionSlots(max_peers), token, turned_away, clock)
    await server.start(host, port, ssl)
    return server
