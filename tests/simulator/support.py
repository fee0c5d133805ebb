"""A client of the simulator for its tests: the websockets library, and HTTP by hand."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from voipbin_cli.simulator.catalog import find_scenario
from voipbin_cli.simulator.rooms import Room
from voipbin_cli.simulator.scenario import RoomKind
from voipbin_cli.simulator.server import Simulator


class Answer(NamedTuple):
    """What came back over HTTP."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@asynccontextmanager
async def simulating(
    names: str = "clean", options: Mapping[str, str] | None = None, **arguments: Any
) -> AsyncIterator[Simulator]:
    """A simulator inside this event loop."""
    async with Simulator(find_scenario(names, options), **arguments) as simulator:
        yield simulator


async def exchange(port: int, data: bytes) -> bytes:
    """Send raw bytes and read until the server closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(data)
    try:
        return await reader.read()
    finally:
        writer.close()


async def ask(
    simulator: Simulator,
    path: str,
    *,
    method: str = "GET",
    token: str | None = None,
    body: bytes = b"",
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """One HTTP request with the simulator's token, another one, or (an empty one) none."""
    secret = simulator.token if token is None else token
    lines = [f"{method} {path} HTTP/1.1", "Host: x", f"Content-Length: {len(body)}"]
    lines += [f"Authorization: Bearer {secret}"] if secret else []
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    raw = await exchange(simulator.port, "\r\n".join([*lines, "", ""]).encode() + body)
    head, _, content = raw.partition(b"\r\n\r\n")
    first, *rest = head.decode().split("\r\n")
    named = dict(line.split(": ", 1) for line in rest)
    return Answer(int(first.split()[1]), named, content)


def path_of(room: Room) -> str:
    return f"/v1.0/{'calls' if room.kind is RoomKind.CALL else 'conferences'}/{room.id}"


def stream_url(
    simulator: Simulator, encapsulation: str = "rtp", *, room: Room | None = None, **query: str
) -> str:
    """Where the media of `room` (the scenario's) is."""
    credentials = query or {"token": simulator.token}
    fields = {"encapsulation": encapsulation} | credentials
    text = "&".join(f"{name}={value}" for name, value in fields.items())
    path = path_of(room or simulator.exchange.target)
    return f"{simulator.origin.replace('http', 'ws', 1)}{path}/media_stream?{text}"


@asynccontextmanager
async def streaming(
    simulator: Simulator, encapsulation: str = "rtp", *, room: Room | None = None, **options: Any
) -> AsyncIterator[ClientConnection]:
    """A media stream, open."""
    url = stream_url(simulator, encapsulation, room=room)
    async with connect(
        url, compression=None, ping_interval=None, max_queue=None, **options
    ) as socket:
        yield socket


async def receive(socket: ClientConnection, count: int) -> list[bytes]:
    """The next `count` messages."""
    messages = [await asyncio.wait_for(socket.recv(), 5) for _ in range(count)]
    assert all(isinstance(message, bytes) for message in messages)
    return [bytes(message) for message in messages]  # type: ignore[arg-type]


async def until_closed(socket: ClientConnection) -> tuple[int, int]:
    """Read on until the end: the number of messages, and the close code."""
    count = 0
    try:
        while True:
            await asyncio.wait_for(socket.recv(), 10)
            count += 1
    except ConnectionClosed as error:
        return count, error.rcvd.code if error.rcvd else 1006


async def is_mute(socket: ClientConnection, seconds: float = 0.15) -> bool:
    """Whether nothing comes for a while."""
    try:
        await asyncio.wait_for(socket.recv(), seconds)
    except TimeoutError:
        return True
    return False
