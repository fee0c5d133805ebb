"""`voipbin calls`, and being asked which call, as a user runs them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.support.cli import VOIPBIN, Result, environment, here
from tests.support.peer import Answer, Peer, Request, document, envelope
from tests.support.terminal import Terminal
from voipbin_cli.simulator.embedded import EmbeddedSimulator

LIST = ("GET", "/v1.0/calls")
UUID = "5f2a8c1e-0d3b-4c57-9e6f-2b7d1a4c8e90"


def call(number: int, status: str, **more: Any) -> dict[str, Any]:
    address = {"type": "tel", "target": f"+1555{number:04}"}
    base = {"id": f"00000000-0000-4000-8000-{number:012}", "source": address, "status": status}
    return base | {"destination": address, "direction": "outgoing"} | more


def platform(calls: list[dict[str, Any]]) -> Peer:
    """An API of these calls, in pages as asked for; the page token is an index."""

    def page(request: Request) -> Answer:
        query = parse_qs(urlsplit(request.target).query)
        start, size = int(query.get("page_token", ["0"])[0]), int(query["page_size"][0])
        end = start + size
        following = str(end) if end < len(calls) else ""
        return document({"result": calls[start:end], "next_page_token": following})

    return Peer(routes={LIST: page})


def env(peer: Peer) -> dict[str, str]:
    return {"VOIPBIN_API_URL": peer.http_url("/v1.0"), "VOIPBIN_ACCESSKEY": "k3y-of-the-tests"}


def run(peer: Peer, home: Path, *args: str) -> Result:
    return here("calls", *args, cwd=home, env=env(peer))


@pytest.fixture(scope="module")
def simulator() -> Iterator[EmbeddedSimulator]:
    with EmbeddedSimulator("clean") as running:
        yield running


def test_calls_in_progress_come_first_then_the_newest(tmp_path: Path) -> None:
    rows = [call(1, "hangup"), call(2, "progressing"), call(3, "ringing"), call(4, "progressing")]
    with platform(rows) as peer:
        result = run(peer, tmp_path, "list", "--json")
    *calls, summary = result.events
    assert [event["id"][-1] for event in calls] == ["2", "4", "1", "3"]
    assert {event["event"] for event in calls} == {"call"}
    assert [event["streamable"] for event in calls] == [True, True, False, False]
    expected = {"event": "summary", "schema": 1, "count": 4, "progressing": 2, "more": False}
    assert summary == expected


def test_a_call_in_progress_is_first_even_if_the_limit_is_small(tmp_path: Path) -> None:
    rows = [call(n, "hangup") for n in range(60)] + [call(60, "progressing")]
    with platform(rows) as peer:
        result = run(peer, tmp_path, "list", "--json", "--limit", "2")
        assert len(peer.requests) == 1
    assert [event["id"][-2:] for event in result.events[:-1]] == ["60", "00"]
    assert result.summary["more"] is True


def test_a_status_is_looked_for_on_every_page(tmp_path: Path) -> None:
    rows = [call(n, "hangup") for n in range(250)] + [call(250, "ringing")]
    with platform(rows) as peer:
        result = run(peer, tmp_path, "list", "--status", "ringing", "--json")
        assert len(peer.requests) == 3  # 251 calls in pages of 100
    assert [event["id"][-3:] for event in result.events[:-1]] == ["250"]


def test_looking_for_a_status_ends_after_a_thousand_calls(tmp_path: Path) -> None:
    with platform([call(n, "hangup") for n in range(2500)]) as peer:
        result = run(peer, tmp_path, "list", "--status", "ringing", "--json")
        assert len(peer.requests) == 10
    assert (result.summary["count"], result.summary["more"]) == (0, True)


def test_the_table_in_a_pipe_is_whole_whatever_the_width(tmp_path: Path) -> None:
    began = datetime.now(UTC) - timedelta(hours=3, minutes=5, seconds=20)
    row = call(7, "progressing", source="s" * 150, tm_progressing=began.isoformat())
    with platform([row, call(8, "hangup")]) as peer:
        result = here("calls", "list", cwd=tmp_path, env={**env(peer), "COLUMNS": "60"})
    assert result.stderr == ""
    heading, first, second = result.stdout.decode().splitlines()
    assert heading.split() == ["ID", "FROM", "TO", "DIR", "STATUS", "SINCE"]
    assert first.split() == [row["id"], "s" * 150, "+15550007", "out", "progressing", "3h5m"]
    assert second.split()[-1] == "hangup"  # it has no time: the API gave none


def test_a_narrow_terminal_keeps_ids_and_states_whole(tmp_path: Path) -> None:
    row = call(7, "progressing", source="+155501234567", destination="+155507654321")
    with platform([row]) as peer:
        command = (*VOIPBIN, "calls", "list")
        full = environment(tmp_path, env(peer))
        with Terminal(*command, cwd=tmp_path, env=full, columns=80) as terminal:
            assert terminal.finish() == 0
            lines = terminal.screen.splitlines()
    assert len(lines) == 2
    assert row["id"] in lines[1]
    assert "progressing" in lines[1]
    assert max(map(len, lines)) <= 80


def test_hostile_text_reaches_neither_terminal_nor_table_layout(tmp_path: Path) -> None:
    row = call(1, "progressing", source="\x1b[2J\x1b]0;gotcha\x07\nsecond line[bold]")
    with platform([row]) as peer:
        result = run(peer, tmp_path, "list")
    text = result.stdout.decode()
    assert "\x1b" not in text
    assert len(text.splitlines()) == 2
    assert r"\x1b[2J" in text
    assert "[bold]" in text


def test_no_calls_is_said_on_stderr(tmp_path: Path) -> None:
    with platform([]) as peer:
        assert (r := run(peer, tmp_path, "list")).stdout == b""
        assert "there are no calls" in r.stderr
        named = run(peer, tmp_path, "list", "--status", "RINGING")
        assert "there are no calls with status ringing" in named.stderr
        assert named.status == 0


def test_a_misspelt_status_is_put_right(tmp_path: Path) -> None:
    result = here("calls", "list", "--status", "progresing", cwd=tmp_path)
    assert result.status == 2
    assert "did you mean progressing?" in result.stderr


def test_a_refusal_names_the_request_for_support(tmp_path: Path) -> None:
    refused = envelope(429, "RATE_LIMIT_EXCEEDED", "Slow down.", "req-77", Retry_After="7")
    with Peer(routes={LIST: refused}) as peer:
        result = run(peer, tmp_path, "list", "--json")
    assert result.status == 4
    (event,) = result.events
    assert (event["event"], event["status"], event["http_status"]) == ("error", 4, 429)
    assert (event["reason"], event["request_id"]) == ("RATE_LIMIT_EXCEEDED", "req-77")
    assert "k3y-of-the-tests" not in result.stderr + result.stdout.decode()


def test_without_a_credential_the_way_to_one_is_told(tmp_path: Path) -> None:
    result = here("calls", "list", cwd=tmp_path, env={"VOIPBIN_API_URL": "http://127.0.0.1:1"})
    assert result.status == 4
    assert "no credential was found" in result.stderr
    assert "voipbin login" in result.stderr


def test_no_answer_is_a_connection_error(tmp_path: Path) -> None:
    settings = {"VOIPBIN_API_URL": "http://127.0.0.1:1", "VOIPBIN_ACCESSKEY": "k3y"}
    assert here("calls", "list", cwd=tmp_path, env=settings).status == 3


@pytest.mark.parametrize(
    ("fields", "possible", "words"),
    [
        ({"status": "progressing"}, True, "a media stream can be opened"),
        ({"status": "progressing", "mute_direction": "both"}, True, "muted (both ways)"),
        ({"status": "ringing"}, False, "the call is ringing, and has media once progressing"),
        (
            {"status": "hangup", "hangup_by": "remote", "hangup_reason": "busy"},
            False,
            "the call is over (by remote, busy)",
        ),
        ({"status": 12}, False, "the call is 12"),
        ({}, False, "in no known state"),
    ],
)
def test_show_says_whether_a_stream_can_be_opened_and_why_not(
    tmp_path: Path, fields: dict[str, Any], possible: bool, words: str
) -> None:
    route = ("GET", f"/v1.0/calls/{UUID}")
    with Peer(routes={route: document({"id": UUID, **fields})}) as peer:
        result = run(peer, tmp_path, "show", f"call/{UUID.upper()}", "--json")
        shown = run(peer, tmp_path, "show", UUID)
    assert (result.status, shown.status) == (0, 0)
    assert result.summary["streamable"] is possible
    assert words in result.summary["outlook"]
    assert result.summary["outlook"] in shown.stdout.decode()


def test_show_refuses_what_is_no_id_and_does_not_ask(tmp_path: Path) -> None:
    with platform([]) as peer:
        result = run(peer, tmp_path, "show", "../accounts")
        assert result.status == 2
        assert peer.requests == []


def test_show_on_the_simulator(tmp_path: Path, simulator: EmbeddedSimulator) -> None:
    settings = {"VOIPBIN_API_URL": simulator.api_url, "VOIPBIN_TOKEN": simulator.token}
    page = here("calls", "show", simulator.call_id, cwd=tmp_path, env=settings).stdout.decode()
    assert re.search(r"^status +progressing *$", page, re.MULTILINE)
    assert re.search(r"^progressing .*ago\) *$", page, re.MULTILINE)
    assert page.splitlines()[-1].strip() == "a media stream can be opened"


def test_a_stream_command_without_a_target_offers_what_is_in_progress(
    tmp_path: Path, simulator: EmbeddedSimulator
) -> None:
    settings = {"VOIPBIN_API_URL": simulator.api_url, "VOIPBIN_TOKEN": simulator.token}
    command = (*VOIPBIN, "stream", "record", "-d", "0.5", "-o", "chosen.wav")
    with Terminal(*command, cwd=tmp_path, env=environment(tmp_path, settings)) as terminal:
        offered = terminal.wait_for("Which [1]: ")
        rows = re.findall(r"^ +\d+ +(\S+) +(.*)$", offered, re.MULTILINE)
        assert [row[0] for row in rows] == [simulator.call_id, *simulator.conference_ids]
        assert "+15550100 → +15550101" in rows[0][1]
        terminal.type("2\n")
        assert terminal.finish() == 0
    assert (tmp_path / "chosen.wav").stat().st_size > 4000


def test_a_stream_command_without_a_target_in_a_script_is_wrong_usage(tmp_path: Path) -> None:
    result = here("stream", "record", "-d", "1", cwd=tmp_path)
    assert result.status == 2
    assert "TARGET is missing" in result.stderr


def test_with_nothing_in_progress_there_is_nothing_to_offer(tmp_path: Path) -> None:
    empty = document({"result": [call(1, "hangup")], "next_page_token": ""})
    with Peer(routes={LIST: empty, ("GET", "/v1.0/conferences"): empty}) as peer:
        command, full = (*VOIPBIN, "stream", "record"), environment(tmp_path, env(peer))
        with Terminal(*command, cwd=tmp_path, env=full) as terminal:
            assert terminal.finish() == 4
            assert "no call and no conference is in progress" in terminal.screen
