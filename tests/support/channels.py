"""The client's channel without a socket: what it makes of bytes that are cut anyhow."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any, NamedTuple

from websockets.client import ClientProtocol
from websockets.uri import parse_uri

from tests.support.peer import upgrade_answer
from voipbin_cli.transport.channel import Ending, MessageChannel
from voipbin_cli.transport.websocket_framing import Framing

MAX_SIZE = 1000


class LibraryAlone(Framing):
    """Takes nothing out: the library judges every frame."""

    def split(self, data: bytes) -> tuple[list[bytes], bytes]:
        """All of it is the library's."""
        return [], data


class Heard(NamedTuple):
    """The messages, how it ended, and the sizes of what was written back."""

    messages: list[bytes | str]
    ending: Ending | None
    written: list[int]


class _Wire(asyncio.Transport):
    """Takes what is written, and goes nowhere."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[int] = []

    def write(self, data: Any) -> None:
        self.written.append(len(data))

    def write_eof(self) -> None:
        self.written.append(0)

    def can_write_eof(self) -> bool:
        return True

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        pass

    def get_write_buffer_size(self) -> int:
        return 0

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass

    def abort(self) -> None:
        pass


def heard(pieces: Iterable[bytes], framing: Framing, close_at: int | None = None) -> Heard:
    """What a channel makes of the frames in `pieces`; the first stands behind the upgrade's answer.

    The end of the stream follows. `close_at`: with this piece the channel begins to close.
    """

    async def main() -> Heard:
        protocol = ClientProtocol(parse_uri("ws://127.0.0.1/"), max_size=MAX_SIZE)
        channel, wire = MessageChannel(protocol, clock=lambda: 0, framing=framing), _Wire()
        channel.connection_made(wire)
        request = protocol.connect()
        protocol.send_request(request)
        channel.send_data()
        answer = upgrade_answer(request.headers["Sec-WebSocket-Key"])
        # Cut within the four octets that end its head.
        channel.data_received(answer[:-3])
        channel.data_received(answer[-3:-1])
        first, *others = [*pieces] or [b""]
        for n, piece in enumerate((answer[-1:] + first, *others)):
            if n == close_at and n:
                channel.start_closing(1000)
            if piece:
                channel.data_received(piece)
        channel.eof_received()
        channel.connection_lost(None)
        return Heard(
            [message.data for message in channel.take_messages()], channel.ending, wire.written
        )

    return asyncio.run(main())
