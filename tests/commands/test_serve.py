"""`voipbin stream serve` as a user runs it; the platform is played by websocket-client."""

from __future__ import annotations

import io
import json
import signal
import socket
import ssl
import struct
import subprocess
import wave
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import websocket

from tests.support.cli import Result, finish, here, start, voipbin

NOISE = np.random.default_rng(3).integers(-12000, 12000, 1600).astype("<i2").tobytes()


@pytest.fixture
def audio(tmp_path: Path) -> Path:
    """0.2 s in which no frame is silent."""
    with wave.open(str(tmp_path / "noise.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(NOISE)
    return tmp_path


@contextmanager
def serving(cwd: Path, *arguments: str) -> Iterator[tuple[dict[str, Any], list[Result]]]:
    """Run it with --json until the block ends; its first event, and then its result."""
    process = start(
        "stream", "serve", "--file", "noise.wav", "--port", "0", "--json", *arguments, cwd=cwd
    )
    results: list[Result] = []
    try:
        assert process.stdout is not None
        first = process.stdout.readline()
        yield json.loads(first), results
    finally:
        process.send_signal(signal.SIGINT)
        results.append(finish(process))


def messages(url: str, count: int, **options: Any) -> list[bytes]:
    client = websocket.create_connection(url, timeout=20, **options)
    received = [client.recv() for _ in range(count)]
    client.close()
    return received


def test_a_peer_hears_the_file_in_a_loop(audio: Path) -> None:
    with serving(audio, "-e", "audiosocket") as (ready, results):
        url = ready["address"]
        assert ready["action"] == {
            "type": "external_media_start",
            "option": {"url": url, "encapsulation": "audiosocket"},
        }
        frames = messages(url, 5 + 30)
    assert b"".join(frame[3:] for frame in frames[5:]) == NOISE * 3
    (result,) = results
    assert (result.status, result.stderr) == (0, "")
    assert result.summary["peers"] == 1
    assert result.summary["send_error_ms"]["p50"] >= 0


def test_a_file_that_is_cut_is_told_and_what_is_there_is_played(audio: Path) -> None:
    whole = (audio / "noise.wav").read_bytes()
    (audio / "noise.wav").write_bytes(whole[:-1600])
    with serving(audio, "-e", "sln") as (ready, results):
        messages(ready["address"], 10)
    (warning,) = [event for event in results[0].events if event["event"] == "warning"]
    assert warning["message"] == "noise.wav is cut or damaged: 0.10 s of 0.20 s are there"


def test_rtp_is_the_default(audio: Path) -> None:
    with serving(audio) as (ready, _):
        frames = messages(ready["address"], 60)
    assert ready["action"]["option"]["encapsulation"] == "rtp"
    assert {(len(frame), frame[0], frame[1] & 0x7F) for frame in frames} == {(332, 0x80, 96)}


def test_wss_with_a_certificate_of_one_s_own(audio: Path) -> None:
    command = (
        "openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 2 "
        "-subj /CN=localhost -addext subjectAltName=IP:127.0.0.1"
    )
    subprocess.run(command.split(), cwd=audio, check=True, capture_output=True)
    trust = {"ca_certs": str(audio / "cert.pem"), "cert_reqs": ssl.CERT_REQUIRED}
    keys = ["--cert", "cert.pem", "--key", "key.pem", "--token", "s3cret"]
    with serving(audio, "-e", "sln", *keys) as (ready, _):
        assert ready["address"].startswith("wss://")
        assert ready["address"].endswith("/s3cret")
        frames = messages(ready["address"], 15, sslopt=trust)
    assert b"".join(frames[5:]) == NOISE


def test_tcp_speaks_audiosocket(audio: Path) -> None:
    with serving(audio, "--transport", "tcp", "--loop", "1") as (ready, results):
        option = ready["action"]["option"]
        host, port = option["external_host"].rsplit(":", 1)
        assert (option["transport"], option["encapsulation"]) == ("tcp", "audiosocket")
        with socket.create_connection((host, int(port)), 20) as sock:
            sock.sendall(b"\x01\x00\x10" + bytes(range(16)))
            data = sock.makefile("rb").read()
    assert data.endswith(b"\x00\x00\x00")
    assert NOISE[:320] in data
    connected = results[0].events[0]
    assert connected["event"] == "connected"
    assert connected["identity"] == "00010203-0405-0607-0809-0a0b0c0d0e0f"


def test_udp_speaks_rtp(audio: Path) -> None:
    with serving(audio, "--transport", "udp", "--loop", "1") as (ready, results):
        assert ready["action_deployed"] is None
        address = ready["action"]["option"]["external_host"]
        assert ready["action"]["option"] == {
            "external_host": address,
            "encapsulation": "rtp",
            "transport": "udp",
            "connection_type": "client",
            "format": "ulaw",
        }
        host, port = address.rsplit(":", 1)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as phone:
            phone.settimeout(10)
            phone.connect((host, int(port)))
            phone.send(struct.pack("!BBHII", 0x80, 0, 7, 0, 9) + b"\xff" * 160)
            packets = [phone.recv(2048) for _ in range(5 + 10 + 10)]
    assert {(len(packet), packet[1] & 0x7F) for packet in packets} == {(172, 0)}
    assert [event["event"] for event in results[0].events[:2]] == ["connected", "disconnected"]


def test_what_is_said_without_json(audio: Path) -> None:
    process = start(
        "stream", "serve", "--file", "noise.wav", "--port", "0", "--loop", "1", "-e", "sln",
        cwd=audio,
    )  # fmt: skip
    assert process.stdout is not None
    action = json.loads(process.stdout.readline())
    client = websocket.create_connection(action["option"]["url"], timeout=20)
    client.recv()
    client.send("DTMF_END digit:5")
    while client.recv():
        pass
    process.send_signal(signal.SIGTERM)
    result = finish(process)
    lines = result.stderr.splitlines()
    assert result.status == 0
    assert lines[0].startswith("voipbin: listening on ws://127.0.0.1:")
    assert any(line.endswith("peer 1 dtmf: digit 5") for line in lines)
    assert any("peer 1 disconnected: frames_sent 25" in line for line in lines)


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--file", "nothing-there.wav"],
        ["--file", "-"],
        ["--file", "noise.wav", "--transport", "sctp"],
        ["--file", "noise.wav", "--transport", "udp", "-e", "audiosocket"],
        ["--file", "noise.wav", "--transport", "udp", "--token", "x"],
        ["--file", "noise.wav", "--transport", "udp", "--cert", "noise.wav"],
        ["--file", "noise.wav", "--transport", "tcp", "-e", "rtp"],
        ["--file", "noise.wav", "--transport", "tcp", "--token", "x"],
        ["--file", "noise.wav", "--key", "noise.wav"],
        ["--file", "noise.wav", "--cert", "noise.wav"],
        ["--file", "noise.wav", "--record", "noise.wav"],
        ["--file", "noise.wav", "-e", "sln", "--payload", "pcmu"],
    ],
)
def test_wrong_usage_is_told_in_two_lines(arguments: list[str], audio: Path) -> None:
    result = here("stream", "serve", "--port", "0", *arguments, cwd=audio)
    assert result.status == 2
    assert len(result.stderr.splitlines()) in (1, 2)
    assert result.stdout == b""


