"""Names that cannot be looked up: nameservers that do not answer, names that do not exist."""

from __future__ import annotations

import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.network import FAR_HOST, Cable, cable
from tests.faults.streams import TOKEN
from tests.support.cli import finish, voipbin

# The resolver alone takes 10 s: two attempts of 5 s (resolv.conf(5)).
UNDER_THE_RESOLVERS_TIME_S = 8.0


@pytest.fixture
def wire() -> Iterator[Cable]:
    with cable() as made:
        yield made


@pytest.fixture
def nameserver(wire: Cable) -> Iterator[socket.socket]:
    """It hears every question and never answers."""
    with wire.deaf_nameserver() as made:
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
    assert result.stderr.startswith("voipbin: ended before there was a connection")
    assert time.monotonic() - began < UNDER_THE_RESOLVERS_TIME_S


def test_a_name_that_does_not_exist_is_named(tmp_path: Path) -> None:
    # RFC 6761 section 6.4: .invalid is never there.
    result = voipbin("stream", "record", "wss://calls.invalid/", cwd=tmp_path)
    assert result.status == 3
    assert "calls.invalid" in result.stderr
    assert "hint: " in result.stderr
