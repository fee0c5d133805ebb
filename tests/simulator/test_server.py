"""The server itself: who may connect, hostile clients, TLS, and many streams at once."""

from __future__ import annotations

import asyncio
import os
import ssl
import struct
from pathlib import Path

import pytest
from websockets.asyncio.client import connect

from tests.simulator.support import (
    ask,
    exchange,
    path_of,
    receive,
    simulating,
    stream_url,
    streaming,
    until_closed,
)
from tests.support.aio import run
from tests.support.certificates import Authority
from voipbin_cli.errors import MachineError, UsageError
from voipbin_cli.simulator import client_connection as connection
from voipbin_cli.simulator.catalog import find_scenario
from voipbin_cli.simulator.server import Simulator

KEY = b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n"


def masked(opcode: int, payload: bytes, *, fin: bool = True, claimed: int | None = None) -> bytes:
    """A client's frame by hand (RFC 6455 5.2), masked with zeros."""
    size = len(payload) if claimed is None else claimed
    first = (0x80 if fin else 0) | opcode
    if size < 126:
        head = struct.pack("!BB", first, 0x80 | size)
    elif size < 65_536:
        head = struct.pack("!BBH", first, 0x80 | 126, size)
    else:
        head = struct.pack("!BBQ", first, 0x80 | 127, size)
    return head + bytes(4) + payload


