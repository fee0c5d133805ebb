"""Terminal sequences in every string that a server can send, seen in a pipe and on a terminal.

They are escaped, not dropped: wherever one is due, its visible form has to be there.
"""

from __future__ import annotations

import base64
import html
import json
import subprocess
from collections.abc import Iterator, Mapping
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.faults.streams import CALL, STATE, TOKEN, packets
from tests.hostile.support import HOSTILE, OWNED, SHOWN, is_harmless
from tests.support import pulse
from tests.support.cli import VOIPBIN, environment, here, voipbin
from tests.support.peer import Answer, Close, Peer, Send, Step, document, envelope
from tests.support.spread import LONG
from tests.support.terminal import Terminal

LOGIN = ("POST", "/auth/login")
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
REFUSAL = envelope(404, f"CALL_NOT_FOUND{HOSTILE}", f"no{HOSTILE}", f"req{HOSTILE}")
# C1 controls are opaque bytes in a header (RFC 9110 section 5.5); C0 may not be in one.
ELSEWHERE = Answer(302, {"Location": "http://elsewhere.example/\x9b31m\x85<u>?token=x"})
BAD_HEADER = Answer(404, {"Retry-After": "1\x1b[2J"})
BAD_STATUS = Answer(raw=f"HTTP/1.1 404 {HOSTILE}\r\nX: {HOSTILE}\r\n\r\n".encode())
NO_HTTP = Answer(raw=HOSTILE.encode())


def page(resource: Mapping[str, Any]) -> Answer:
    return document({"result": [dict(resource)], "next_page_token": ""})


def pages_of(resource: Mapping[str, Any]) -> dict[tuple[str, str], Answer]:
    return {
        LIST: page(resource),
        CONFERENCES: page(resource),
        STATE: document(dict(resource)),
        CONFERENCE: document(dict(resource)),
    }


def all_answer(answer: Answer) -> dict[tuple[str, str], Answer]:
    return dict.fromkeys((LIST, CONFERENCES, STATE, CONFERENCE), answer)


COMMANDS = [
    ["calls", "list"],
    ["calls", "show", CALL],
    ["conferences", "list"],
    ["conferences", "show", CALL],
    ["doctor"],
    ["stream", "record", CALL, "-v", "-o", "call.wav", "--no-reconnect"],
    ["stream", "play", CALL, "--dtmf", "1", "--no-reconnect"],
    ["stream", "validate", CALL, "--no-reconnect"],
]


class Due(NamedTuple):
    """An exit status, and words that hold what came, as it is to be shown."""

    status: int
    words: str


class Way(NamedTuple):
    """How a server is hostile, and what is due from commands that ask the API, or for a stream."""

    routes: dict[tuple[str, str], Answer]
    upgrade: Answer | None
    api: Due
    stream: Due


CLOSED = Due(3, f"the connection ended (1000): {SHOWN}")
REFUSED = Due(4, f"HTTP 404 CALL_NOT_FOUND{SHOWN}: no{SHOWN} (request req{SHOWN})")
REDIRECTED = Due(3, r"(HTTP 302) to http://elsewhere.example/\x9b31m\x85<u>, and")
# Nothing is shown of a header or a status line that is none.
NO_ANSWER, NOT_FOUND = (
    Due(3, "does not answer as an HTTP server must"),
    Due(4, "HTTP 404 Not Found"),
)
# A stream's address may be anything: the first 40 bytes of it are shown.
NO_STREAM = Due(3, r"does not speak HTTP: it sent “\x1b[2J\x1b]0;owned\x07\r")
PROGRESSING = RESOURCE | {"id": CALL, "status": "progressing"}
WAYS = {
    "fields": Way(pages_of(ALL_HOSTILE), None, Due(0, f"status{SHOWN}"), CLOSED),
    "addresses": Way(pages_of(PROGRESSING), None, Due(0, SHOWN), CLOSED),
    "refusals": Way(all_answer(REFUSAL), REFUSAL, REFUSED, REFUSED),
    "places": Way(all_answer(ELSEWHERE), ELSEWHERE, REDIRECTED, REDIRECTED),
    "headers": Way(all_answer(BAD_HEADER), BAD_HEADER, NOT_FOUND, NOT_FOUND),
    "statuses": Way(all_answer(BAD_STATUS), BAD_STATUS, NO_ANSWER, NOT_FOUND),
    "no HTTP": Way(all_answer(NO_HTTP), NO_HTTP, NO_ANSWER, NO_STREAM),
}
# Ends a stream with a reason of 123 bytes at most (RFC 6455 section 5.5).
SCRIPT: list[Step] = [*map(Send, packets(20)), Send(f"text{HOSTILE}"), Close(1000, HOSTILE)]


