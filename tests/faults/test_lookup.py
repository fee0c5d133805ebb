"""Names that cannot be looked up: nameservers that do not answer, names that do not exist."""

from __future__ import annotations

import signal
import socket
import struct
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.network import FAR_HOST, Cable, FarPeer, cable
from tests.faults.streams import TOKEN, Paced, decoded, play
from tests.media.witnesses import by_sox
from tests.support.cli import finish, voipbin, wait_until
from tests.support.peer import Close, Fin

# The resolver alone takes 10 s: two attempts of 5 s (resolv.conf(5)).
UNDER_THE_RESOLVERS_TIME_S = 8.0


@pytest.fixture
def wire() -> Iterator[Cable]:
    with cable() as made:
        yield made


@pytest.fixture
def nameserver(wire: Cable) -> Iterator[socket.socket]:
    """It hears every question and never answers."""
    with wire.nameserver() as made:
        made.settimeout(20)
        yield made


@pytest.mark.parametrize(
    "command", [["stream", "record", "wss://calls.example.com/"], ["calls", "list"]]
)
def test_the_time_limit_counts_though_a_lookup_hangs(
    command: list[str], wire: Cable, nameserver: socket.socket, tmp_path: Path
) -> None:
    began = time.monotonic()
    process = wire.start(
        *command, "--connect-timeout", "1", cwd=tmp_path, env=TOKEN, nameserver=FAR_HOST
    )
    result = finish(process)
    assert result.status == 3
    assert "within 1 s" in result.stderr
    assert "--connect-timeout" in result.stderr
    assert time.monotonic() - began < UNDER_THE_RESOLVERS_TIME_S


def test_ctrl_c_counts_though_a_lookup_hangs(
    wire: Cable, nameserver: socket.socket, tmp_path: Path
) -> None:
    process = wire.start(
        *["stream", "record", "ws://calls.example.com/"],
        cwd=tmp_path,
        env={},
        nameserver=FAR_HOST,
    )
    assert b"example" in nameserver.recv(512)
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    result = finish(process)
    assert result.status == 3
    assert "voipbin: ended before there was a connection\n" in result.stderr
    assert time.monotonic() - began < UNDER_THE_RESOLVERS_TIME_S


class Nameserver:
    """Says that every name is the far host (RFC 1035 section 4.1), until it is deaf."""

    def __init__(self, at: socket.socket) -> None:
        self.is_deaf = False
        self.in_vain = 0
        self._socket = at
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                query, sender = self._socket.recvfrom(512)
            except OSError:
                return
            if self.is_deaf:
                self.in_vain += 1
            else:
                self._socket.sendto(self._answer(query), sender)

    def _answer(self, query: bytes) -> bytes:
        """One address, for no time at all; none where IPv6's is asked for."""
        question = query[12 : query.index(0, 12) + 5]
        is_ipv4 = question[-4:-2] == b"\0\1"
        head = query[:2] + struct.pack("!HHHHH", 0x8180, 1, is_ipv4, 0, 0)
        address = struct.pack("!HHHIH", 0xC00C, 1, 1, 0, 4) + socket.inet_aton(FAR_HOST)
        return head + question + (address if is_ipv4 else b"")


def test_a_lookup_that_hangs_when_it_connects_again_is_one_more_attempt(
    wire: Cable, nameserver: socket.socket, tmp_path: Path
) -> None:
    server = Nameserver(nameserver)
    first, second = Paced(25), Paced(25, first=1000)
    first.ending = (Fin(),)
    with FarPeer(wire) as peer:
        play(peer, first, second, ending=(Close(1000),))
        process = wire.start(
            *["stream", "record", peer.url("/", host="calls.example.com"), "-o", "call.wav"],
            *["--connect-timeout", "1", "--json"],
            cwd=tmp_path,
            env={},
            nameserver=FAR_HOST,
        )
        wait_until(lambda: first.sent == 1)
        server.is_deaf = True
        # One attempt asks for both kinds of addresses; a third question is the next attempt's.
        wait_until(lambda: server.in_vain >= 3)
        server.is_deaf = False
        result = finish(process)
    assert result.status == 0, result.stderr
    assert result.summary["reconnects"] == 1
    assert result.summary["filled_seconds"] > 0.9
    pcm = by_sox(tmp_path / "call.wav")
    assert pcm.startswith(decoded(25))
    assert pcm.endswith(decoded(25, first=1000))


def test_a_name_that_does_not_exist_is_named(tmp_path: Path) -> None:
    # RFC 6761 section 6.4: .invalid is never there.
    result = voipbin("stream", "record", "wss://calls.invalid/", cwd=tmp_path)
    assert result.status == 3
    assert "calls.invalid" in result.stderr
    assert "hint: " in result.stderr