def upgrade(simulator: Simulator, encapsulation: str = "rtp") -> bytes:
    path = path_of(simulator.exchange.target) + "/media_stream"
    query = f"encapsulation={encapsulation}&token={simulator.token}"
    head = (
        f"GET {path}?{query} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    )
    return head.encode() + KEY + b"\r\n"


async def _is_well(simulator: Simulator) -> None:
    """The API answers, and a new stream streams."""
    assert (await ask(simulator, path_of(simulator.exchange.target))).status == 200
    async with streaming(simulator) as socket:
        assert await receive(socket, 2)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.com"])
def test_it_listens_on_loopback_only(host: str) -> None:
    async def main() -> None:
        with pytest.raises(UsageError, match="loopback"):
            Simulator(find_scenario("clean"), host=host)

    run(main())


def test_a_port_that_is_taken_is_said_plainly() -> None:
    async def main() -> None:
        async with simulating() as simulator:
            with pytest.raises(MachineError, match=str(simulator.port)):
                await Simulator(find_scenario("clean"), port=simulator.port).start()

    run(main())


def test_tls(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    certificate = authority.self_signed("server")

    async def main() -> None:
        async with simulating(ssl=certificate.server_context) as simulator:
            assert simulator.describe()["api_url"].startswith("https://")
            trust = ssl.create_default_context(cafile=certificate.cert)
            trust.check_hostname = False
            url = stream_url(simulator)
            assert url.startswith("wss://")
            async with connect(url, ssl=trust, max_queue=None) as socket:
                assert await receive(socket, 3)
                simulator.exchange.hang_up()
                assert (await until_closed(socket))[1] == 1006
            async with connect(url, ssl=trust, max_queue=None) as socket:
                assert (await until_closed(socket))[1] == 1006

    run(main())


def test_the_report_and_the_controls_need_the_token() -> None:
    async def main() -> None:
        async with simulating() as simulator:
            for method, path in (("GET", "/simulator"), ("POST", "/simulator/hang-up")):
                assert (await ask(simulator, path, method=method, token="x")).status == 401
            assert (await ask(simulator, "/simulator")).json["status"] == "progressing"
            assert (await ask(simulator, "/simulator/nothing")).status == 404
            assert (await ask(simulator, "/simulator/hang-up", method="POST")).status == 200
            assert (await ask(simulator, "/simulator")).json["status"] == "hangup"

    run(main())


def test_the_report_adds_up_over_streams_that_are_gone_and_that_are_not() -> None:
    async def main() -> None:
        async with simulating() as simulator:
            async with streaming(simulator, "sln") as one:
                await receive(one, 3)
                await one.send(bytes(320))
            async with streaming(simulator, "sln") as two:
                await receive(two, 2)
                await two.send(bytes(640))
                await receive(two, 2)
                report = simulator.report()
            assert report["received"] == 2
            assert report["fed_ms"] == 60
            assert report["sent"] >= 7
            assert report["streams_joined"] == 2

    run(main())


# Hostile clients.


@pytest.mark.parametrize(
    "data",
    [
        b"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1 TLS to a plain port\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"\0" * 20_000,
        b"A" * 20_000,
        b"POST /auth/login HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n",
        b"\r\n\r\n",
    ],
)
def test_garbage_is_answered_with_an_error_and_a_close(data: bytes) -> None:
    async def main() -> None:
        async with simulating() as simulator:
            assert (await exchange(simulator.port, data)).startswith(b"HTTP/1.1 4")
            await _is_well(simulator)

    run(main())


def test_a_request_that_comes_too_slowly_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "REQUEST_PATIENCE_S", 0.1)

    async def main() -> None:
        async with simulating() as simulator:
            reader, writer = await asyncio.open_connection("127.0.0.1", simulator.port)
            writer.write(b"GET / HT")
            assert await asyncio.wait_for(reader.read(), 5) == b""
            writer.close()

    run(main())


def test_connections_over_the_limit_are_closed_and_places_become_free_again() -> None:
    async def main() -> None:
        async with simulating(max_connections=2) as simulator:
            pairs = [await asyncio.open_connection("127.0.0.1", simulator.port) for _ in range(2)]
            with pytest.raises((OSError, IndexError, ValueError)):
                await ask(simulator, "/v1.0/calls")
            for _, writer in pairs:
                writer.close()
            while simulator.report()["connections"]:
                await asyncio.sleep(0.01)
            await _is_well(simulator)

    run(main())


@pytest.mark.parametrize(
    "frame",
    [
        struct.pack("!BB", 0x82, 3) + b"abc",  # not masked
        masked(0x3, b"x"),  # an opcode that is reserved
        masked(0x9, b"x" * 126),  # a ping over 125 bytes
        masked(0x0, b"x"),  # a continuation of nothing
        b"\xf2\x80\0\0\0\0",  # reserved bits
    ],
)
def test_a_broken_frame_is_a_protocol_error(frame: bytes) -> None:
    async def main() -> None:
        async with simulating() as simulator:
            answer = await exchange(simulator.port, upgrade(simulator) + frame)
            assert answer.startswith(b"HTTP/1.1 101 ")
            assert b"\x03\xea" in answer, "1002"
            await _is_well(simulator)

    run(main())


def test_a_message_of_100_mb_is_cut_off_at_its_header() -> None:
    async def main() -> None:
        async with simulating() as simulator:
            frame = masked(0x2, bytes(1000), claimed=100_000_000)
            answer = await exchange(simulator.port, upgrade(simulator) + frame)
            assert answer.startswith(b"HTTP/1.1 101 ")
            assert len(simulator.report()["violations"]) == 1
            await _is_well(simulator)

    run(main())


def test_fragments_without_end_are_cut_off_when_they_are_too_much() -> None:
    async def main() -> None:
        async with simulating() as simulator:
            frames = masked(0x2, b"", fin=False) + masked(0x0, bytes(1000), fin=False) * 200
            await exchange(simulator.port, upgrade(simulator) + frames)
            assert len(simulator.report()["violations"]) == 1
            await _is_well(simulator)

    run(main())


@pytest.mark.parametrize(
    ("opcode", "payload", "received"),
    [
        (0x2, b"12345", 60_000),  # RTP too short: dropped without a word
        (0x1, b"", 0),
        (0xA, b"", 0),
    ],
)
def test_a_flood_of_tiny_frames_is_lived_through(
    opcode: int, payload: bytes, received: int
) -> None:
    async def main() -> None:
        async with simulating() as simulator:
            frames = masked(opcode, payload) * 60_000 + masked(0x8, struct.pack("!H", 1000))
            answer = await exchange(simulator.port, upgrade(simulator) + frames)
            assert answer.endswith(b"\x88\x02\x03\xe8")
            assert simulator.report()["received"] == received
            await _is_well(simulator)

    run(main())


def test_pings_by_one_who_does_not_read_the_pongs_do_not_pile_up() -> None:
    async def main() -> None:
        async with simulating() as simulator:
            reader, writer = await asyncio.open_connection("127.0.0.1", simulator.port, limit=1024)
            writer.write(upgrade(simulator))
            ping = masked(0x9, bytes(125)) * 1000
            stuck = False
            for _ in range(400):  # 52 MB
                writer.write(ping)
                try:
                    await asyncio.wait_for(writer.drain(), 0.3)
                except TimeoutError:
                    stuck = True
                    break
            assert stuck, "the server stopped reading"
            (theirs,) = simulator._connections
            assert theirs.transport.get_write_buffer_size() < 2 * connection.WRITE_BUFFER_BYTES
            await _is_well(simulator)
            writer.transport.abort()
            del reader

    run(main())


def test_frames_for_one_who_does_not_read_are_dropped_and_then_come_again() -> None:
    async def main() -> None:
        async with simulating() as simulator, streaming(simulator) as socket:
            await receive(socket, 2)
            (theirs,) = simulator._connections
            theirs.pause_writing()
            while simulator.report()["dropped"] < 3:
                await asyncio.sleep(0.01)
            theirs.resume_writing()
            numbers = [int.from_bytes(m[2:4], "big") for m in await receive(socket, 4)]
            assert numbers[-1] > 6, "what was dropped does not come"

    run(main())


def test_a_client_that_goes_away_without_a_word_is_forgotten() -> None:
    async def main() -> None:
        async with simulating() as simulator:
            _, writer = await asyncio.open_connection("127.0.0.1", simulator.port)
            writer.write(upgrade(simulator))
            while not simulator.report()["streams_now"]:
                await asyncio.sleep(0.01)
            writer.transport.abort()
            while simulator.report()["streams_now"] or simulator.report()["connections"]:
                await asyncio.sleep(0.01)

    run(main())


def test_a_hundred_streams_get_every_frame() -> None:
    async def main() -> None:
        async with simulating() as simulator:
            sockets = [
                await connect(stream_url(simulator), compression=None, max_queue=None)
                for _ in range(100)
            ]
            try:
                for socket in sockets:
                    numbers = [int.from_bytes(m[2:4], "big") for m in await receive(socket, 25)]
                    assert numbers == list(range(1, 26))
            finally:
                await asyncio.gather(*(socket.close() for socket in sockets))

    run(main())


def test_random_bytes_after_the_upgrade_kill_nothing() -> None:
    async def main() -> None:
        async with simulating() as simulator:
            for size in (1, 2, 14, 200, 5000):
                _, writer = await asyncio.open_connection("127.0.0.1", simulator.port)
                writer.write(upgrade(simulator) + os.urandom(size))
                await asyncio.sleep(0.02)
                writer.close()
            await _is_well(simulator)

    run(main())
