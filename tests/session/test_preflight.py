"""The way to a stream, step by step: what passes, what fails, and with which finding."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.certificates import Authority
from tests.support.peer import Answer, Peer, document, envelope
from voipbin_cli.codec.encapsulation import Encapsulation
from voipbin_cli.session.live import LiveRequest
from voipbin_cli.session.preflight import Preflight, Step
from voipbin_cli.simulator.embedded import EmbeddedSimulator
from voipbin_cli.transport.credentials import Credential, CredentialKind
from voipbin_cli.transport.endpoint import Endpoint
from voipbin_cli.transport.targets import parse_target

CALL = "call/3b1b7b1e-0000-4000-8000-000000000000"


def _request(url: str, target: str, token: str = "x") -> LiveRequest:
    endpoint = Endpoint(url, Credential(CredentialKind.TOKEN, token, "a test"))
    return LiveRequest(
        parse_target(target), target, endpoint, Encapsulation.RTP, connect_timeout_s=3.0
    )


def _flown(request: LiveRequest) -> tuple[Preflight, list[Step]]:
    steps: list[Step] = []
    preflight = Preflight(request, steps.append)
    passed = asyncio.run(preflight.run())
    assert passed == (preflight.error is None)
    return preflight, steps


@contextmanager
def _simulated(scenario: str, options: dict[str, str] | None = None) -> Iterator[LiveRequest]:
    with EmbeddedSimulator(scenario, options or {}) as simulator:
        target = f"{simulator.kind}/{simulator.target_id}"
        yield _request(simulator.api_url, target, simulator.token)


def test_every_step_is_told_and_timed() -> None:
    with _simulated("clean") as request:
        preflight, steps = _flown(request)
    assert [step.name for step in steps] == ["name", "tcp", "api", "call"]
    assert all(step.passed and step.took_ms >= 0 for step in steps)
    assert steps[-1].detail == "progressing"
    assert preflight.state is not None


@pytest.mark.parametrize(
    ("scenario", "last", "finding"),
    [
        ("auth", "api", "auth"),
        ("forbidden", "api", "forbidden"),
        ("not-found", "api", "not-found"),
        ("rate-limited", "api", "rate-limited"),
        ("not-progressing", "call", "call-not-progressing"),
        ("call-state", "call", "call-not-progressing"),
    ],
)
def test_the_first_failure_ends_it_with_its_finding(scenario: str, last: str, finding: str) -> None:
    with _simulated(scenario) as request:
        preflight, steps = _flown(request)
    assert preflight.error is not None
    assert preflight.error.details["finding"] == finding
    assert (steps[-1].name, steps[-1].passed) == (last, False)
    assert steps[-1].detail == preflight.error.message


@pytest.mark.parametrize(
    "answer",
    [
        envelope(503, "UNAVAILABLE", "later", "r-1"),
        envelope(404, "ROUTE_NOT_FOUND", "no such path", "r-2"),
        Answer(404),
        Answer(401),
        Answer(426, body=b"missing Connection header"),
        Answer(200, body=b"<html>"),
        Answer(raw=b""),
    ],
    ids=lambda answer: f"{answer.status}-{answer.body[:8]!r}",
)
def test_a_server_without_the_api_is_no_obstacle(answer: Answer) -> None:
    with Peer(routes={("GET", f"/v1.0/{CALL.replace('/', 's/')}"): answer}) as peer:
        preflight, steps = _flown(_request(peer.http_url("/v1.0"), CALL))
    assert (steps[-1].name, steps[-1].passed) == ("api", False)
    assert (preflight.error, preflight.state) == (None, None)
    assert preflight.refused is not None
    assert preflight.refused.message == steps[-1].detail


def test_mute_and_members_are_told() -> None:
    with _simulated("muted") as request:
        _, steps = _flown(request)
        assert steps[-1].detail == "progressing, muted (both)"
    with _simulated("clean", {"kind": "conference", "members": "3"}) as request:
        _, steps = _flown(request)
        assert steps[-1].detail == "progressing, 3 in it"


def test_nobody_there_is_cannot_connect() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, and nobody listens
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/v1.0"
        preflight, steps = _flown(_request(url, CALL))
    assert [step.name for step in steps] == ["name", "tcp"]
    assert preflight.error is not None
    assert preflight.error.details["finding"] == "cannot-connect"


def test_a_name_that_is_none_fails_at_the_name() -> None:
    request = _request("http://no-such-host.invalid/v1.0", CALL)
    preflight, steps = _flown(request)
    assert [(step.name, step.passed) for step in steps] == [("name", False)]
    assert preflight.error is not None


@pytest.mark.parametrize("expired", [False, True])
def test_tls_is_a_step_of_its_own(expired: bool, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    made = authority.issue("server", expired=expired)
    routes = {("GET", f"/v1.0/{CALL.replace('/', 's/')}"): document({"status": "progressing"})}
    with Peer(tls=made.server_context, routes=routes) as peer:
        request = _request(peer.http_url("/v1.0"), CALL)
        request = replace(request, endpoint=replace(request.endpoint, ca_file=authority.ca.cert))
        preflight, steps = _flown(request)
    assert steps[2].name == "tls"
    if expired:
        assert preflight.error is not None
        assert preflight.error.details["finding"] == "tls"
        assert len(steps) == 3
    else:
        assert [step.passed for step in steps] == [True] * 5
        assert "certificate good until" in steps[2].detail


def test_a_bare_url_is_asked_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"ws://127.0.0.1:{server.getsockname()[1]}/audio"
        request = replace(_request("http://127.0.0.1/v1.0", url), target=parse_target(url))
        _, steps = _flown(request)
    assert [step.name for step in steps] == ["name", "tcp"]
