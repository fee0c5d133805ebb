"""How streams end, over real sockets: what a live diagnosis says, and the same from its capture."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from tests.faults.streams import CALL, OVER, PROGRESSING, STATE, STREAM, TOKEN, Paced, packets
from tests.support.cli import Result, here, voipbin
from tests.support.peer import (
    CLOSE,
    Answer,
    Close,
    Fin,
    Peer,
    Raw,
    Request,
    Reset,
    Route,
    Send,
    Step,
    document,
    envelope,
    frame_bytes,
)

PAGE = b"<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>"
HTML = {"Content-Type": "text/html", "Server": "nginx/1.25"}


def ending(count: int, *steps: Step) -> Paced:
    """`count` frames at their pace, then these steps."""
    script = Paced(count)
    script.ending = steps
    return script


def diagnosed(peer: Peer, target: str, tmp_path: Path, *more: str) -> Result:
    """What a live run says; that its capture says the same is checked on the way."""
    capture = tmp_path / "run.pcapng"
    options = ("--json", "--capture", str(capture), "--give-up-after", "2", *more)
    env = TOKEN | {"VOIPBIN_API_URL": peer.http_url("/v1.0")}
    live = voipbin("stream", "diagnose", target, *options, cwd=tmp_path, env=env)
    again = here("stream", "diagnose", str(capture), "--json", cwd=tmp_path)
    assert again.summary == live.summary
    assert again.status == live.status
    return live


def play(
    *scripts: Iterable[Step], routes: dict[tuple[str, str], Route] | None = None, **how: Any
) -> Peer:
    peer = Peer(routes=routes, **how)
    peer.scripts = list(scripts) or [[]]  # type: ignore[arg-type]
    return peer


def first(result: Result) -> dict[str, Any]:
    """The first finding, this machine's own lateness left out."""
    told = [row for row in result.summary["findings"] if row["id"] != "local-lag"]
    return dict(told[0])


@pytest.mark.parametrize(
    ("end", "code", "remedy"),
    [
        (Close(1008, "no more of this"), 1008, "new token"),
        (Close(1011, "keepalive ping timeout"), 1011, "answer each ping"),
        (Close(1009, "message too big"), 1009, "smaller messages"),
        (Close(1001, "going away"), 1001, "limit of"),
        (Raw(frame_bytes(CLOSE, b"")), 1005, "log"),
        (Reset(), 1006, "network"),
    ],
    ids=lambda value: str(getattr(value, "code", "")),
)
def test_the_remedy_follows_the_close_code(
    end: Step, code: int, remedy: str, tmp_path: Path
) -> None:
    with play(ending(60, end), ending(40, end), ending(400)) as peer:
        found = first(diagnosed(peer, peer.url("/audio"), tmp_path, "-d", "4"))
    assert (found["id"], found["severity"]) == ("connection-lost", "warning")
    assert found["evidence"]["close_code"] == code
    # The kernel sends a reset only once the peer has been sent something.
    if code != 1006:
        assert found["evidence"]["connection_ages_s"] == pytest.approx([1.2, 0.8], abs=0.5)
    assert remedy in found["remedy"]


@pytest.mark.parametrize("end", [Close(1008, "token expired"), Close(4401)])
def test_a_token_that_a_code_refuses_is_not_sent_again(end: Close, tmp_path: Path) -> None:
    with play(ending(30, end), ending(400)) as peer:
        result = diagnosed(peer, peer.url("/audio"), tmp_path, "-d", "4")
        assert peer.upgrades == 1
    found = first(result)
    assert (found["id"], result.status, result.summary["reconnects"]) == ("auth", 6, 0)
    assert found["evidence"]["close_code"] == end.code
    assert "new token" in found["remedy"]


