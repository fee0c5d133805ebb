"""One TCP connection: an HTTP request, its answer, and perhaps a media stream after it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol, cast

from voipbin_cli.simulator.http import BadRequest, Request, Response, parse_request
from voipbin_cli.simulator.media_stream import MediaStream
from voipbin_cli.simulator.rest_api import Join

REQUEST_PATIENCE_S = 10.0
# What may wait to be read by a client before frames for it are dropped.
WRITE_BUFFER_BYTES = 256 * 1024


class ConnectionOwner(Protocol):
    """The server, as a connection sees it."""

    def admit(self, connection: ClientConnection) -> bool:
        """Count the connection; False when there are too many."""

    def release(self, connection: ClientConnection) -> None:
        """Forget a connection that is closed."""

    def answer(self, request: Request) -> Response | Join | None:
        """Return the answer, or the stream to join; None: close without an answer."""

    def make_stream(self, join: Join) -> MediaStream:
        """Make the stream that was asked for."""

    def start_stream(self, stream: MediaStream, join: Join) -> None:
        """Begin to send: the stream's upgrade has been answered."""


class ClientConnection(asyncio.Protocol):
    """Reads one request, of bounded size and within REQUEST_PATIENCE_S, and answers it."""

    def __init__(self, owner: ConnectionOwner) -> None:
        self._owner = owner
        self._buffer = bytearray()
        self._stream: MediaStream | None = None
        self._answered = False
        self._patience: asyncio.TimerHandle | None = None
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask the owner to admit the connection; give the client its time for the request."""
        self.transport = cast(asyncio.Transport, transport)
        self.transport.set_write_buffer_limits(high=WRITE_BUFFER_BYTES)
        if not self._owner.admit(self):
            self.transport.abort()
            return
        loop = asyncio.get_running_loop()
        self._patience = loop.call_later(REQUEST_PATIENCE_S, self.transport.abort)

    def data_received(self, data: bytes) -> None:
        """Give the bytes to the stream, or to the request where it is not complete."""
        if self._stream is not None:
            self._stream.receive(data)
        elif not self._answered:
            self._buffer += data
            self._read_request()

    def _read_request(self) -> None:
        try:
            request = parse_request(bytes(self._buffer))
        except BadRequest as error:
            self._respond(Response(error.status))
            return
        if request is None:
            return
        self._buffer.clear()
        answer = self._owner.answer(request)
        if answer is None:
            self._stop_waiting()
            self.transport.abort()
        elif isinstance(answer, Response):
            self._respond(answer)
        else:
            self._join(request, answer)

    def _join(self, request: Request, join: Join) -> None:
        self._stop_waiting()
        stream = self._owner.make_stream(join)
        if not stream.accept(self.transport, request.head):
            self._answered = True
            return
        self._stream = stream
        self._owner.start_stream(stream, join)
        if request.rest:
            stream.receive(request.rest)

    def _respond(self, response: Response) -> None:
        self._answered = True
        self.transport.write(response.serialize())
        self.transport.close()

    def _stop_waiting(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def eof_received(self) -> None:
        """The client is done; the transport closes by itself."""
        if self._stream is not None:
            self._stream.receive_eof()

    def pause_writing(self) -> None:
        """The client does not read: read nothing of it either, and drop frames for it."""
        self._set_writable(False)

    def resume_writing(self) -> None:
        """The client reads again."""
        self._set_writable(True)

    def _set_writable(self, writable: bool) -> None:
        turn: Callable[[], None] = (
            self.transport.resume_reading if writable else self.transport.pause_reading
        )
        turn()
        if self._stream is not None:
            self._stream.is_writable = writable

    def connection_lost(self, _error: Exception | None) -> None:
        """Stop the timer, end the stream, tell the owner."""
        self._stop_waiting()
        if self._stream is not None:
            self._stream.forget("closed")
        self._owner.release(self)
