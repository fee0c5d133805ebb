from __future__ import annotations

import base64
import json

import pytest

from voipbin_cli.simulator.authority import Authority, Grant
from voipbin_cli.simulator.http import Request
from voipbin_cli.simulator.scenario import Refusal

NOW = 1_800_000_000.0
LIFE = 100.0


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority(LIFE)


def _request(query: dict[str, str] | None = None, **headers: str) -> Request:
    return Request("GET", "/", query or {}, headers, b"", b"", b"")


def _reason(outcome: Grant | Refusal) -> str:
    return outcome.reason if isinstance(outcome, Refusal) else "granted"


def test_a_token_travels_in_query_header_or_cookie(authority: Authority) -> None:
    token = authority.issue(NOW)
    for request in (
        _request({"token": token}),
        _request(authorization=f"Bearer {token}"),
        _request(cookie=f"token={token}"),
    ):
        assert authority.check(request, NOW) == Grant(NOW + LIFE)


def test_an_access_key_travels_in_query_or_cookie(authority: Authority) -> None:
    key = authority.access_key
    for request in (_request({"accesskey": key}), _request(cookie=f"accesskey={key}")):
        assert authority.check(request, NOW) == Grant(None)


def test_the_two_names_are_not_interchangeable(authority: Authority) -> None:
    token, key = authority.issue(NOW), authority.access_key
    for request in (
        _request({"token": key}),
        _request({"accesskey": token}),
        _request(authorization=f"Bearer {key}"),
        _request(cookie=f"token={key}"),
    ):
        assert _reason(authority.check(request, NOW)) == "INVALID_CREDENTIALS"


def test_a_cookie_wins_over_the_query_and_that_over_the_header(authority: Authority) -> None:
    good, bad = authority.issue(NOW), "bad"
    for request, wins in (
        (_request({"token": good}, cookie=f"token={bad}"), "INVALID_CREDENTIALS"),
        (_request({"token": bad}, cookie=f"token={good}"), "granted"),
        (_request({"token": bad}, authorization=f"Bearer {good}"), "INVALID_CREDENTIALS"),
        (_request({"token": good}, authorization=f"Bearer {bad}"), "granted"),
    ):
        assert _reason(authority.check(request, NOW)) == wins


def test_a_token_wins_over_an_access_key(authority: Authority) -> None:
    request = _request({"token": "bad"}, cookie=f"accesskey={authority.access_key}")
    assert _reason(authority.check(request, NOW)) == "INVALID_CREDENTIALS"


def test_without_any_authentication_is_required(authority: Authority) -> None:
    for request in (_request(), _request(authorization="Basic eDp5"), _request({"token": ""})):
        assert _reason(authority.check(request, NOW)) == "AUTHENTICATION_REQUIRED"


def test_a_token_expires(authority: Authority) -> None:
    request = _request({"token": authority.issue(NOW)})
    assert _reason(authority.check(request, NOW + LIFE - 1)) == "granted"
    assert _reason(authority.check(request, NOW + LIFE)) == "INVALID_CREDENTIALS"


def test_a_token_is_a_jwt_whose_expiry_can_be_read(authority: Authority) -> None:
    claims = authority.issue(NOW).split(".")[1]
    assert json.loads(base64.urlsafe_b64decode(claims + "=="))["exp"] == NOW + LIFE


@pytest.mark.parametrize("bad", ["", ".", "..", "a.b.c", "ü.ü.ü", "e30.e30.", "\x00" * 9])
def test_no_made_up_token_is_accepted(authority: Authority, bad: str) -> None:
    assert isinstance(authority.check(_request({"token": bad or "x"}), NOW), Refusal)


def test_a_changed_claim_is_not_accepted(authority: Authority) -> None:
    head, _, signature = authority.issue(NOW).split(".")
    claims = base64.urlsafe_b64encode(json.dumps({"exp": NOW * 2}).encode()).decode().rstrip("=")
    request = _request({"token": f"{head}.{claims}.{signature}"})
    assert _reason(authority.check(request, NOW)) == "INVALID_CREDENTIALS"
    assert (
        _reason(Authority(LIFE).check(_request({"token": authority.issue(NOW)}), NOW)) != "granted"
    )
