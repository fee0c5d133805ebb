"""Answers that lead elsewhere, or nowhere: the credential stays, and the time limit counts."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.streams import CALL, LONG, STATE, STREAM, TOKEN
from tests.support.cli import voipbin
from tests.support.peer import Answer, Peer

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
    assert result.status in (3, 4)
    assert TOKEN["VOIPBIN_TOKEN"] not in result.stderr + result.stdout.decode()


SLOWLY = Answer(headers={"X": "y" * 10_000}, drip=0.02)


@pytest.mark.parametrize("command", COMMANDS[:1] + COMMANDS[3:4], ids=lambda c: " ".join(c[:2]))
def test_an_answer_that_drips_is_cut_off(command: list[str], tmp_path: Path) -> None:
    """A byte now and then, for minutes: each alone is in time."""
    with Peer(upgrade=SLOWLY, routes={("GET", path): SLOWLY for path in PATHS}) as peer:
        result = voipbin(
            *[*command, "--connect-timeout", "1", "--api-url", peer.http_url("/v1.0")],
            cwd=tmp_path,
            env=TOKEN,
            timeout=20,
        )
    assert result.status in (3, 4)
