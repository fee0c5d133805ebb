"""Servers that stop, stall, go away and come back, or are not whom they should be."""

from __future__ import annotations

import contextlib
import signal
import socket
import time
import wave
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

from tests.capture.tshark import platform_packets
from tests.faults.network import FarPeer, cable
from tests.faults.streams import (
    CALL,
    STATE,
    TOKEN,
    Call,
    Paced,
    decoded,
    packets,
    play,
)
from tests.hostile.support import MB, Watched
from tests.media.witnesses import by_sox
from tests.support.certificates import Authority, Certificate
from tests.support.cli import finish, start, voipbin, wait_until
from tests.support.peer import NEVER_ANSWER, Fin, Peer, Request, Send, StopReading
from tests.support.spread import LONG

RECORD = ("stream", "record", CALL, "-o", "call.wav", "--json", "--api-url")


# The handshake


def test_a_peer_that_never_finishes_the_handshake_is_given_up(tmp_path: Path) -> None:
    with Peer(upgrade=NEVER_ANSWER) as peer:
        result = voipbin(
            "stream", "record", peer.url("/"), "--connect-timeout", "0.5", cwd=tmp_path
        )
    assert result.status == 3
    assert "did not answer within 0.5 s" in result.stderr


def test_a_peer_that_never_finishes_tls_is_given_up(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        url = f"wss://127.0.0.1:{mute.getsockname()[1]}/"
        result = voipbin("stream", "record", url, "--connect-timeout", "0.5", cwd=tmp_path)
    assert result.status == 3
    assert "within 0.5 s" in result.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_a_handshake_that_does_not(number: signal.Signals, tmp_path: Path) -> None:
    with Peer(upgrade=NEVER_ANSWER) as peer:
        process = start("stream", "record", peer.url("/"), "--connect-timeout", "50", cwd=tmp_path)
        peer.wait_for(lambda p: p.requests)
        process.send_signal(number)
        result = finish(process, timeout=20)
    assert result.status == 3
    assert "before there was a connection" in result.stderr
    assert list(tmp_path.iterdir()) == []


# The stream


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_an_outage(number: signal.Signals, tmp_path: Path) -> None:
    """Between two attempts there is no connection that could end."""
    with Peer() as peer:
        paced = Paced(50)
        play(peer, paced, ending=(Fin(),))
        process = start(
            *["stream", "record", peer.url("/"), "-o", "call.wav", "--capture", "call.pcapng"],
            *["--give-up-after", "60s", "--json"],
            cwd=tmp_path,
        )
        wait_until(lambda: paced.sent == 50)
    assert process.stdout is not None
    while b"reconnecting" not in process.stdout.readline():
        pass
    process.send_signal(number)
    result = finish(process, timeout=20)
    assert result.status == 0
    assert result.summary["close"]["cause"] == "interrupted"
    assert by_sox(tmp_path / "call.wav") == decoded(50)
    assert platform_packets(tmp_path / "call.pcapng") == 50


def test_half_closed_sockets_are_an_end_on_each_side(tmp_path: Path) -> None:
    """The peer has ended its half and keeps the other open: the call goes on elsewhere."""
    call, first, second = Call(), Paced(25), Paced(25, first=1000)
    first.ending = (Fin(),)
    with Peer(routes=call.routes, close_tcp=False) as peer:
        play(peer, first, second, ending=call.end)
        process = start(*RECORD, peer.http_url("/v1.0"), cwd=tmp_path, env=TOKEN)
        wait_until(lambda: second.sent == 25)
        call.over.set()
        result = finish(process)
    assert (result.status, result.summary["reconnects"]) == (0, 1)
    pcm = by_sox(tmp_path / "call.wav")
    assert pcm.startswith(decoded(25))
    assert pcm.endswith(decoded(25, first=1000))


class HalfDeaf(Peer):
    """Ends its half of the second connection in the handshake, and keeps the other open."""

    was_let_go = False

    def _websocket(self, sock: socket.socket, reader: Any, request: Request) -> None:
        if self.upgrades != 1 or self.was_let_go:
            return super()._websocket(sock, reader, request)
        sock.shutdown(socket.SHUT_WR)
        with contextlib.suppress(OSError):
            reader.to_the_end()
        self.was_let_go = True
        return None


def test_a_half_closed_socket_is_an_end_in_the_handshake_of_a_reconnect_too(
    tmp_path: Path,
) -> None:
    call, first, second = Call(), Paced(25), Paced(25, first=1000)
    first.ending = (Fin(),)
    with HalfDeaf(routes=call.routes) as peer:
        play(peer, first, second, ending=call.end)
        process = start(*RECORD, peer.http_url("/v1.0"), cwd=tmp_path, env=TOKEN)
        wait_until(lambda: second.sent == 25)
        call.over.set()
        result = finish(process)
        assert peer.was_let_go
    assert (result.status, result.summary["reconnects"]) == (0, 1)
    pcm = by_sox(tmp_path / "call.wav")
    assert pcm.startswith(decoded(25))
    assert pcm.endswith(decoded(25, first=1000))


class Restarted(Peer):
    """A peer on the port of one that is gone."""

    def __init__(self, port: int, call: Call) -> None:
        super().__init__(routes=call.routes)
        self._listener.close()
        self._listener = socket.create_server(("127.0.0.1", port), backlog=64)
        self.port = port


def test_a_server_that_restarts_is_found_again(tmp_path: Path) -> None:
    call, before, after = Call(), Paced(1000), Paced(25, first=1000)
    with Peer(routes=call.routes) as peer:
        play(peer, before)
        process = start(*RECORD, peer.http_url("/v1.0"), cwd=tmp_path, env=TOKEN)
        wait_until(lambda: before.sent >= 25)
    time.sleep(1)  # nothing listens
    with Restarted(peer.port, call) as peer:
        play(peer, after, ending=call.end)
        wait_until(lambda: after.sent == 25)
        call.over.set()
        result = finish(process)
    summary = result.summary
    assert (result.status, summary["reconnects"]) == (0, 1)
    assert summary["filled_seconds"] > 0.9
    pcm = by_sox(tmp_path / "call.wav")
    assert pcm.startswith(decoded(25))
    assert pcm.endswith(decoded(25, first=1000))


def test_a_peer_that_stops_reading_is_recorded_all_the_same(tmp_path: Path) -> None:
    """Pings stay unanswered, and what comes shows that it lives."""
    with Peer([StopReading(), *map(Send, packets(50))]) as peer:
        result = voipbin(
            *["stream", "record", peer.url("/"), "-o", "call.wav", "-d", "1"], cwd=tmp_path
        )
    assert result.status == 0
    assert by_sox(tmp_path / "call.wav") == decoded(50)


def long_silence(path: Path) -> None:
    """Two hours, 115 MB."""
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(bytes(2 * 8000 * 7200))


@pytest.mark.parametrize(("ending", "status"), [("hang up", 3), ("Ctrl-C", 130)])
def test_a_peer_that_stops_reading_holds_what_is_played_and_not_the_command(
    ending: str, status: int, tmp_path: Path
) -> None:
    """What is not taken stays in the file: a call that went on would hear it from there."""
    long_silence(tmp_path / "long.wav")
    heard = Paced(100)
    heard.ending = (Fin(),)
    with cable() as wire, FarPeer(wire, receive_buffer=2048) as peer:
        wire.narrow()
        peer.scripts = [chain([StopReading()], heard)]
        process = wire.start(
            *["stream", "play", peer.url("/"), "long.wav", "--no-reconnect", "--json"],
            cwd=tmp_path,
            env={},
        )
        watched = Watched(process)
        wait_until(lambda: heard.sent >= 75)
        if ending == "Ctrl-C":
            process.send_signal(signal.SIGINT)
        result = watched.finish(timeout=20)
    assert result.status == status, result.stderr
    assert result.summary["frames_received"] >= 75
    assert not result.summary["all_sent"]
    assert 0 < result.summary["frames_sent"] < 50
    assert 20 * MB < watched.peak_bytes < 100 * MB


@pytest.mark.skipif(not LONG, reason="takes 20 s; VOIPBIN_LONG=1 runs it")
def test_a_peer_that_neither_reads_nor_sends_is_given_up(tmp_path: Path) -> None:
    """No byte comes back for 15 s, not even a pong."""
    with Peer([*map(Send, packets(50)), StopReading()]) as peer:
        result = voipbin(
            *["stream", "record", peer.url("/"), "-o", "call.wav", "--no-reconnect"], cwd=tmp_path
        )
    assert result.status == 3
    assert "nothing came for 15 s" in result.stderr
    assert by_sox(tmp_path / "call.wav") == decoded(50)


# TLS


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca"))


CERTIFICATES = {
    "expired": ("expired", "has expired"),
    "of nobody": ("alone", "self-signed"),
    "of another": ("other", "is for another name"),
}


def make(authority: Authority, name: str) -> Certificate:
    if name == "alone":
        return authority.self_signed(name)
    names = "DNS:other.example" if name == "other" else "DNS:localhost,IP:127.0.0.1"
    return authority.issue(name, names=names, expired=name == "expired")


@pytest.mark.parametrize("kind", CERTIFICATES)
@pytest.mark.parametrize("command", [("stream", "record", CALL), ("calls", "show", CALL)])
def test_a_certificate_that_is_not_good_ends_it_before_the_credential_goes_out(
    kind: str, command: tuple[str, ...], authority: Authority, tmp_path: Path
) -> None:
    name, words = CERTIFICATES[kind]
    certificate = make(authority, name)
    with Peer(tls=certificate.server_context, routes={STATE: NEVER_ANSWER}) as peer:
        api = f"{peer.http_url('/v1.0', host='localhost')}"
        result = voipbin(
            *command, "--api-url", api, "--ca-file", str(authority.ca.cert), cwd=tmp_path, env=TOKEN
        )
        assert peer.requests == []
    assert result.status == 3
    assert words in result.stderr
    assert "hint: " in result.stderr
