"""A relay: clients on this machine connect here, and reach a stream that is somewhere else."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Protocol, cast

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.frames import CloseCode
from websockets.http11 import Request, Response
from websockets.protocol import State

from voipbin_cli.clock import now_ns
from voipbin_cli.codec.encapsulation import Direction
from voipbin_cli.errors import VoipbinError
from voipbin_cli.transport.channel import Message
from voipbin_cli.transport.connection import ConnectionEnded, MediaConnection
from voipbin_cli.transport.listening import cannot_listen, foreign_page

HOST = "127.0.0.1"
MAX_MESSAGE_BYTES = 1024 * 1024
CLOSE_S = 1.0
_MAX_CLIENTS = 64
_LOGGER = logging.getLogger("voipbin.relay")
# At DEBUG the library writes requests, query and all, to its log.
_LOGGER.setLevel(logging.CRITICAL)

Clock = Callable[[], int]


class Watcher(Protocol):
    """Sees every message between one client and its far end, and may hold it back."""

    def may_pass(self, direction: Direction, message: Message) -> bool:
        """Return whether `message` may go on."""

    def connection_ended(self, ended: ConnectionEnded) -> None:
        """The client or the far end is gone."""


class _Client(ServerConnection):
    """A client's connection, with the time at which its last bytes were read."""

    arrival_ns = 0
    clock: Clock
    upstream: MediaConnection | None = None
    gone: Callable[[ServerConnection], None]

    def data_received(self, data: bytes) -> None:
        self.arrival_ns = self.clock()
        super().data_received(data)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self.gone(self)
        # A client that is gone before it had its answer never gets to `_serve`, which would close.
        if self.protocol.handshake_exc is not None and self.upstream is not None:
            asyncio.ensure_future(self.upstream.close())  # noqa: RUF006


class Relay:
    """Listens on loopback alone. For each client `connect` opens the way to the far end.

    Messages pass as they are, text and empty ones too; a far end that is gone without a close
    frame is so for the client. What `connect` raises becomes the client's HTTP answer. Pages of
    other hosts (`Origin`, `Host`) are refused: they would borrow the user's credential.
    """

    def __init__(
        self,
        connect: Callable[[str], Awaitable[MediaConnection]],
        watch: Callable[[MediaConnection, str], Watcher],
        *,
        refused: Callable[[VoipbinError], None] = lambda error: None,
        clock: Clock = now_ns,
    ) -> None:
        self.port = 0
        self._connect = connect
        self._watch = watch
        self._refused = refused
        self._clock = clock
        self._server: Server | None = None
        self._clients: set[ServerConnection] = set()

    async def start(self, port: int) -> None:
        """Listen. Raises MachineError when the port cannot be had."""
        try:
            self._server = await serve(
                self._serve,
                HOST,
                port,
                compression=None,
                max_size=MAX_MESSAGE_BYTES,
                ping_interval=None,
                close_timeout=CLOSE_S,
                process_request=self._open,
                server_header=None,
                logger=_LOGGER,
                create_connection=cast("type[ServerConnection]", self._make),
            )
        except OSError as error:
            raise cannot_listen(HOST, port, error, option="--proxy") from error
        self.port = next(iter(self._server.sockets)).getsockname()[1]

    async def close(self) -> None:
        """Listen no more, and close every connection in order."""
        if self._server is not None:
            self._server.close(code=CloseCode.GOING_AWAY)
            await self._server.wait_closed()

    def _make(self, *arguments: Any, **limits: Any) -> _Client:
        client = _Client(*arguments, **limits)
        client.clock = self._clock
        client.gone = self._clients.discard
        return client

    async def _open(self, connection: ServerConnection, request: Request) -> Response | None:
        if foreign_page(request.headers, is_on_loopback=True):
            return connection.respond(403, "not for pages of other hosts\n")
        if len(self._clients) >= _MAX_CLIENTS:
            return connection.respond(503, "too many clients\n")
        # From here on, as many may come while the way to the far end is opened.
        self._clients.add(connection)
        try:
            cast(_Client, connection).upstream = await self._connect(request.path)
        except VoipbinError as error:
            self._refused(error)
            status = error.details.get("http_status")
            answer = status if isinstance(status, int) and 400 <= status < 600 else 502
            return connection.respond(answer, f"{error.message}\n")
        return None

    async def _serve(self, connection: ServerConnection) -> None:
        client = cast(_Client, connection)
        upstream = client.upstream
        assert upstream is not None
        watcher = self._watch(upstream, client.request.path if client.request else "")
        tasks = [
            asyncio.ensure_future(_to_far_end(client, upstream, watcher)),
            asyncio.ensure_future(_to_client(client, upstream, watcher)),
        ]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await upstream.close()


async def _to_far_end(client: _Client, upstream: MediaConnection, watcher: Watcher) -> None:
    try:
        # The library raises for an end without a close frame, and for no other.
        with contextlib.suppress(ConnectionClosed):
            async for data in client:
                if watcher.may_pass(Direction.OUT, Message(client.arrival_ns, data)):
                    await upstream.send(data)
    except ConnectionEnded:
        return  # `_to_client` reads from the far end, and tells
    code = client.close_code or CloseCode.ABNORMAL_CLOSURE
    is_abrupt = client.protocol.close_rcvd is None
    watcher.connection_ended(
        ConnectionEnded(code, client.close_reason or "", is_abrupt, local=True)
    )


async def _to_client(client: _Client, upstream: MediaConnection, watcher: Watcher) -> None:
    try:
        while True:
            for message in await upstream.receive():
                if watcher.may_pass(Direction.IN, message):
                    await client.send(message.data)
    except ConnectionEnded as ended:
        watcher.connection_ended(ended)
        await _end_alike(client, ended)
    except ConnectionClosed:
        return


async def _end_alike(client: _Client, ended: ConnectionEnded) -> None:
    """End the client's connection as the far end ended: with its close frame, or with none.

    The platform ends a call without one, and its client has to see just that.
    """
    if not ended.abrupt:
        await client.close(ended.code, ended.reason)
        return
    if client.protocol.state is State.OPEN:
        client.transport.close()
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(client.wait_closed(), CLOSE_S)
