"""REST against a hand-written server."""

from __future__ import annotations

import gzip
import json
import logging
import socket
import traceback
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar

import pytest

from tests.support.aio import run
from tests.support.certificates import Authority
from tests.support.peer import NEVER_ANSWER, Answer, Peer, Request, Route, document, envelope
from voipbin_cli.errors import ConnectionFailed, Refused, UsageError, VoipbinError
from voipbin_cli.transport import api as api_module
from voipbin_cli.transport.api import Api
from voipbin_cli.transport.credentials import Credential, CredentialKind
from voipbin_cli.transport.endpoint import Auth, Endpoint
from voipbin_cli.transport.resources import ConferenceState
from voipbin_cli.transport.targets import parse_target

T = TypeVar("T")
CALL = "5f2a8c1e-0d3b-4c57-9e6f-2b7d1a4c8e90"
SECRET = "s3cr3t/token+value"
TOKEN = Credential(CredentialKind.TOKEN, SECRET, "test")
CALL_PATH = ("GET", f"/v1.0/calls/{CALL}")


def ask(
    peer: Peer,
    main: Callable[[Api], Awaitable[T]],
    *,
    auth: Auth = Auth.QUERY,
    timeout: float = 10.0,
) -> T:
    async def whole() -> T:
        endpoint = Endpoint(peer.http_url("/v1.0"), TOKEN, auth)
        async with Api(endpoint, timeout=timeout) as api:
            return await main(api)

    with peer:
        return run(whole())


def failure(peer: Peer, main: Callable[[Api], Awaitable[object]], **options: float) -> VoipbinError:
    with pytest.raises(VoipbinError) as caught:
        ask(peer, main, **options)  # type: ignore[arg-type]
    error = caught.value
    shown = "".join(traceback.format_exception(error)) + repr(error) + repr(error.details)
    assert "s3cr3t" not in shown + error.hint
    assert error.__context__ is None
    assert error.hint
    return error


def server(routes: Mapping[tuple[str, str], Route]) -> Peer:
    return Peer(routes=routes)


def test_a_call_is_asked_for_with_the_credential_in_the_query() -> None:
    peer = server({CALL_PATH: document({"id": CALL, "status": "progressing"})})
    call = ask(peer, lambda api: api.get_call(CALL))
    assert call.is_progressing
    [request] = peer.requests
    assert request.target == f"/v1.0/calls/{CALL}?token=s3cr3t%2Ftoken%2Bvalue"
    assert request.headers["accept-encoding"] == "identity"
    assert "authorization" not in request.headers


def test_or_in_a_header() -> None:
    peer = server({CALL_PATH: document({"status": "hangup"})})
    assert ask(peer, lambda api: api.get_call(CALL), auth=Auth.HEADER).is_over
    [request] = peer.requests
    assert request.target == f"/v1.0/calls/{CALL}"
    assert request.headers["authorization"] == f"Bearer {SECRET}"


def test_the_state_of_a_target_is_of_its_kind() -> None:
    peer = server({("GET", f"/v1.0/conferences/{CALL}"): document({"status": "terminated"})})
    state = ask(peer, lambda api: api.get_state(parse_target(f"conference/{CALL}")))
    assert isinstance(state, ConferenceState)
    assert state.is_over
    assert ask(Peer(), lambda api: api.get_state(parse_target("sim"))) is None


def test_a_refusal_is_the_same_as_before_the_upgrade() -> None:
    peer = server({CALL_PATH: envelope(404, "CALL_NOT_FOUND", f"no call, {SECRET}", "req-1")})
    error = failure(peer, lambda api: api.get_call(CALL))
    assert isinstance(error, Refused)
    assert error.message == (
        "the server answered HTTP 404 CALL_NOT_FOUND: no call, *** (request req-1)"
    )
    assert error.details["request_id"] == "req-1"


async def every_call(api: Api, limit: int | None = None) -> list[str]:
    return [call.id async for call in api.list_calls(limit=limit)]


def pages(request: Request) -> Answer:
    token = request.target.partition("page_token=")[2].partition("&")[0]
    first = int(token or 0)
    rows = [{"id": str(number)} for number in range(first, first + 3)]
    following = str(first + 3) if first < 6 else ""
    return document({"result": rows, "next_page_token": following})


def test_a_list_is_read_page_after_page_to_its_end() -> None:
    peer = server({("GET", "/v1.0/calls"): pages})
    assert ask(peer, every_call) == [str(number) for number in range(9)]
    assert len(peer.requests) == 3
    assert all("page_size=100" in request.target for request in peer.requests)


def test_a_limit_stops_the_list_and_the_asking() -> None:
    peer = server({("GET", "/v1.0/calls"): pages})
    assert ask(peer, lambda api: every_call(api, 4)) == ["0", "1", "2", "3"]
    assert len(peer.requests) == 2
    assert "page_size=4" in peer.requests[0].target


