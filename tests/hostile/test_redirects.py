"""Answers that lead elsewhere, or nowhere: the credential stays, and time limits count."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.faults.streams import CALL, STATE, STREAM, TOKEN, decoded, packet, packets
from tests.media.witnesses import by_stdlib_wave
from tests.support.cli import finish, start, voipbin
from tests.support.peer import BINARY, Answer, Fin, Peer, Raw, Send, Step, frame_bytes
from tests.support.spread import LONG

COMMANDS = [
    ["stream", "record", CALL],
    ["stream", "play", CALL, "--dtmf", "1"],
    ["stream", "validate", CALL, "-d", "1"],
    ["calls", "list"],
    ["calls", "show", CALL],
    ["conferences", "list"],
]
PATHS = [STATE[1], "/v1.0/calls", "/v1.0/conferences"]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda c: " ".join(c[:2]))
@pytest.mark.parametrize("auth", ["query", "header"] if LONG else ["query"])
def test_a_redirect_to_another_host_takes_no_credential_along(
    command: list[str], auth: str, tmp_path: Path
) -> None:
    status = 307 if auth == "query" else 302
    with Peer() as other:
        elsewhere = other.http_url(f"{STREAM}?token=none", host="localhost")
        answer = Answer(status, {"Location": elsewhere})
        with Peer(upgrade=answer, routes={("GET", path): answer for path in PATHS}) as peer:
            result = voipbin(
                *[*command, "--auth", auth, "--api-url", peer.http_url("/v1.0")],
                cwd=tmp_path,
                env=TOKEN,
            )
        assert peer.requests
        assert other.connections == 0
    said = result.stderr + result.stdout.decode()
    assert result.status == 3
    assert f"redirects (HTTP {status}) to {other.http_url(STREAM, host='localhost')}, and" in said
    assert TOKEN["VOIPBIN_TOKEN"] not in said


# A line of HTTP may have 8 kB; this one takes 80 s.
HEADERS = {"X": "y" * 4_000}
SLOWLY = Answer(headers=HEADERS, drip=0.02)
SLOW_UPGRADE = Answer(101, HEADERS, drip=0.02)
DRIPPING = {
    "upgrade": (["stream", "record", CALL], "101 but not as a WebSocket server must (the answer "),
    "api": (["calls", "list"], "no answer from "),
}


@pytest.mark.parametrize("way", DRIPPING)
def test_an_answer_that_drips_is_cut_off(way: str, tmp_path: Path) -> None:
    """A byte now and then, for minutes: each alone is in time."""
    command, told = DRIPPING[way]
    with Peer(upgrade=SLOW_UPGRADE, routes={("GET", path): SLOWLY for path in PATHS}) as peer:
        options = ["--connect-timeout", "1", "--api-url", peer.http_url("/v1.0")]
        process = start(*command, *options, cwd=tmp_path, env=TOKEN)
        peer.wait_for(lambda p: p.requests)
        asked = time.monotonic()
        result = finish(process, timeout=20)
        took_s = time.monotonic() - asked
    assert result.status == 3
    assert told in result.stderr
    assert 0.5 < took_s < 4  # it counts from before the request, and ends before the process


PARTS = frame_bytes(BINARY, packet(5))


def dripping(pause_s: float) -> list[Step]:
    """Five messages at once, one byte by byte, five at once."""
    before, after = map(Send, packets(5)), map(Send, packets(5, first=6))
    return [*before, Raw(PARTS, drip=pause_s), *after, Fin()]


def test_a_frame_that_drips_is_waited_for(tmp_path: Path) -> None:
    """Any byte is a sign of life; the message is whole with its last one, and one."""
    with Peer(dripping(0.005)) as peer:
        command = ["stream", "record", peer.url("/"), "-o", "call.wav", "--no-fill", "--json"]
        result = voipbin(*command, "--no-reconnect", cwd=tmp_path)
    assert result.status == 3
    assert result.summary["bytes_received"] == 11 * 172
    assert result.summary["malformed_messages"] == 0
    assert by_stdlib_wave(tmp_path / "call.wav") == decoded(11)


def test_a_frame_that_drips_keeps_no_recording_from_its_end(tmp_path: Path) -> None:
    """It hears no answer to its close frame before the frame's end, and no frame for 2.5 s."""
    with Peer(dripping(0.2)) as peer:  # 35 s
        command = ["stream", "record", peer.url("/"), "-o", "call.wav", "--no-fill", "--json"]
        process = start(*command, "-d", "2", cwd=tmp_path)
        peer.wait_for(lambda p: p.upgrades)
        began = time.monotonic()
        result = finish(process, timeout=20)
        took_s = time.monotonic() - began
    assert result.status == 3
    assert "the connection was dead when the time was up" in result.stderr
    assert 2 < took_s < 7  # 0.1 s for a late frame, 1 s for the answer to a close frame
    assert by_stdlib_wave(tmp_path / "call.wav") == decoded(5)
