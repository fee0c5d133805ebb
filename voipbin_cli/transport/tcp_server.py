"""AudioSocket over bare TCP: the peer says its UUID first, and our last frame is the hangup."""

from __future__ import annotations

import asyncio
import contextlib
import ssl as tls
import time
import uuid
from collections.abc import AsyncIterator, Callable
from functools import partial

from voipbin_cli.codec import audiosocket
from voipbin_cli.codec.audiosocket import Kind, StreamDecoder
from voipbin_cli.transport.channel import Message
from voipbin_cli.transport.connection import ConnectionEnded
from voipbin_cli.transport.listening import cannot_listen
from voipbin_cli.transport.websocket_server import (
    CLOSE_S,
    HANDSHAKE_S,
    MAX_PEERS,
    ConnectionPlace,
    ConnectionSlots,
    Handler,
    Server,
    address_of,
    tls_patience,
)

_READ_BYTES = 65_536
_UUID_BYTES = 16


class _TcpPeer:
    """A peer over TCP; its messages are AudioSocket frames, however its bytes were cut."""

    is_chan_websocket = False

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        clock: Callable[[], int],
    ) -> None:
        self.name = address_of(writer.get_extra_info("peername"))
        self.identity = ""
        self._reader = reader
        self._writer = writer
        self._clock = clock
        self._frames = StreamDecoder()

    @property
    def unsent_bytes(self) -> int:
        return self._writer.transport.get_write_buffer_size()

    def send_nowait(self, data: bytes | str, /) -> None:
        if self._writer.is_closing():
            raise ConnectionEnded(1006, "", abrupt=True)
        self._writer.write(data if isinstance(data, bytes) else data.encode())

    async def introduce(self) -> bool:
        """Read the first frame, which has to be a UUID; False when it is not."""
        header = await self._reader.readexactly(audiosocket.HEADER_BYTES)
        if header != bytes([Kind.UUID, 0, _UUID_BYTES]):
            return False
        self.identity = str(uuid.UUID(bytes=await self._reader.readexactly(_UUID_BYTES)))
        return True

    async def messages(self) -> AsyncIterator[Message]:
        with contextlib.suppress(OSError):
            while data := await self._reader.read(_READ_BYTES):
                at_ns = self._clock()
                for frame in self._frames.feed(data):
                    yield Message(at_ns, audiosocket.build(frame.kind, frame.payload))
                    if frame.kind == Kind.HANGUP:
                        return

    async def close(self) -> None:
        """Hang up: that is the last frame."""
        if not self._writer.is_closing():
            self._writer.write(audiosocket.build(Kind.HANGUP, b""))
        self._writer.close()
        with contextlib.suppress(OSError, TimeoutError):
            await asyncio.wait_for(self._writer.wait_closed(), CLOSE_S)
        self._writer.transport.abort()


class _TcpServer:
    def __init__(self, handler: Handler, slots: ConnectionSlots, clock: Callable[[], int]) -> None:
        self._handler = handler
        self._slots = slots
        self._clock = clock
        self._tasks: set[asyncio.Task[None]] = set()
        self.port = 0

    async def start(self, host: str, port: int, ssl: tls.SSLContext | None) -> None:
        try:
            self._server = await asyncio.get_running_loop().create_server(
                self._make, host, port, ssl=ssl, **tls_patience(ssl)
            )
        except OSError as error:
            raise cannot_listen(host, port, error) from error
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        self._server.close()
        for task in tuple(self._tasks):
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    def _make(self) -> asyncio.StreamReaderProtocol:
        """Give a connection that TCP has accepted its place, before TLS."""
        place = self._slots.take()
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader(loop=loop)
        return asyncio.StreamReaderProtocol(reader, partial(self._accept, place), loop=loop)

    def _accept(
        self, place: ConnectionPlace, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        place.hold()
        task = asyncio.ensure_future(self._handle(place, _TcpPeer(reader, writer, self._clock)))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _handle(self, place: ConnectionPlace, peer: _TcpPeer) -> None:
        try:
            if not self._slots.are_taken and await self._is_introduced(peer):
                await self._handler(peer)
        finally:
            place.free()
            await peer.close()

    async def _is_introduced(self, peer: _TcpPeer) -> bool:
        with contextlib.suppress(OSError, EOFError, TimeoutError):
            return await asyncio.wait_for(peer.introduce(), HANDSHAKE_S)
        return False


async def serve_audiosocket(
    handler: Handler,
    host: str,
    port: int,
    *,
    ssl: tls.SSLContext | None = None,
    max_peers: int = MAX_PEERS,
    clock: Callable[[], int] = time.monotonic_ns,
) -> Server:
    """Listen for AudioSocket over TCP; `handler(peer)` runs for each that gives its UUID first.

    Raises MachineError when the port cannot be had.
    """
    server = _TcpServer(handler, ConnectionSlots(max_peers), clock)
    await server.start(host, port, ssl)
    return server