@pytest.mark.parametrize(
    "page",
    [
        {"result": [{"id": "1"}], "next_page_token": "same"},
        {"result": [{"id": "1"}, 7, None], "next_page_token": 5},
        {"result": None},
        {},
    ],
)
def test_a_list_that_makes_no_sense_ends(page: object) -> None:
    peer = server({("GET", "/v1.0/calls"): document(page)})
    assert len(ask(peer, every_call)) <= 3
    assert len(peer.requests) <= 2


def test_a_page_token_that_no_url_can_hold_is_told() -> None:
    page = Answer(200, {}, rb'{"result": [{"id": "1"}], "next_page_token": "\ud800"}')
    peer = server({("GET", "/v1.0/calls"): page})
    error = failure(peer, every_call)
    assert isinstance(error, ConnectionFailed)
    assert error.message.endswith("answered a page token that is no text")


def test_conferences_are_listed_too() -> None:
    page = {"result": [{"id": "1", "name": "daily"}], "next_page_token": ""}
    peer = server({("GET", "/v1.0/conferences"): document(page)})

    async def names(api: Api) -> list[str]:
        return [conference.name async for conference in api.list_conferences()]

    assert ask(peer, names) == ["daily"]


# Probing


def test_a_probe_tells_the_servers_clock_and_that_the_credential_is_taken() -> None:
    answer = document({"result": []})
    date = {"Date": "Wed, 21 Oct 2026 07:28:00 GMT"}
    peer = server({("GET", "/v1.0/calls"): Answer(200, date, answer.body)})
    probe = ask(peer, lambda api: api.probe())
    assert probe.error is None
    assert probe.round_trip_s > 0
    # date -u -d "2026-10-21 07:28:00" +%s
    assert probe.server_time_s == 1_792_567_680.0
    assert "token=" in peer.requests[0].target


@pytest.mark.parametrize("date", ["", "soon", "Wed, 99 Oct 2026 07:28:00 GMT"])
def test_a_probe_that_is_refused_is_an_answer(date: str) -> None:
    peer = server({("GET", "/v1.0/calls"): envelope(401, "INVALID", SECRET, "r", Date=date)})
    probe = ask(peer, lambda api: api.probe())
    assert isinstance(probe.error, Refused)
    assert "s3cr3t" not in probe.error.message
    assert probe.server_time_s is None


# Login


def test_a_login_gives_the_token_and_sends_no_other_credential() -> None:
    peer = server({("POST", "/auth/login"): document({"username": "me", "token": "a.b.c"})})
    assert ask(peer, lambda api: api.login("me", "pässword")) == "a.b.c"
    [request] = peer.requests
    assert request.target == "/auth/login"
    assert json.loads(request.body) == {"username": "me", "password": "pässword"}
    assert request.headers["content-type"] == "application/json"
    assert "authorization" not in request.headers


@pytest.mark.parametrize("status", [400, 401])
def test_a_wrong_password_is_a_refusal_even_as_a_bare_400(status: int) -> None:
    peer = server({("POST", "/auth/login"): Answer(status)})
    error = failure(peer, lambda api: api.login("me", "s3cr3t"))
    assert isinstance(error, Refused)
    assert "username with this password" in error.message


@pytest.mark.parametrize("body", [{}, {"token": 7}, {"token": ""}])
def test_a_login_without_a_token_is_no_login(body: object) -> None:
    peer = server({("POST", "/auth/login"): document(body)})
    assert isinstance(failure(peer, lambda api: api.login("me", "pw")), ConnectionFailed)


def test_a_login_that_fails_otherwise_says_so() -> None:
    peer = server({("POST", "/auth/login"): envelope(503, "DOWN", "s3cr3t-password", "r")})
    error = failure(peer, lambda api: api.login("me", "s3cr3t-password"))
    assert error.details["http_status"] == 503


# The platform's capture


def test_a_capture_goes_to_the_sink_as_it_comes() -> None:
    pcap = bytes(range(256)) * 5000
    peer = server({("GET", f"/v1.0/timelines/calls/{CALL}/pcap"): Answer(body=pcap)})
    pieces: list[bytes] = []
    assert ask(peer, lambda api: api.get_pcap(CALL, pieces.append)) == len(pcap)
    assert b"".join(pieces) == pcap
    assert len(pieces) > 1


def test_a_capture_over_the_limit_is_cut_off() -> None:
    peer = server({("GET", f"/v1.0/timelines/calls/{CALL}/pcap"): Answer(body=bytes(1_000_000))})
    pieces: list[bytes] = []
    failure(peer, lambda api: api.get_pcap(CALL, pieces.append, limit_bytes=100_000))
    assert sum(map(len, pieces)) <= 100_000


def test_a_capture_that_is_not_there_writes_nothing() -> None:
    path = ("GET", f"/v1.0/timelines/calls/{CALL}/pcap")
    peer = server({path: envelope(404, "RESOURCE_NOT_FOUND", "none", "r")})
    pieces: list[bytes] = []
    error = failure(peer, lambda api: api.get_pcap(CALL, pieces.append))
    assert isinstance(error, Refused)
    assert pieces == []


def test_a_full_disk_is_not_taken_for_the_networks_fault() -> None:
    peer = server({("GET", f"/v1.0/timelines/calls/{CALL}/pcap"): Answer(body=b"x")})

    def full(_: bytes) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        ask(peer, lambda api: api.get_pcap(CALL, full))


