"""Ports that cannot be had: what is said, and what helps."""

from __future__ import annotations

import asyncio
import errno
import socket
from pathlib import Path

import pytest
from websockets.datastructures import Headers

from tests.support.cli import voipbin
from voipbin_cli.transport.listening import cannot_listen, foreign_page, most_peers, tell_when_full


@pytest.mark.parametrize(
    ("error", "message", "hint"),
    [
        (OSError(errno.EADDRINUSE, "x"), "port 8765 is in use", "choose another with --port"),
        (OSError(errno.EADDRNOTAVAIL, "x"), "no such address", "--host 0.0.0.0"),
        (socket.gaierror(-2, "unknown"), "no such address", "--host 0.0.0.0"),
        (OSError(errno.EACCES, "denied"), "denied", "--port"),
        (OSError(errno.EMFILE, "too many files"), "too many files", "--port"),
        (OverflowError("out of range"), "out of range", "--port"),
    ],
)
def test_a_port_that_cannot_be_had_is_told_by_its_cause(
    error: OSError, message: str, hint: str
) -> None:
    told = cannot_listen("h", 8765, error)
    assert message in told.message
    assert hint in told.hint


def test_a_port_of_the_system_is_told_as_one() -> None:
    told = cannot_listen("h", 80, OSError(errno.EACCES, "denied"), option="--proxy")
    assert told.message == "port 80 is kept for the system"
    assert told.hint == "choose one of 1024 or above with --proxy"


@pytest.mark.parametrize(
    ("command", "option"),
    [
        (("simulate", "--port"), "--port"),
        (("stream", "serve", "--file", "a.wav", "--port"), "--port"),
        (("stream", "serve", "--file", "a.wav", "--transport", "tcp", "--port"), "--port"),
        (("stream", "validate", "ws://127.0.0.1:1/", "--proxy"), "--proxy"),
    ],
)
def test_every_server_says_so_in_the_same_words(
    command: tuple[str, ...], option: str, tmp_path: Path
) -> None:
    rate = (8000).to_bytes(4, "little") + (16000).to_bytes(4, "little")
    head = b"RIFF" + (36 + 320).to_bytes(4, "little") + b"WAVEfmt " + (16).to_bytes(4, "little")
    form = b"\1\0\1\0" + rate + b"\2\0\x10\0data" + (320).to_bytes(4, "little")
    (tmp_path / "a.wav").write_bytes(head + form + bytes(320))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = voipbin(*command, str(port), cwd=tmp_path)
    assert result.status == 5
    assert result.stderr.endswith(
        f"voipbin: port {port} is in use\nhint: choose another with {option}\n"
    )


@pytest.mark.parametrize(
    ("headers", "is_on_loopback", "is_foreign"),
    [
        ({"Host": "127.0.0.1:8765"}, True, False),
        ({"Host": "localhost:8765", "Origin": "http://localhost:3000"}, True, False),
        ({"Host": "[::1]:8765", "Origin": "http://[::1]"}, True, False),
        ({"Host": "127.0.0.1:8765", "Origin": "https://example.com"}, True, True),
        ({"Host": "127.0.0.1:8765", "Origin": "null"}, True, True),
        ({"Host": "127.0.0.1:8765", "Origin": "http://["}, True, True),
        ({"Host": "example.com:8765", "Origin": "http://localhost"}, True, True),
        ({"Host": "example.com:8765"}, True, True),
        ({"Host": "example.com:8765"}, False, False),
        ({"Host": "example.com", "Origin": "http://example.com"}, False, True),
        ({"Host": "192.0.2.7:8765", "Origin": "http://192.0.2.7:8765"}, False, False),
        ({"Host": "192.0.2.7:8765", "Origin": "http://192.0.2.8:8765"}, False, True),
        ({}, True, False),
    ],
)
def test_pages_of_other_hosts_are_told_by_origin_and_host(
    headers: dict[str, str], is_on_loopback: bool, is_foreign: bool
) -> None:
    assert bool(foreign_page(Headers(headers), is_on_loopback=is_on_loopback)) is is_foreign


def test_an_origin_that_is_given_twice_hides_nothing() -> None:
    headers = Headers([("Origin", "http://localhost"), ("Origin", "https://example.com")])
    assert "example.com" in foreign_page(headers, is_on_loopback=False)


@pytest.mark.parametrize(
    ("soft", "hard", "files_each", "peers", "raised"),
    [
        (1024, 4096, 1, 1000, 1096),  # 32 of our own, 1000, and 64 that are told so
        (1024, 1024, 1, 928, 1024),
        (1024, 1024, 2, 464, 1024),
        (64, 64, 1, 16, 64),
        (20, 20, 1, 1, 20),
        (-1, -1, 2, 1000, -1),
    ],
)
def test_there_are_no_more_peers_than_files(
    soft: int,
    hard: int,
    files_each: int,
    peers: int,
    raised: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    limits = [(soft, hard)]
    monkeypatch.setattr("resource.getrlimit", lambda _which: limits[-1])
    monkeypatch.setattr("resource.setrlimit", lambda _which, both: limits.append(both))
    assert most_peers(1000, 64, files_each) == peers
    assert limits[-1] == (raised, hard)


def test_a_full_table_of_files_is_told_once_and_in_words(caplog: pytest.LogCaptureFixture) -> None:
    loop, told = asyncio.new_event_loop(), list[str]()
    tell_when_full(loop, told.append)
    for _ in range(3):
        full = OSError(errno.EMFILE, "Too many open files")
        loop.call_exception_handler({"message": "out of system resource", "exception": full})
    assert told == ["connections wait: Too many open files"]
    assert not caplog.text
    loop.call_exception_handler({"message": "another thing"})
    assert "another thing" in caplog.text
    loop.close()
