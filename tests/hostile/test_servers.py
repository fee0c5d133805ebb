"""Hostile clients of `simulate` and `serve`: neither falls, grows, nor keeps others waiting."""

from __future__ import annotations

import json
import signal
import socket
import struct
import subprocess
import sys
import wave
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.hostile.support import (
    HOSTILE,
    MB,
    Client,
    Watched,
    close_code,
    deflated_bomb,
    is_harmless,
    masked,
    upgrade,
)
from tests.support.cli import VOIPBIN, environment, wait_until
from tests.support.spread import LONG

LIMIT_BYTES = 160 * MB
TINY = 1_000_000 if LONG else 30_000
# Ten seconds are there for a client to say what it wants; one, where nobody has the time.
HANDSHAKE_S = 10.0 if LONG else 1.0
SHORTENED = f"""
from voipbin_cli.transport import websocket_server as server
server.HANDSHAKE_S = {HANDSHAKE_S}
from voipbin_cli.simulator import client_connection as connection
connection.REQUEST_PATIENCE_S = {HANDSHAKE_S}
from voipbin_cli.main import main
raise SystemExit(main())
"""
IMPATIENT = VOIPBIN if LONG else (sys.executable, "-P", "-c", SHORTENED)


@dataclass(frozen=True)
class Running:
    """A server under test: `path` is where a stream can be had."""

    port: int
    path: str
    is_tcp: bool = False

    def joined(self) -> Client:
        """A client that has its stream."""
        client = Client(self.port, self.introduction)
        assert client.read(3)
        return client

    @property
    def introduction(self) -> bytes:
        if self.is_tcp:
            return b"\x01\x00\x10" + bytes(16)  # AudioSocket's UUID
        return upgrade(self.path)

    def is_well(self) -> bool:
        """Whether a well-behaved client gets a second of frames of silence or sound."""
        with Client(self.port, self.introduction) as client:
            return len(client.read(50 * 160)) >= 50 * 160


@contextmanager
def running(directory: Path, *args: str, program: Sequence[str] = VOIPBIN) -> Iterator[Running]:
    """Start it, and end it as Ctrl-C does."""
    with wave.open(str(directory / "tone.wav"), "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(struct.pack("<4h", 0, 8000, 0, -8000) * 2000)
    out, err = directory / "stdout", directory / "stderr"
    with out.open("wb") as stdout, err.open("wb") as stderr:
        process = subprocess.Popen(
            [*program, *args, "--port", "0", "--json"],
            cwd=directory,
            env=environment(directory),
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
        )
    watched = Watched(process)
    try:
        wait_until(lambda: b"\n" in out.read_bytes())
        ready = json.loads(out.read_bytes().splitlines()[0])
        if "api_url" in ready:
            path = f"/v1.0/calls/{ready['call_id']}/media_stream"
            query = f"encapsulation=rtp&token={ready['token']}"
            yield Running(ready["port"], f"{path}?{query}")
        else:
            is_tcp = "://" not in ready["address"]
            url = urlsplit(f"//{ready['address']}" if is_tcp else ready["address"])
            yield Running(url.port or 0, url.path or "/", is_tcp)
    finally:
        process.send_signal(signal.SIGINT)
        status = process.wait(20)
        said = err.read_text() + out.read_text()
    assert status == 0, said
    assert "Traceback" not in said, said
    assert is_harmless(said)
    assert watched.peak_bytes < LIMIT_BYTES


SERVERS = {
    "simulate": ["simulate"],
    "serve": ["stream", "serve", "--file", "tone.wav", "-e", "audiosocket"],
    "serve tcp": [
        *["stream", "serve", "--file", "tone.wav", "--transport", "tcp"],
        *["-e", "audiosocket"],
    ],
}


@pytest.fixture(params=SERVERS)
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Running]:
    with running(tmp_path, *SERVERS[request.param]) as found:
        yield found


def test_whatever_comes_first_the_next_client_is_served(server: Running) -> None:
    beginnings = [
        b"",
        b"\x00" * 100_000,
        b"GET",
        b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 100_000,
        f"GET /{HOSTILE} HTTP/1.1\r\nHost: {HOSTILE}\r\n\r\n".encode(),
        b"POST /auth/login HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n{",
        b"POST /auth/login HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01",  # the start of TLS
        b"\x01\x00\x10" + bytes(15),
        server.introduction[:-1],
    ]
    with ExitStack() as open_ones:
        for data in beginnings:
            client = open_ones.enter_context(Client(server.port))
            client.send(data)
        assert server.is_well()


def test_a_slow_loris_keeps_nobody_waiting(server: Running) -> None:
    """Two hundred clients that never finish what they say."""
    with ExitStack() as open_ones:
        for _ in range(200):
            open_ones.enter_context(Client(server.port, server.introduction[:-1]))
        assert server.is_well()


