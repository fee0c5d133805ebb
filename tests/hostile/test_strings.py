"""Terminal sequences in every string that a server can send, seen in a pipe and on a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.faults.streams import CALL, LONG, STATE, TOKEN, packets
from tests.hostile.support import HOSTILE, OWNED, is_harmless
from tests.support.cli import VOIPBIN, environment, voipbin
from tests.support.peer import Answer, Close, Peer, Send, Step, document, envelope
from tests.support.terminal import Terminal

LIST, CONFERENCES = ("GET", "/v1.0/calls"), ("GET", "/v1.0/conferences")
CONFERENCE = ("GET", f"/v1.0/conferences/{CALL}")
FIELDS = (
    *("id", "name", "detail", "status", "type", "direction", "source", "destination"),
    *("hangup_by", "hangup_reason", "mute_direction", "tm_create", "tm_hangup", "customer_id"),
)
# As names, too: of fields that nobody has heard of.
ALL_HOSTILE: dict[str, Any] = {name: f"{name}{HOSTILE}" for name in FIELDS} | {HOSTILE: HOSTILE}
ADDRESS = {"type": HOSTILE, "target": HOSTILE, "target_name": HOSTILE}
RESOURCE = ALL_HOSTILE | {"source": ADDRESS, "destination": ADDRESS}
REFUSAL = envelope(
    404, f"CALL_NOT_FOUND{HOSTILE}", f"no{HOSTILE}", f"req{HOSTILE}", Retry_After="1\x1b[2J"
)
PROGRESSING = document(RESOURCE | {"id": CALL, "status": "progressing"})


def page(resource: Mapping[str, Any]) -> Answer:
    return document({"result": [dict(resource)], "next_page_token": ""})


def pages_of(resource: Mapping[str, Any]) -> dict[tuple[str, str], Answer]:
    return {
        LIST: page(resource),
        CONFERENCES: page(resource),
        STATE: document(dict(resource)),
        CONFERENCE: document(dict(resource)),
        ("POST", "/auth/login"): REFUSAL,
    }


REFUSED = dict.fromkeys((LIST, CONFERENCES, STATE, CONFERENCE), REFUSAL)
COMMANDS = [
    ["calls", "list"],
    ["calls", "show", CALL],
    ["conferences", "list"],
    ["conferences", "show", CALL],
    ["doctor"],
    ["stream", "record", CALL, "-v", "-o", "call.wav", "--no-reconnect"],
]
WAYS = {
    "fields": (pages_of(ALL_HOSTILE), None),
    "addresses": (pages_of(RESOURCE | {"id": CALL, "status": "progressing"}), None),
    "refusals": (REFUSED, REFUSAL),
    "statuses": (REFUSED, Answer(raw=f"HTTP/1.1 404 {HOSTILE}\r\nX: {HOSTILE}\r\n\r\n".encode())),
    "no HTTP": (REFUSED, Answer(raw=HOSTILE.encode())),
}
# Ends a stream with a reason of 123 bytes at most (RFC 6455 section 5.5).
SCRIPT: list[Step] = [*map(Send, packets(20)), Send(f"text{HOSTILE}"), Close(1000, HOSTILE)]


def hostile_peer(way: str) -> Peer:
    routes, upgrade = WAYS[way]
    return Peer(SCRIPT, routes=routes, upgrade=upgrade)


@pytest.mark.parametrize("way", WAYS if LONG else ["addresses", "refusals"])
@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_nothing_of_it_reaches_a_terminal(command: list[str], way: str, tmp_path: Path) -> None:
    """Rich writes sequences of its own there: what counts is that none of the server's come."""
    with hostile_peer(way) as peer:
        settings = {**TOKEN, "VOIPBIN_API_URL": peer.http_url("/v1.0")}
        arguments = [*VOIPBIN, *command]
        with Terminal(*arguments, cwd=tmp_path, env=environment(tmp_path, settings)) as terminal:
            terminal.finish()
            seen = terminal.raw
    assert seen
    assert [sequence for sequence in OWNED if sequence in seen] == []


@pytest.mark.parametrize("way", WAYS if LONG else ["addresses", "refusals"])
@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_nothing_of_it_reaches_a_pipe(command: list[str], way: str, tmp_path: Path) -> None:
    outputs = []
    # Words and JSON of each, where there is time for it.
    ways_out = ([], ["--json"]) if LONG else ([] if way == "addresses" else ["--json"],)
    for options in ways_out:
        with hostile_peer(way) as peer:
            settings = {**TOKEN, "VOIPBIN_API_URL": peer.http_url("/v1.0")}
            result = voipbin(*command, *options, cwd=tmp_path, env=settings)
        outputs += [result.stdout.decode(), result.stderr]
        (tmp_path / "call.wav").unlink(missing_ok=True)
    assert [line for text in outputs for line in text.split("\n") if not is_harmless(line)] == []
    assert "Traceback" not in "".join(outputs)
    assert outputs[0] or outputs[1]