# Hostile and broken servers


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"null", b"7", b"{", b"\xff", b"[" * 200_000, b"<htm", b'{"a":' + b"9" * 5000],
)
def test_an_answer_that_is_no_object_is_told(body: bytes) -> None:
    error = failure(server({CALL_PATH: Answer(body=body)}), lambda api: api.get_call(CALL))
    assert isinstance(error, ConnectionFailed)
    assert "no JSON object" in error.message


def test_a_page_in_place_of_an_answer_is_told_as_one() -> None:
    page = Answer(200, {"Server": "nginx"}, b"<html><title>Welcome!</title></html>")
    error = failure(server({CALL_PATH: page}), lambda api: api.get_call(CALL))
    assert error.message.endswith("answered an HTML page (“Welcome!”, nginx)")


def test_an_answer_without_an_end_is_cut_off() -> None:
    body = b" " * (api_module.BODY_LIMIT_BYTES + 1)
    error = failure(server({CALL_PATH: Answer(body=body)}), lambda api: api.get_call(CALL))
    assert "more than" in error.message


def test_a_compressed_answer_is_not_unpacked() -> None:
    bomb = gzip.compress(bytes(50_000_000))
    answer = Answer(headers={"Content-Encoding": "gzip"}, body=bomb)
    error = failure(server({CALL_PATH: answer}), lambda api: api.get_call(CALL))
    assert "no JSON object" in error.message


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_no_redirect_is_followed(status: int) -> None:
    with Peer() as other:
        location = {"Location": other.http_url(f"/x?token={SECRET}")}
        error = failure(
            server({CALL_PATH: Answer(status, location)}), lambda api: api.get_call(CALL)
        )
        assert other.connections == 0
    assert "redirects" in error.message


@pytest.mark.parametrize("raw", [b"SSH-2.0-x\r\n", b"HTTP/1.1 abc\r\n\r\n", b""])
def test_a_server_that_is_none(raw: bytes) -> None:
    error = failure(server({CALL_PATH: Answer(raw=raw)}), lambda api: api.get_call(CALL))
    assert "does not answer as an HTTP server must" in error.message


def test_a_server_that_never_answers_is_a_timeout() -> None:
    error = failure(server({CALL_PATH: NEVER_ANSWER}), lambda api: api.get_call(CALL), timeout=0.2)
    assert "within 0.2 s" in error.message


def test_a_server_that_drips_is_a_timeout_too() -> None:
    # No single read takes long: the head alone would take six seconds.
    answer = Answer(headers={"X-Padding": "x" * 600}, body=b"{}", drip=0.01)
    error = failure(server({CALL_PATH: answer}), lambda api: api.get_call(CALL), timeout=0.2)
    assert "within 0.2 s" in error.message


def test_nothing_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]

    async def main() -> None:
        async with Api(Endpoint(f"http://127.0.0.1:{port}/v1.0", TOKEN)) as api:
            await api.get_call(CALL)

    with pytest.raises(ConnectionFailed, match="refused the connection"):
        run(main())


def test_tls_is_checked_as_for_the_stream(tmp_path_factory: pytest.TempPathFactory) -> None:
    authority = Authority(tmp_path_factory.mktemp("ca"))
    certificate = authority.issue("api", names="IP:127.0.0.1")

    async def status(endpoint: Endpoint) -> str:
        async with Api(endpoint) as api:
            return (await api.get_call(CALL)).status

    routes = {CALL_PATH: document({"status": "ringing"})}
    with Peer(routes=routes, tls=certificate.server_context) as peer:
        url = peer.http_url("/v1.0")
        assert run(status(Endpoint(url, TOKEN, ca_file=authority.ca.cert))) == "ringing"
        assert run(status(Endpoint(url, TOKEN, insecure=True))) == "ringing"
        with pytest.raises(ConnectionFailed, match="does not know") as caught:
            run(status(Endpoint(url, TOKEN)))
        assert caught.value.details["finding"] == "tls"
        assert "--ca-file" in caught.value.hint


@pytest.mark.parametrize("setting", ["gopher://user:pr0xypass@h", "user:pr0xypass@h:port"])
def test_a_proxy_setting_that_cannot_be_used(setting: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", setting)
    with pytest.raises(UsageError) as caught:
        Api(Endpoint("https://far.invalid/v1.0", TOKEN))
    assert "pr0xypass" not in caught.value.message + caught.value.hint
    assert caught.value.__context__ is None


def test_the_proxy_is_left_out_towards_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    with Peer() as proxy:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy.port}")
        ask(server({CALL_PATH: document({})}), lambda api: api.get_call(CALL))
        assert proxy.connections == 0


def test_the_log_at_its_most_verbose_holds_no_secret(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    ask(server({CALL_PATH: document({})}), lambda api: api.get_call(CALL))
    ask(server({CALL_PATH: document({})}), lambda api: api.get_call(CALL), auth=Auth.HEADER)
    assert "HTTP Request" in caplog.text
    assert "s3cr3t" not in caplog.text