def hostile_peer(way: str) -> Peer:
    return Peer(SCRIPT, routes=WAYS[way].routes, upgrade=WAYS[way].upgrade)


def due(command: list[str], way: str) -> Due:
    """What the command has to end with and to show."""
    if command[0] == "stream":
        return WAYS[way].stream
    if command == ["doctor"] and WAYS[way].api.status == 0:
        return Due(0, "takes the credential")  # and of what is listed nothing
    return WAYS[way].api


def settings(home: Path, peer: Peer) -> dict[str, str]:
    """Lines are long enough that no word is folded."""
    extra = {**TOKEN, "VOIPBIN_API_URL": peer.http_url("/v1.0"), "COLUMNS": "1000"}
    return environment(home, extra)


def strings(value: object) -> Iterator[str]:
    """All strings in what JSON decodes to, names included."""
    if isinstance(value, dict):
        value = [*value, *value.values()]
    if isinstance(value, list):
        for one in value:
            yield from strings(one)
    elif isinstance(value, str):
        yield value


def name_of(value: object) -> str:
    return " ".join(value[:2]) if isinstance(value, list) else str(value)


def cases(way: str, *thorough: str) -> list[tuple[list[str], str]]:
    """Each command in one way, and one of them in all ways; by default."""
    every = product(COMMANDS, WAYS)
    return [(c, w) for c, w in every if LONG or w == way or tuple(c[:2]) == thorough]


def outputs_of(command: list[str], way: str, directory: Path, *options: str) -> tuple[str, str]:
    """Run it; stdout and stderr, which are harmless."""
    with hostile_peer(way) as peer:
        env = settings(directory, peer)
        result = here(*command, *options, cwd=directory, env=env)
    assert result.status == due(command, way).status, result.stderr
    said = result.stdout.decode(), result.stderr
    assert [text for text in said if not is_harmless(text)] == []
    assert "Traceback" not in said[1]
    return said


@pytest.mark.parametrize(("command", "way"), cases("addresses", "calls", "show"), ids=name_of)
def test_in_words_it_is_shown_and_harmless(command: list[str], way: str, tmp_path: Path) -> None:
    assert due(command, way).words in "".join(outputs_of(command, way, tmp_path))


@pytest.mark.parametrize(("command", "way"), cases("refusals", "stream", "record"), ids=name_of)
def test_in_json_it_is_shown_and_harmless(command: list[str], way: str, tmp_path: Path) -> None:
    stdout, _ = outputs_of(command, way, tmp_path, "--json")
    said = list(strings([json.loads(line) for line in stdout.splitlines()]))
    assert any(due(command, way).words in text for text in said)


ON_TERMINAL = cases("addresses") if LONG else [*cases("addresses")[1::2], (["doctor"], "refusals")]


@pytest.mark.parametrize(("command", "way"), ON_TERMINAL, ids=name_of)
def test_nothing_of_it_reaches_a_terminal(command: list[str], way: str, tmp_path: Path) -> None:
    """Rich writes sequences of its own there: what counts is that none of the server's come."""
    with hostile_peer(way) as peer:
        env = settings(tmp_path, peer)
        with Terminal(*VOIPBIN, *command, cwd=tmp_path, env=env, columns=1000) as terminal:
            status = terminal.finish()
            raw, screen = terminal.raw, terminal.screen
    assert [sequence for sequence in OWNED if sequence in raw] == []
    assert (status, due(command, way).words in screen) == (due(command, way).status, True), screen