def test_a_port_that_is_taken_is_status_5(audio: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        udp.bind(("127.0.0.1", int(port)))
        for extra in ([], ["--transport", "tcp"], ["--transport", "udp"]):
            result = voipbin(
                "stream", "serve", "--file", "noise.wav", "--port", port, *extra, cwd=audio
            )
            assert result.status == 5
            assert port in result.stderr


def test_chan_websocket_of_asterisk_gets_what_it_asks_for(audio: Path) -> None:
    """The outside witness of mu-law is libsndfile's decoder."""
    with serving(audio, "--loop", "1") as (ready, _):
        client = websocket.create_connection(ready["address"], timeout=20, subprotocols=["media"])
        client.send(json.dumps({"event": "MEDIA_START", "format": "ulaw", "channel_id": "1.1"}))
        assert json.loads(client.recv()) == {"command": "ANSWER"}
        media = b"".join(client.recv() for _ in range(15))
        client.close()
    raw = io.BytesIO(media)
    heard, _ = soundfile.read(
        raw, channels=1, samplerate=8000, subtype="ULAW", format="RAW", dtype="int16"
    )
    wanted = np.frombuffer(NOISE, "<i2").astype(int)
    # Half of the widest step at this level is 512.
    assert np.abs(heard[800:2400] - wanted).max() <= 512
    assert struct.unpack("<800h", heard[:800].tobytes()) == (0,) * 800


def test_a_file_that_claims_a_sample_a_second_costs_no_disk(tmp_path: Path) -> None:
    with wave.open(str(tmp_path / "slow.wav"), "wb") as file:
        file.setparams((1, 2, 1, 0, "NONE", ""))
        file.writeframes(bytes(2 * 60_000))
    result = here("stream", "serve", "--file", "slow.wav", "--port", "0", cwd=tmp_path)
    assert result.status == 2
    assert "more than 12 hours" in result.stderr
