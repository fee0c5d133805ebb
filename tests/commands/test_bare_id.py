"""An id that stands alone: a call's, or else a conference's, and what is said about it."""

from __future__ import annotations

import asyncio
import wave
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.cli import Result, here
from voipbin_cli.errors import ConnectionFailed, Refused, VoipbinError
from voipbin_cli.session.bare_ids import as_it_is
from voipbin_cli.simulator.embedded import EmbeddedSimulator
from voipbin_cli.transport.endpoint import Endpoint
from voipbin_cli.transport.targets import parse_target

NOBODY = "5f2a8c1e-0d3b-4c57-9e6f-2b7d1a4c8e90"
NOT_FOUND = {"http_status": 404, "reason": "CALL_NOT_FOUND"}


@pytest.fixture(scope="module")
def simulator() -> Iterator[EmbeddedSimulator]:
    with EmbeddedSimulator() as running:
        yield running


def run(simulator: EmbeddedSimulator, cwd: Path, *arguments: str) -> Result:
    env = {"VOIPBIN_API_URL": simulator.api_url, "VOIPBIN_TOKEN": simulator.token}
    return here("stream", *arguments, cwd=cwd, env=env)


@pytest.mark.parametrize(
    "command",
    [
        ["record", "-o", "a.wav", "--capture", "a.pcapng", "-d", "0.2"],
        ["diagnose", "-d", "0.4"],
        ["validate", "-d", "0.2"],
        ["play", "tone.wav", "-d", "0.2"],
    ],
    ids=lambda command: str(command[0]),
)
def test_what_is_no_call_is_heard_as_a_conference(
    simulator: EmbeddedSimulator, tmp_path: Path, command: list[str]
) -> None:
    with wave.open(str(tmp_path / "tone.wav"), "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(bytes(16000))
    conference = simulator.conference_ids[0]
    result = run(simulator, tmp_path, command[0], conference, *command[1:], "--json")
    assert result.status == 0
    assert result.summary["target"] == f"conference/{conference}"
    assert f"no call has the id {conference}, but a conference has" in result.stderr


def test_a_call_is_heard_without_a_word(simulator: EmbeddedSimulator, tmp_path: Path) -> None:
    result = run(simulator, tmp_path, "record", simulator.call_id, "-d", "0.2", "--json")
    assert (result.status, result.stderr) == (0, "")
    assert result.summary["target"] == f"call/{simulator.call_id}"


def test_what_is_neither_is_told_as_that(simulator: EmbeddedSimulator, tmp_path: Path) -> None:
    result = run(simulator, tmp_path, "record", NOBODY)
    assert result.status == 4
    assert "no conference has this id either" in result.stderr
    assert "conference/" not in result.stderr


def test_what_was_named_a_call_is_taken_for_nothing_else(
    simulator: EmbeddedSimulator, tmp_path: Path
) -> None:
    conference = simulator.conference_ids[0]
    result = run(simulator, tmp_path, "record", f"call/{conference}")
    assert result.status == 4
    assert f"a conference is written conference/{conference}" in result.stderr


def test_no_program_is_started_twice(simulator: EmbeddedSimulator, tmp_path: Path) -> None:
    conference = simulator.conference_ids[0]
    result = run(simulator, tmp_path, "pipe", conference, "--", "cat")
    assert result.status == 4
    assert f"hint: give conference/{conference}" in result.stderr


@pytest.mark.parametrize(
    ("target", "error"),
    [
        (NOBODY, ConnectionFailed("no")),
        (NOBODY, Refused("no", http_status=403)),
        (NOBODY, Refused("no", http_status=404, reason="ROUTE_NOT_FOUND")),
        (f"call/{NOBODY}", Refused("no", **NOT_FOUND)),
        (f"conference/{NOBODY}", Refused("no", **NOT_FOUND)),
    ],
)
def test_nothing_else_is_asked_about(target: str, error: VoipbinError) -> None:
    """Whoever asked the API that is not there would say so in the hint."""
    endpoint = Endpoint("http://127.0.0.1:1/v1.0")
    assert asyncio.run(as_it_is(error, parse_target(target), endpoint)) is error
    assert (error.message, error.hint) == ("no", "")


def test_an_api_that_cannot_be_asked_leaves_it_open() -> None:
    error, target = Refused("no", **NOT_FOUND), parse_target(NOBODY)
    endpoint = Endpoint("http://127.0.0.1:1/v1.0")
    assert asyncio.run(as_it_is(error, target, endpoint)) is error
    assert error.message == "no"
    assert f"a conference is written conference/{NOBODY}" in error.hint