@pytest.mark.parametrize(("left_s", "is_told"), [(0, True), (3600, False)])
def test_an_end_at_the_tokens_own_end_names_it(left_s: int, is_told: bool, tmp_path: Path) -> None:
    claims = base64.urlsafe_b64encode(json.dumps({"exp": int(time.time()) + left_s + 1}).encode())
    token = f"e30.{claims.decode().rstrip('=')}.c2lnbmVk"
    with play(ending(30, Fin()), ending(60)) as peer:
        result = diagnosed(peer, peer.url(f"/audio?token={token}"), tmp_path, "-d", "2")
    evidence = first(result)["evidence"]
    assert ("token_expired_at" in evidence) is is_told
    assert token not in json.dumps(result.summary)
    assert token.encode() not in (tmp_path / "run.pcapng").read_bytes()


def test_connections_of_equal_age_were_ended_by_a_limit(tmp_path: Path) -> None:
    with play(ending(60, Fin())) as peer:
        found = first(diagnosed(peer, peer.url("/audio"), tmp_path, "-d", "6"))
    assert found["id"] == "connection-lost"
    assert "at the same age" in found["title"]
    assert "load balancer" in found["remedy"]


@pytest.mark.parametrize("code", [1008, 4401])
def test_a_close_before_any_audio_says_why_too(code: int, tmp_path: Path) -> None:
    with play([Close(code, "token expired")]) as peer:
        found = first(diagnosed(peer, peer.url("/audio"), tmp_path, "-d", "4"))
    assert (found["id"], found["severity"]) == ("closed-early", "error")
    assert "token expired" in found["title"]
    assert "new token" in found["remedy"]


def test_a_stream_that_its_server_ends_in_order_is_healthy(tmp_path: Path) -> None:
    with play(ending(60, Close(1000, "done"))) as peer:
        result = diagnosed(peer, peer.url("/audio"), tmp_path, "-d", "4")
    assert (result.status, result.summary["close"]["cause"]) == (0, "peer")
    assert result.summary["verdict"] == "ok" or first(result)["id"] != "connection-lost"


def test_a_token_that_expires_in_mid_call_is_told_as_that(tmp_path: Path) -> None:
    peer = play(ending(60, Fin()), routes={STATE: PROGRESSING})

    def later(request: Request) -> Answer:
        # From the first loss on, the API and the stream refuse.
        if peer.upgrades:
            peer.upgrade = envelope(401, "INVALID_CREDENTIALS", "token is expired", "req-9")
        return PROGRESSING

    peer.routes[STATE] = later
    with peer:
        result = diagnosed(peer, CALL, tmp_path, "-d", "4")
    found = first(result)
    assert (found["id"], result.status) == ("auth", 6)
    assert "in mid-call" in found["title"]
    assert "new token" in found["remedy"]
    assert found["evidence"]["request_id"] == "req-9"


@pytest.mark.parametrize("answers_pings", [True, False])
def test_audio_that_stops_is_told_from_a_link_that_does(
    answers_pings: bool, tmp_path: Path
) -> None:
    with play(ending(60), answer_pings=answers_pings) as peer:
        found = first(diagnosed(peer, peer.url("/audio"), tmp_path, "-d", "6"))
    assert found["severity"] == "error"
    assert found["id"] == ("lost-audio" if answers_pings else "connection-lost")
    assert ("link is alive" in found["title"]) is answers_pings


@pytest.mark.parametrize("answer", [Answer(404), Answer(401), Answer(200, HTML, PAGE)])
def test_a_server_without_the_api_is_diagnosed_like_any_other(
    answer: Answer, tmp_path: Path
) -> None:
    with play(ending(400), routes={STATE: answer}) as peer:
        result = diagnosed(peer, peer.url(STREAM), tmp_path, "-d", "2")
    assert result.summary["metrics"]["frames"] > 50
    assert not {"auth", "not-found", "cannot-connect"} & {
        row["id"] for row in result.summary["findings"]
    }