@pytest.mark.parametrize("name", SERVERS)
def test_a_client_that_drips_is_put_out_in_time(name: str, tmp_path: Path) -> None:
    """Each byte alone is in time; it is the whole that has to be."""
    with ExitStack() as stack:
        server = stack.enter_context(running(tmp_path, *SERVERS[name], program=IMPATIENT))
        silent, half, slow = (
            stack.enter_context(Client(server.port, data))
            for data in (b"", server.introduction[:-1], b"")
        )
        took_s = slow.drip(server.introduction, 3 * HANDSHAKE_S)
        assert took_s is not None
        assert 0.9 * HANDSHAKE_S <= took_s < HANDSHAKE_S + 1.5
        assert silent.is_closed_soon()
        assert half.is_closed_soon()
        with Client(server.port) as quicker:
            assert quicker.drip(server.introduction, HANDSHAKE_S / 2) is None
            assert quicker.read(3)


def test_a_client_that_only_listens_on_is_taken_leave_of(server: Running) -> None:
    """It closes its direction of TCP, after a farewell or without one; ours ends in order, too."""
    if server.is_tcp:
        hangup = b"\x00\x00\x00"
        farewells = {hangup: hangup, b"": hangup}
    else:
        farewells = {masked(8, b"\x03\xe8"): 1000, b"": None}
    for farewell, answer in farewells.items():
        with Client(server.port, server.introduction) as client:
            heard = client.read(20 * 160)
            assert len(heard) >= 20 * 160
            client.send(farewell)
            client.socket.shutdown(socket.SHUT_WR)
            heard += client.to_the_end()
        if server.is_tcp:
            assert heard.endswith(answer)
        else:
            assert close_code(heard.partition(b"\r\n\r\n")[2]) == answer


@pytest.mark.parametrize("server", ["simulate", "serve"], indirect=True)
def test_compression_is_neither_agreed_to_nor_undone(server: Running) -> None:
    """RFC 6455 section 5.2: a reserved bit that was not negotiated fails the connection."""
    offer = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits"
    bomb = masked(2, deflated_bomb(), rsv=4)
    for frame in (bomb, *(masked(2, bytes(4), rsv=bits) for bits in range(1, 8))):
        with Client(server.port, upgrade(server.path, offer)) as client:
            answer = client.read()
            client.send(frame)
            head, _, frames = (answer + client.to_the_end()).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 101 ")
        assert b"sec-websocket-extensions" not in head.lower()
        assert close_code(frames) == 1002


def test_frames_of_every_kind_harm_nobody_else(server: Running) -> None:
    """One client that behaves hears on while others send all there is, one after the other."""
    if server.is_tcp:
        bad = [bytes([kind]) + struct.pack("!H", 4) + b"abcd" for kind in range(256)]
        bad += [b"\x10\xff\xff" + bytes(10), b"\x10\x00\x00" * 1000, HOSTILE.encode() * 100]
    else:
        bad = [masked(op, b"\x03\xe8", fin=fin) for op in range(16) for fin in (True, False)]
        bad += [masked(2, bytes(4), rsv=bits) for bits in range(1, 8)]
        bad += [masked(1, HOSTILE.encode()), masked(8, b"\x03\xe8" + HOSTILE.encode())]
        bad += [masked(2, bytes(size)) for size in (0, 1, 65_535, 65_536, 131_072)]
        bad += [b"\x82\x05hello", masked(2, b"")[:3], b"\x82\xff" + b"\xff" * 8]
        bad += [masked(1, b"\xff\xfe"), masked(9, bytes(126))]
    with server.joined() as listener:
        for data in bad:
            with Client(server.port, server.introduction) as client:
                if not server.is_tcp:  # which has to be asked for a stream first
                    client.read()
                client.send(data)
                client.socket.shutdown(socket.SHUT_WR)
        assert len(listener.read(20 * 160)) >= 20 * 160
    assert server.is_well()


def test_a_hundred_megabytes_are_not_kept(server: Running) -> None:
    head = b"\x10\xff\xff" if server.is_tcp else b"\x82\xff" + struct.pack("!Q", 100_000_000)
    with server.joined() as client:
        client.send(head + bytes(4))
        block, left = bytes(MB), 100
        while client.send(block) and (left := left - 1):
            pass
    assert server.is_well()


@pytest.mark.parametrize("payload", [b"", b"\x00"], ids=["empty", "a byte"])
def test_a_flood_of_tiny_frames_is_lived_through(payload: bytes, server: Running) -> None:
    tiny = b"\x10\x00" + bytes([len(payload)]) + payload if server.is_tcp else masked(2, payload)
    with server.joined() as client:
        for _ in range(TINY // 10_000):
            if not client.send(tiny * 10_000):
                break
    assert server.is_well()


def test_clients_that_read_nothing_are_not_stored_up_for(server: Running) -> None:
    with ExitStack() as open_ones:
        for _ in range(5):
            client = open_ones.enter_context(server.joined())
            client.send(b"\x10\x00\x01a" * 1000 if server.is_tcp else masked(9, bytes(125)) * 1000)
        assert server.is_well()