@pytest.mark.parametrize("way", WAYS if LONG else ["addresses", "refusals"])
def test_a_report_shows_it_and_holds_no_markup_of_it(way: str, tmp_path: Path) -> None:
    with hostile_peer(way) as peer:
        command = ["stream", "diagnose", CALL, "-d", "1", "--report", "report.html", "--json"]
        result = voipbin(*command, cwd=tmp_path, env=settings(tmp_path, peer))
    # With addresses the call goes on: whether its last connection is back in time is chance.
    assert result.status in ((0, 6) if way == "addresses" else (6,)), result.stderr
    words = f"mute_direction{SHOWN}" if way == "addresses" else WAYS[way].api.words
    said = list(strings(result.events))
    assert any(words in text for text in said)
    assert is_harmless("".join(said) + result.stdout.decode() + result.stderr)
    assert all(event["ms"] >= 0 for event in result.events if event["event"] == "step")
    report = (tmp_path / "report.html").read_text()
    assert is_harmless(report)
    assert html.escape(words) in report
    assert "<u>" not in report


def signed(claims: dict[str, Any]) -> str:
    """A token (RFC 7519) that nobody has signed."""
    middle = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"e30.{middle}.x"


ISSUED = "issued-just-now-0123456789"
NO_TOKEN = Due(3, "answered a login without a token that could be one")
LOGINS = {
    "a token of terminal sequences": (document({"token": f"a{HOSTILE}"}), page({}), NO_TOKEN),
    "a token of 20,000 characters": (document({"token": "x" * 20_000}), page({}), NO_TOKEN),
    "no text": (document({"token": [HOSTILE]}), page({}), NO_TOKEN),
    "a refusal": (REFUSAL, page({}), REFUSED),
    "the password said back": (
        envelope(403, "DENIED", "not pass-word", "req"),
        page({}),
        Due(4, "DENIED"),
    ),
    "a refusal of its own token": (document({"token": "good"}), REFUSAL, REFUSED),
    "the token said back": (
        document({"token": ISSUED}),
        envelope(403, "DENIED", f"not {ISSUED}", "req"),
        Due(4, "DENIED"),
    ),
    "another place": (ELSEWHERE, page({}), REDIRECTED),
    "the end of time": (
        document({"token": signed({"exp": 1e300})}),
        page({}),
        Due(0, "the token\n"),
    ),
}


@pytest.mark.parametrize("answers", LOGINS.values(), ids=LOGINS)
def test_login_shows_it_and_keeps_nothing_of_it(
    answers: tuple[Answer, Answer, Due], tmp_path: Path
) -> None:
    answer, listed, (status, words) = answers
    with Peer(routes={LOGIN: answer, LIST: listed}) as peer:
        env = settings(tmp_path, peer)
        done = subprocess.run(
            [*VOIPBIN, "login", "-u", "someone", "--password-stdin"],
            cwd=tmp_path,
            env={name: value for name, value in env.items() if name not in TOKEN},
            input=b"pass-word",
            capture_output=True,
            timeout=60,
        )
    said = done.stderr.decode()
    assert (done.returncode, done.stdout, words in said) == (status, b"", True), said
    assert is_harmless(said)
    assert [word for word in ("pass-word", ISSUED, "Traceback") if word in said] == []
    assert (tmp_path / ".config" / "voipbin" / "profiles.json").exists() == (status == 0)


def test_tap_shows_it_too(tmp_path: Path) -> None:
    """Of a stream that is heard: before it connects it looks for a loudspeaker."""
    with pulse.pulseaudio(tmp_path) as card, hostile_peer("fields") as peer:
        (tmp_path / ".asoundrc").write_text(
            "pcm.!default { type pulse }\nctl.!default { type pulse }"
        )
        env = settings(tmp_path, peer) | card
        result = voipbin("stream", "tap", CALL, "--no-reconnect", cwd=tmp_path, env=env)
    assert result.status == CLOSED.status, result.stderr
    assert CLOSED.words in result.stderr
    assert is_harmless(result.stderr + result.stdout.decode())
