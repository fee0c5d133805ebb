"""Serving, with another WebSocket implementation (websocket-client) as the platform."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import ssl
import struct
import threading
import time
import wave
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import websocket

from tests.session.test_play import CODES, FRAMES, SILENCE, Told
from tests.support.certificates import Authority
from tests.support.cli import wait_until
from voipbin_cli.codec.codecs import Codec
from voipbin_cli.codec.encapsulation import Encapsulation
from voipbin_cli.codec.g711 import mulaw_to_s16le
from voipbin_cli.session.serve import Serving
from voipbin_cli.session.served_peer import Looped, ServeRequest
from voipbin_cli.transport.tcp_server import serve_audiosocket
from voipbin_cli.transport.udp_server import serve_rtp
from voipbin_cli.transport.websocket_server import Server, serve_websocket

PCM = b"".join(FRAMES)
PLAIN_START = (
    "MEDIA_START connection_id:c channel:WebSocket/c/0x1 channel_id:1.1 format:{} "
    "optimal_frame_size:160 ptime:20"
)


class Served:
    """A server in a thread and an event loop of its own."""

    def __init__(self, serving: Serving, told: Told, port: int) -> None:
        self.serving, self.told, self.port = serving, told, port

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/audio"

    def connect(self, path: str = "/audio", **options: Any) -> websocket.WebSocket:
        url = f"ws://127.0.0.1:{self.port}{path}"
        client = websocket.create_connection(url, timeout=20, **options)
        assert isinstance(client, websocket.WebSocket)
        return client


@contextmanager
def served(
    encapsulation: str = "audiosocket",
    *,
    loop: int = 1,
    pcm: bytes = PCM,
    listen: Callable[..., Awaitable[Server]] = serve_websocket,
    token: str | None = None,
    max_peers: int | None = None,
    **request: Any,
) -> Iterator[Served]:
    told = Told()
    ready: list[Served] = []
    is_ready = threading.Event()
    stop: list[Callable[[], object]] = []

    async def main() -> None:
        asked = ServeRequest(memoryview(pcm), Encapsulation(encapsulation), loop, **request)
        serving = Serving(asked, told)
        options: dict[str, Any] = {"token": token} if token else {}
        if listen in (serve_websocket, serve_rtp):
            options["turned_away"] = serving.turned_away
        if max_peers is not None:
            options["max_peers"] = max_peers
        server = await listen(serving.handle, "127.0.0.1", 0, **options)
        stopped = asyncio.Event()
        running = asyncio.get_running_loop()
        stop.append(lambda: running.call_soon_threadsafe(stopped.set))
        ready.append(Served(serving, told, server.port))
        is_ready.set()
        await stopped.wait()
        await server.close()

    thread = threading.Thread(target=lambda: asyncio.run(main()))
    thread.start()
    try:
        assert is_ready.wait(10)
        yield ready[0]
    finally:
        stop[0]()
        thread.join(20)
    assert not thread.is_alive()


def receive_all(client: websocket.WebSocket) -> list[tuple[int, bytes]]:
    """Every message to the end: (opcode, data); the last may be a close frame."""
    messages = []
    while True:
        try:
            opcode, data = client.recv_data(control_frame=True)
        except (websocket.WebSocketConnectionClosedException, ConnectionError):
            return messages
        if opcode == websocket.ABNF.OPCODE_PING:
            continue
        messages.append((opcode, data))
        if opcode == websocket.ABNF.OPCODE_CLOSE:
            return messages


def binary(messages: list[tuple[int, bytes]]) -> list[bytes]:
    return [data for opcode, data in messages if opcode == websocket.ABNF.OPCODE_BINARY]


def test_audiosocket_messages_hold_the_file_with_silence_around_it() -> None:
    with served() as server:
        client = server.connect()
        messages = receive_all(client)
    frames = binary(messages)
    assert {message[:3] for message in frames} == {b"\x10\x01\x40"}
    payloads = [message[3:] for message in frames]
    assert payloads == [SILENCE] * 5 + FRAMES + [SILENCE] * 10
    assert messages[-1] == (websocket.ABNF.OPCODE_CLOSE, struct.pack("!H", 1000))


def test_sln_is_bare_linear_audio() -> None:
    with served("sln") as server:
        frames = binary(receive_all(server.connect()))
    assert [frame for frame in frames if frame != SILENCE] == FRAMES


def test_rtp_is_as_rfc_3550_says() -> None:
    with served("rtp", payload=Codec.MULAW, payload_type=0) as server:
        frames = binary(receive_all(server.connect()))
    headers = [struct.unpack("!BBHII", frame[:12]) for frame in frames]
    first = headers[0]
    for n, fields in enumerate(headers):
        marker = 0x80 if n == 5 else 0
        expected = ((first[2] + n) & 0xFFFF, (first[3] + 160 * n) & 0xFFFFFFFF, first[4])
        assert fields == (0x80, marker, *expected)
    assert [frame[12:] for frame in frames[5:-10]] == CODES


def test_a_peer_that_sends_shows_what_it_takes() -> None:
    """A documented stream's fingerprint: payload type 0, a random SSRC."""
    with served("rtp") as server:
        client = server.connect()
        client.send_binary(struct.pack("!BBHII", 0x80, 0, 777, 4242, 0xABCDEF01) + CODES[0])
        frames = binary(receive_all(client))
    sound = [frame for frame in frames if frame[1] & 0x7F == 0 and frame[12:] in CODES]
    assert [frame[12:] for frame in sound] == CODES


