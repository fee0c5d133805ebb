"""The REST side, asked over real sockets."""

from __future__ import annotations

import json
import uuid

import pytest

from tests.simulator.support import Answer, ask, path_of, simulating
from tests.support.aio import run
from voipbin_cli.simulator.authority import PASSWORD, USERNAME
from voipbin_cli.simulator.scenario import RoomKind

NO_ID = "00000000-0000-4000-8000-000000000000"


def _ask(path: str, names: str = "clean", **options: object) -> Answer:
    async def main() -> Answer:
        async with simulating(names) as simulator:
            rooms = simulator.exchange.rooms
            filled = path.format(
                call=path_of(rooms[RoomKind.CALL][0]),
                conference=path_of(rooms[RoomKind.CONFERENCE][0]),
            )
            return await ask(simulator, filled, **options)  # type: ignore[arg-type]

    return run(main())


def test_a_call_has_the_fields_that_clients_read() -> None:
    call = _ask("{call}").json
    assert uuid.UUID(call["id"])
    assert (call["status"], call["mute_direction"], call["hangup_by"]) == ("progressing", "", "")
    assert call["tm_progressing"].endswith("Z")
    assert "tm_hangup" not in call, "absent until it happens"


def test_a_conference_has_null_for_what_has_not_happened() -> None:
    conference = _ask("{conference}").json
    assert conference["status"] == "progressing"
    assert conference["tm_end"] is None
    assert len(conference["conferencecall_ids"]) == 2


@pytest.mark.parametrize(
    ("name", "call", "conference"),
    [
        ("not-progressing", "ringing", "starting"),
        ("call-state", "hangup", "terminated"),
    ],
)
def test_each_kind_has_its_own_words_for_its_status(name: str, call: str, conference: str) -> None:
    assert _ask("{call}", name).json["status"] == call
    assert _ask("{conference}", name).json["status"] == conference


def test_a_muted_call_says_so() -> None:
    assert _ask("{call}", "muted").json["mute_direction"] == "both"


@pytest.mark.parametrize(
    ("path", "status", "reason"),
    [
        ("/v1.0/calls/no-uuid", 400, "INVALID_ID"),
        (f"/v1.0/calls/{NO_ID}", 404, "CALL_NOT_FOUND"),
        (f"/v1.0/calls/{NO_ID}/media_stream?encapsulation=rtp", 404, "CALL_NOT_FOUND"),
        (f"/v1.0/conferences/{NO_ID}", 404, "RESOURCE_NOT_FOUND"),
        (f"/v1.0/timelines/calls/{NO_ID}/pcap", 404, "CALL_NOT_FOUND"),
        ("/v1.0/nothing", 404, "ROUTE_NOT_FOUND"),
        ("/", 404, "ROUTE_NOT_FOUND"),
        ("/v1.0/calls?page_size=none", 400, "MISSING_REQUEST_PARAMETER"),
    ],
)
def test_what_is_not_there(path: str, status: int, reason: str) -> None:
    answer = _ask(path)
    assert answer.status == status
    error = answer.json["error"]
    assert (error["status"], error["reason"]) == (status, reason)
    assert error["message"]
    assert uuid.UUID(error["request_id"])


@pytest.mark.parametrize("path", ["/v1.0/calls", "{call}", "{call}/media_stream", "/v1.0/nothing"])
def test_without_credentials_nothing_is_told(path: str) -> None:
    answer = _ask(path, token="")
    assert (answer.status, answer.json["error"]["reason"]) == (401, "AUTHENTICATION_REQUIRED")
    answer = _ask(path, token="x.y.z")
    assert (answer.status, answer.json["error"]["reason"]) == (401, "INVALID_CREDENTIALS")


@pytest.mark.parametrize(
    ("name", "status", "reason"),
    [
        ("auth", 401, "INVALID_CREDENTIALS"),
        ("forbidden", 403, "PERMISSION_DENIED"),
        ("account-frozen", 403, "ACCOUNT_FROZEN"),
        ("direct-token", 403, "DIRECT_ACCESS_NOT_SUPPORTED"),
        ("not-found", 404, "CALL_NOT_FOUND"),
        ("call-state", 409, "CALL_STATE_INVALID"),
        ("rate-limited", 429, "RATE_LIMIT_EXCEEDED"),
        ("server-error", 500, "INTERNAL"),
        ("unavailable", 503, "UNAVAILABLE"),
    ],
)
def test_a_refused_stream_has_status_and_envelope(name: str, status: int, reason: str) -> None:
    answer = _ask("{call}/media_stream?encapsulation=rtp", name)
    assert (answer.status, answer.json["error"]["reason"]) == (status, reason)
    assert ("Retry-After" in answer.headers) == (status == 429)


def test_request_ids_differ_from_request_to_request() -> None:
    async def main() -> set[str]:
        async with simulating() as simulator:
            answers = [await ask(simulator, "/v1.0/nothing") for _ in range(5)]
            return {answer.json["error"]["request_id"] for answer in answers}

    assert len(run(main())) == 5


def test_pages_hold_every_call_once_newest_first() -> None:
    async def main() -> tuple[list[str], list[int]]:
        async with simulating(options={"calls": "7"}) as simulator:
            found, sizes, token = [], [], ""
            while True:
                path = f"/v1.0/calls?page_size=3&page_token={token}"
                page = (await ask(simulator, path)).json
                found += page["result"]
                sizes.append(len(page["result"]))
                token = page["next_page_token"]
                if not token:
                    return [call["tm_create"] for call in found], sizes

    times, sizes = run(main())
    assert sizes == [3, 3, 1]
    assert times == sorted(set(times), reverse=True)
    assert len(times) == 7


def test_login_gives_a_token_that_works_and_bad_credentials_a_bare_400() -> None:
    async def main() -> None:
        async with simulating() as simulator:

            async def login(content: object, method: str = "POST") -> Answer:
                body = json.dumps(content).encode()
                return await ask(simulator, "/auth/login", method=method, token="", body=body)

            good = await login({"username": USERNAME, "password": PASSWORD})
            assert good.json["username"] == USERNAME
            path = path_of(simulator.exchange.target)
            assert (await ask(simulator, path, token=good.json["token"])).status == 200
            for bad in ({"username": USERNAME, "password": "x"}, {}, [], None, "x", 7):
                answer = await login(bad)
                assert (answer.status, answer.body) == (400, b"")
            assert (await login({"username": USERNAME, "password": PASSWORD}, "GET")).status == 400

    run(main())


def test_an_access_key_opens_the_api_too() -> None:
    async def main() -> list[int]:
        async with simulating() as simulator:
            path, key = path_of(simulator.exchange.target), simulator.authority.access_key
            queries = (f"accesskey={key}", f"token={key}", f"accesskey={simulator.token}")
            return [(await ask(simulator, f"{path}?{q}", token="")).status for q in queries]

    assert run(main()) == [200, 401, 401]


def test_the_capture_of_a_call_is_a_pcap() -> None:
    async def main() -> Answer:
        async with simulating() as simulator:
            call_id = simulator.exchange.target.id
            return await ask(simulator, f"/v1.0/timelines/calls/{call_id}/pcap")

    answer = run(main())
    assert answer.body[:4] == b"\xd4\xc3\xb2\xa1"
    assert "pcap" in answer.headers["Content-Type"]