@pytest.mark.parametrize(
    ("answer", "finding", "title", "remedy"),
    [
        (envelope(500, "INTERNAL", "oops", "r"), "cannot-connect", "unavailable", "request id"),
        (envelope(503, "X", "later", "r"), "cannot-connect", "unavailable", "not the cause"),
        (envelope(403, "ACCOUNT_FROZEN", "no", "r"), "forbidden", "frozen", "administrator"),
        (Answer(502, HTML, PAGE), "cannot-connect", "proxy", "cannot reach the platform"),
        (Answer(404, HTML, PAGE), "cannot-connect", "proxy", "--api-url"),
    ],
    ids=["500", "503", "frozen", "502-html", "404-html"],
)
@pytest.mark.parametrize("everywhere", [True, False])
def test_what_a_server_answers_instead_is_told_by_its_cause(
    everywhere: bool, answer: Answer, finding: str, title: str, remedy: str, tmp_path: Path
) -> None:
    """From the API and the stream alike, or from the stream alone."""
    routes: dict[tuple[str, str], Route] = {STATE: answer if everywhere else PROGRESSING}
    with play(routes=routes, upgrade=answer) as peer:
        result = diagnosed(peer, CALL, tmp_path, "-d", "2")
    found = first(result)
    assert (found["id"], result.status) == (finding, 6)
    assert title in found["title"]
    assert remedy in found["remedy"]


def mute(open_s: float) -> Peer:
    """A call that is up until its stream is open, and ends `open_s` later without a frame."""
    peer = play([Raw(b"", after=open_s), Fin()])
    peer.routes[STATE] = lambda _: OVER if peer.upgrades else PROGRESSING
    return peer


def test_a_call_that_ends_without_a_frame_had_no_audio(tmp_path: Path) -> None:
    with mute(0.0) as peer:
        found = first(diagnosed(peer, CALL, tmp_path, "-d", "9"))
    assert (found["id"], found["evidence"]["call_status"]) == ("no-audio", "hangup")
    assert "was up and ended" in found["title"]


@pytest.mark.parametrize(("open_s", "status"), [(1.5, 3), (0.0, 4)])
def test_a_recording_of_such_a_call_exits_with_3_and_of_one_that_was_over_with_4(
    open_s: float, status: int, tmp_path: Path
) -> None:
    """A recording does not look the call up before: one that is over is closed at once."""
    with mute(open_s) as peer:
        env = TOKEN | {"VOIPBIN_API_URL": peer.http_url("/v1.0")}
        result = voipbin("stream", "record", CALL, "--json", cwd=tmp_path, env=env)
    assert result.status == status


def test_text_messages_alone_are_told_by_their_look(tmp_path: Path) -> None:
    text = json.dumps({"event": "media", "media": {"payload": "//79/f39" * 20}})
    with play([Send(text, after=0.02)] * 100) as peer:
        result = diagnosed(peer, peer.url("/audio"), tmp_path, "-d", "2")
    found = first(result)
    assert (found["id"], found["evidence"]["found"]) == ("not-audio", "JSON: event, media")
    assert "binary messages" in found["remedy"]


def test_a_conference_of_one_that_is_silent_is_no_fault(tmp_path: Path) -> None:
    path = f"/v1.0/conferences/{CALL}"
    one = document({"id": CALL, "status": "progressing", "conferencecall_ids": ["a"]})
    with play(ending(60), routes={("GET", path): one}) as peer:
        result = diagnosed(peer, f"conference/{CALL}", tmp_path, "-d", "4")
    assert {row["id"] for row in result.summary["findings"]} <= {"local-lag"}


def test_no_secret_is_told_of_a_close_reason_or_a_page(tmp_path: Path) -> None:
    secret = TOKEN["VOIPBIN_TOKEN"]
    page = f"<html><title>no {secret}</title>".encode()
    with play(routes={STATE: PROGRESSING}, upgrade=Answer(502, HTML, page)) as peer:
        refused = diagnosed(peer, CALL, tmp_path, "-d", "2")
    (tmp_path / "run.pcapng").unlink()
    script = [*map(Send, packets(30)), Close(1008, f"no {secret}\x1b[2J")]
    with play(script, routes={STATE: PROGRESSING}) as peer:
        closed = diagnosed(peer, CALL, tmp_path, "-d", "2")
    for result in (refused, closed):
        said = json.dumps(result.summary) + result.stderr
        assert secret not in said
        assert "***" in said
        assert "\\u001b" not in said