def test_the_loop_has_no_seam() -> None:
    # 5.5 frames, three times: 16.5 frames, the last of which is padded.
    pcm = PCM[: 320 * 5 + 160]
    with served(loop=3, pcm=pcm) as server:
        frames = binary(receive_all(server.connect()))
    assert b"".join(frame[3:] for frame in frames[5:-10]) == pcm * 3 + bytes(160)


def test_looped_for_ever_is_never_over() -> None:
    source = Looped(memoryview(FRAMES[0] + FRAMES[1]), 0)
    assert [source.next_frame() for _ in range(5)] == [FRAMES[n % 2] for n in range(5)]
    assert not source.is_over


def test_many_at_once_each_hear_all_of_it_on_their_own_grid() -> None:
    with served() as server:
        clients = [server.connect() for _ in range(60)]
        threads, heard = [], [[] for _ in clients]  # type: ignore[var-annotated]
        for n, client in enumerate(clients):
            thread = threading.Thread(
                target=lambda n=n, c=client: heard[n].extend(binary(receive_all(c)))
            )
            thread.start()
            threads.append(thread)
        for thread in threads:
            thread.join(60)
        wait_until(lambda: server.serving.connected == 0)
        summary = server.serving.summary()
    for frames in heard:
        assert [frame[3:] for frame in frames[5:-10]] == FRAMES
    assert summary["peers"] == 60
    assert summary["frames_sent"] == 60 * 55


@pytest.mark.parametrize("is_json", [False, True])
@pytest.mark.parametrize(("name", "payloads"), [("ulaw", CODES), ("slin", FRAMES)])
def test_chan_websocket_gets_bare_media_in_its_format(
    is_json: bool, name: str, payloads: list[bytes]
) -> None:
    start = PLAIN_START.format(name)
    if is_json:
        start = json.dumps({"event": "MEDIA_START", "format": name, "optimal_frame_size": 160})
    with served("rtp") as server:
        client = server.connect(subprotocols=["media"])
        assert client.getsubprotocol() == "media"
        client.send(start)
        messages = receive_all(client)
    frames = binary(messages)
    assert frames[5:-10] == payloads
    texts = [data.decode() for opcode, data in messages if opcode == websocket.ABNF.OPCODE_TEXT]
    commands = [json.loads(text)["command"] if is_json else text for text in texts]
    assert commands == ["ANSWER", "HANGUP"]
    assert server.told.of("media-start")[0]["format"] in ("mulaw", "s16le")


def test_xoff_pauses_and_xon_goes_on_where_it_was() -> None:
    with served() as server:
        client = server.connect()
        client.send(PLAIN_START.format("ulaw"))
        before = [client.recv() for _ in range(20)]
        client.send("MEDIA_XOFF")
        wait_until(lambda: {"peer": 1, "paused": True} in server.told.of("flow"))
        time.sleep(0.3)
        client.send("MEDIA_XON")
        wait_until(lambda: {"peer": 1, "paused": False} in server.told.of("flow"))
        after = [data for opcode, data in receive_all(client) if opcode == 2]
    media = [message for message in before if isinstance(message, bytes)] + after
    assert media[5:-10] == CODES
    assert server.serving.late_frames >= 1


