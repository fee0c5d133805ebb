"""`voipbin conferences` as a user runs it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.cli import Result, here
from tests.support.peer import Peer, document
from voipbin_cli.simulator.embedded import EmbeddedSimulator

UUID = "5f2a8c1e-0d3b-4c57-9e6f-2b7d1a4c8e90"


@pytest.fixture(scope="module")
def simulator() -> Iterator[EmbeddedSimulator]:
    with EmbeddedSimulator("clean") as running:
        yield running


def run(url: str, secret: str, home: Path, *args: str) -> Result:
    settings = {"VOIPBIN_API_URL": url, "VOIPBIN_TOKEN": secret}
    return here("conferences", *args, cwd=home, env=settings)


def show(home: Path, fields: dict[str, Any]) -> dict[str, Any]:
    answer = document({"id": UUID, "tm_create": None, "tm_end": None, **fields})
    with Peer(routes={("GET", f"/v1.0/conferences/{UUID}"): answer}) as peer:
        result = run(peer.http_url("/v1.0"), "a-token", home, "show", UUID, "--json")
    assert result.status == 0, result.stderr
    return result.summary


def test_the_list_has_members_and_states(tmp_path: Path, simulator: EmbeddedSimulator) -> None:
    result = run(simulator.api_url, simulator.token, tmp_path, "list")
    heading, *rows = result.stdout.decode().splitlines()
    assert heading.split() == ["ID", "NAME", "MEMBERS", "STATUS", "SINCE"]
    assert [row.split()[0] for row in rows] == simulator.conference_ids
    assert [row.split()[2] for row in rows] == ["2", "1"]


def test_json_has_one_event_a_conference(tmp_path: Path, simulator: EmbeddedSimulator) -> None:
    result = run(simulator.api_url, simulator.token, tmp_path, "list", "--json", "--limit", "1")
    first, summary = result.events
    assert (first["event"], first["id"]) == ("conference", simulator.conference_ids[0])
    assert (summary["count"], summary["more"]) == (1, True)


@pytest.mark.parametrize(
    ("fields", "possible", "words"),
    [
        ({"status": "progressing", "conferencecall_ids": ["a", "b"]}, True, "can be opened"),
        ({"status": "progressing", "conferencecall_ids": ["a"]}, True, "with one member"),
        ({"status": "starting"}, False, "the conference is starting"),
        ({"status": "terminated"}, False, "the conference is over"),
    ],
)
def test_show_says_whether_a_stream_can_be_opened(
    tmp_path: Path, fields: dict[str, Any], possible: bool, words: str
) -> None:
    summary = show(tmp_path, fields)
    assert summary["streamable"] is possible
    assert words in summary["outlook"]


def test_an_id_may_be_written_as_a_target(tmp_path: Path, simulator: EmbeddedSimulator) -> None:
    wanted = simulator.conference_ids[1]
    result = run(simulator.api_url, simulator.token, tmp_path, "show", f"conference/{wanted}")
    assert result.status == 0
    assert wanted in result.stdout.decode()