def test_digits_are_told_and_what_is_strange_is_no_harm() -> None:
    with served() as server:
        client = server.connect()
        client.send(PLAIN_START.format("ulaw"))
        client.send("DTMF_END digit:7 channel_id:1.1")
        client.send('{"event":"DTMF_END","digit":"#"}')
        for text in ("what is this\x1b[31m", "{", "MEDIA_XYZZY a:b", "MEDIA_START format:alaw"):
            client.send(text)
        frames = binary(receive_all(client))
    assert [fields["digit"] for fields in server.told.of("dtmf")] == ["7", "#"]
    assert frames[5:-10] == CODES
    assert not any("\x1b" in str(fields) for _, fields in server.told)


def test_a_format_that_is_not_8_khz_is_hung_up_on() -> None:
    with served() as server:
        client = server.connect()
        client.send(PLAIN_START.format("slin16"))
        messages = receive_all(client)
    assert binary(messages) == []
    assert (websocket.ABNF.OPCODE_TEXT, b"HANGUP") in messages
    assert "slin16" in server.told.of("warning")[0]["message"]


def test_what_peers_send_is_kept(tmp_path: Path) -> None:
    with served("sln", record=tmp_path) as server:
        client = server.connect()
        for codes in CODES:
            client.send_binary(codes)
        receive_all(client)
        wait_until(lambda: server.serving.connected == 0)
    (path,) = tmp_path.iterdir()
    assert path.name.startswith("peer-1-127.0.0.1-")
    with wave.open(str(path)) as file:
        assert file.readframes(file.getnframes()) == mulaw_to_s16le(b"".join(CODES))


def test_a_peer_that_sends_faster_than_time_passes_fills_no_disk(tmp_path: Path) -> None:
    with served("sln", loop=0, record=tmp_path) as server:
        client = server.connect()
        for _ in range(20):
            client.send_binary(bytes(2 * 8000))
        wait_until(lambda: "ahead of time" in str(server.told))
        client.close()
        wait_until(lambda: server.serving.connected == 0)
    (path,) = tmp_path.iterdir()
    with wave.open(str(path)) as file:
        assert 9 * 8000 <= file.getnframes() <= 13 * 8000


def test_strangers_fill_no_disk_to_its_end(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr("voipbin_cli.session.served_peer.LEFT_FREE_BYTES", 1 << 60)
    with served("sln", loop=0, record=tmp_path) as server:
        client = server.connect()
        client.send_binary(bytes(320))
        wait_until(lambda: "MiB are free" in str(server.told))
        client.close()
    assert not list(tmp_path.iterdir())


def test_a_web_page_hears_nothing_unless_it_knows_the_token() -> None:
    with served() as server:
        with pytest.raises(websocket.WebSocketBadStatusException) as caught:
            server.connect(origin="https://example.com")
        assert caught.value.status_code == 403
        assert "https://example.com" in str(server.told)
        assert server.serving.peers == 0
    with served(token="s3cret") as server:
        server.connect("/s3cret", origin="https://example.com").close()


def test_only_the_token_s_path_is_there() -> None:
    with served(token="s3cret") as server:
        for path in ("/", "/audio", "/s3cre", "/s3cret/x", "/%73"):
            with pytest.raises(websocket.WebSocketBadStatusException) as caught:
                server.connect(path)
            assert caught.value.status_code == 404
        server.connect("/s3cret").close()


def test_there_are_only_so_many_at_once() -> None:
    with served(loop=0, max_peers=2) as server:
        first, second = server.connect(), server.connect()
        with pytest.raises(websocket.WebSocketBadStatusException) as caught:
            server.connect()
        assert caught.value.status_code == 503
        first.close()
        wait_until(lambda: server.serving.connected == 1)
        server.connect().close()
        second.close()


def is_let_in(port: int, trusting: ssl.SSLContext) -> bool:
    with socket.create_connection(("127.0.0.1", port)) as connection:
        try:
            trusting.wrap_socket(connection, server_hostname="127.0.0.1").close()
        except OSError:
            return False
    return True


@pytest.mark.parametrize("listen", [serve_websocket, serve_audiosocket])
def test_connections_that_never_get_through_tls_count_and_end(
    listen: Any, tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.setattr("voipbin_cli.transport.websocket_server.HANDSHAKE_S", 0.5)
    monkeypatch.setattr("voipbin_cli.transport.websocket_server.CLOSE_S", 0.1)
    authority = Authority(tmp_path)
    context = authority.issue("serve", names="IP:127.0.0.1").server_context
    trusting = ssl.create_default_context(cafile=authority.ca.cert)
    with served(loop=0, max_peers=2, listen=partial(listen, ssl=context)) as server:
        # Twice as many as there are places, spare ones included: the rest is closed at once.
        idle = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(8)]
        began_s = time.monotonic()
        for connection in idle:
            connection.settimeout(10)
            with contextlib.suppress(ConnectionError):
                assert connection.recv(1) == b""
        assert time.monotonic() - began_s < 5
        wait_until(lambda: is_let_in(server.port, trusting))
        for connection in idle:
            connection.close()


def test_a_message_that_is_too_long_ends_the_connection() -> None:
    with served(loop=0) as server:
        client = server.connect()
        client.send_binary(bytes(200_000))
        close = receive_all(client)[-1]
    assert close[0] == websocket.ABNF.OPCODE_CLOSE
    assert struct.unpack("!H", close[1][:2]) == (1009,)


def test_a_shutdown_closes_in_order() -> None:
    with served(loop=0) as server:
        client = server.connect()
        client.recv()
    close = receive_all(client)[-1]
    assert struct.unpack("!H", close[1][:2]) == (1001,)


# AudioSocket over TCP

CALL = UUID("5f2a8c1e-0d3b-4c57-9e6f-2b7d1a4c8e90")


def read_frames(sock: socket.socket) -> list[tuple[int, bytes]]:
    """Frames by the specification: kind, length (big-endian), payload."""
    data = b""
    while chunk := sock.recv(65536):
        data += chunk
    frames, at = [], 0
    while at < len(data):
        kind, size = struct.unpack_from("!BH", data, at)
        frames.append((kind, data[at + 3 : at + 3 + size]))
        at += 3 + size
    assert at == len(data)
    return frames


def test_tcp_begins_with_a_uuid_and_ends_with_the_hangup() -> None:
    with served(listen=serve_audiosocket) as server:
        with socket.create_connection(("127.0.0.1", server.port), 20) as sock:
            sock.sendall(b"\x01\x00\x10" + CALL.bytes)
            frames = read_frames(sock)
        (connected,) = server.told.of("connected")
    assert connected["identity"] == str(CALL)
    assert frames[-1] == (0, b"")
    assert {kind for kind, _ in frames[:-1]} == {0x10}
    assert [payload for _, payload in frames[5:-11]] == FRAMES


@pytest.mark.parametrize(
    "first", [b"\x10\x01\x40" + SILENCE, b"\x01\x00\x04abcd", b"GET / HTTP/1.1\r\n"]
)
def test_tcp_without_a_uuid_hears_nothing(first: bytes) -> None:
    with served(listen=serve_audiosocket, loop=0) as server:
        with socket.create_connection(("127.0.0.1", server.port), 20) as sock:
            sock.sendall(first)
            heard = b""
            try:
                while chunk := sock.recv(65536):
                    heard += chunk
            except ConnectionResetError:
                pass
        assert server.serving.peers == 0
    assert heard in (b"", b"\x00\x00\x00")


def test_tcp_tells_digits_and_ends_with_the_peer_s_hangup(tmp_path: Path) -> None:
    with served(listen=serve_audiosocket, loop=0, record=tmp_path) as server:
        with socket.create_connection(("127.0.0.1", server.port), 20) as sock:
            sent = b"\x01\x00\x10" + CALL.bytes + b"\x03\x00\x015"
            sent += b"".join(b"\x10\x01\x40" + frame for frame in FRAMES) + b"\x00\x00\x00"
            for at in range(0, len(sent), 1000):  # cut anywhere
                sock.sendall(sent[at : at + 1000])
            frames = read_frames(sock)
        assert server.told.of("dtmf")[0]["digit"] == "5"
        wait_until(lambda: server.serving.connected == 0)
    assert frames[-1] == (0, b"")
    (path,) = tmp_path.iterdir()
    assert str(CALL) in path.name
    with wave.open(str(path)) as file:
        assert file.readframes(file.getnframes()) == PCM


def test_tcp_shuts_down_with_a_hangup() -> None:
    with served(listen=serve_audiosocket, loop=0) as server:
        sock = socket.create_connection(("127.0.0.1", server.port), 20)
        sock.sendall(b"\x01\x00\x10" + CALL.bytes)
        assert sock.recv(3)
    frames = sock.makefile("rb").read()
    sock.close()
    assert frames.endswith(b"\x00\x00\x00")


# RTP over UDP


class Phone:
    """A UDP socket that speaks RTP to a server, and keeps what it hears."""

    def __init__(self, port: int, payload_type: int = 0) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.settimeout(5)
        self.socket.connect(("127.0.0.1", port))
        self._payload_type = payload_type

    def say(self, n: int, payload: bytes) -> None:
        header = struct.pack(
            "!BBHII", 0x80, self._payload_type, (65534 + n) & 0xFFFF, 160 * n, 0xABCDEF01
        )
        self.socket.send(header + payload)

    def hear(self, count: int) -> list[bytes]:
        return [self.socket.recv(2048) for _ in range(count)]


def test_over_udp_the_first_packet_is_answered_in_its_own_form() -> None:
    """Payload type 0 is mu-law, where nothing but silence was heard, too."""
    with served("rtp", pcm=PCM[: 320 * 10], listen=serve_rtp) as server:
        phone = Phone(server.port)
        phone.say(0, b"\xff" * 160)
        packets = phone.hear(5 + 10 + 10)
        wait_until(lambda: server.serving.connected == 0)
    headers = [struct.unpack("!BBHII", packet[:12]) for packet in packets]
    numbers = [fields[2] - headers[0][2] & 0xFFFF for fields in headers]
    assert numbers == list(range(len(packets)))
    assert {fields[1] & 0x7F for fields in headers} == {0}
    sound = [packet[12:] for packet in packets if packet[12:] != b"\xff" * 160]
    assert sound == [codes for codes in CODES[:10] if codes != b"\xff" * 160]
    came_from = phone.socket.getsockname()[1]
    assert server.told.of("connected")[0]["address"] == f"127.0.0.1:{came_from}"


def test_over_udp_what_comes_is_kept_in_order_and_once(tmp_path: Path) -> None:
    with served("rtp", loop=0, listen=serve_rtp, record=tmp_path) as server:
        phone = Phone(server.port)
        for n in (0, 2, 1, 1, 3, *range(4, len(CODES))):
            phone.say(n, CODES[n])
        wait_until(lambda: bool(server.told.of("recording")))
        time.sleep(0.1)
    (path,) = tmp_path.iterdir()
    with wave.open(str(path)) as file:
        assert file.readframes(file.getnframes()) == mulaw_to_s16le(b"".join(CODES))


def test_over_udp_strangers_are_told_and_get_nothing() -> None:
    with served("rtp", loop=0, listen=serve_rtp, max_peers=1) as server:
        stranger, second = Phone(server.port), Phone(server.port)
        stranger.socket.send(b"GET / HTTP/1.1\r\n\r\n")
        wait_until(lambda: "sends no RTP" in str(server.told))
        phone = Phone(server.port)
        phone.say(0, CODES[0])
        phone.hear(1)
        second.say(0, CODES[0])
        wait_until(lambda: "1 peers are there already" in str(server.told))
        for unanswered in (stranger, second):
            unanswered.socket.settimeout(0.1)
            with pytest.raises(TimeoutError):
                unanswered.hear(1)
    assert server.serving.peers == 1


def test_over_udp_who_was_served_to_the_end_is_not_served_again() -> None:
    with served("rtp", pcm=PCM[:640], listen=serve_rtp) as server:
        phone = Phone(server.port)
        phone.say(0, CODES[0])
        wait_until(lambda: bool(server.told.of("disconnected")))
        phone.say(1, CODES[1])
        time.sleep(0.1)
        assert server.serving.peers == 1
