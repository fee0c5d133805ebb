"""HTTP answers as errors; the whole handshake is in test_handshake.py."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voipbin_cli.errors import ConnectionFailed, Refused, UsageError, VoipbinError
from voipbin_cli.transport.network_failure import failed, timed_out
from voipbin_cli.transport.refusal import (
    is_final,
    is_transient,
    parse_envelope,
    refusal,
    retry_after,
)

DATE = "Wed, 21 Oct 2026 07:28:00 GMT"


@pytest.mark.parametrize(
    ("value", "date", "seconds"),
    [
        ("0", None, 0.0),
        ("120", None, 120.0),
        (" 5 ", None, 5.0),
        ("999999999999", None, 86_400.0),
        ("Wed, 21 Oct 2026 07:28:30 GMT", DATE, 30.0),
        ("Wed, 21 Oct 2026 07:27:00 GMT", DATE, 0.0),  # past
        ("Wed, 21 Oct 2026 07:28:30 GMT", None, None),
        ("soon", DATE, None),
        ("-1", DATE, None),
        ("1e9", DATE, None),
        ("²", DATE, None),
        ("", DATE, None),
        (None, DATE, None),
    ],
)
def test_retry_after_in_both_of_its_forms(
    value: str | None, date: str | None, seconds: float | None
) -> None:
    assert retry_after(value, date) == seconds


@given(st.text(), st.text())
def test_no_retry_after_raises(value: str, date: str) -> None:
    seconds = retry_after(value, date)
    assert seconds is None or 0 <= seconds <= 86_400


@given(st.binary())
def test_no_body_raises(body: bytes) -> None:
    parse_envelope(body)


def test_fields_of_another_type_are_left_out() -> None:
    body = json.dumps({"error": {"reason": 7, "message": None, "request_id": ["x"]}}).encode()
    assert parse_envelope(body) == ("", "", "")


def test_header_names_are_case_insensitive() -> None:
    assert refusal(429, {"RETRY-AFTER": "3"}).details["retry_after"] == 3.0


@pytest.mark.parametrize(
    ("headers", "to"),
    [
        ({"Location": "https://h/a?token=x"}, "https://h/a"),
        ({"Location": "/a"}, "/a"),
        ({}, "nowhere"),
    ],
)
def test_a_redirect_is_told_with_its_place(headers: dict[str, str], to: str) -> None:
    assert refusal(302, headers).message == (
        f"the server redirects (HTTP 302) to {to}, and redirects are not followed"
    )


@pytest.mark.parametrize(
    ("status", "reason", "word"),
    [
        (403, "ACCOUNT_FROZEN", "administrator"),
        (403, "DIRECT_ACCESS_NOT_SUPPORTED", "direct token"),
        (404, "ROUTE_NOT_FOUND", "/v1.0"),
        (401, "INVALID_CREDENTIALS", "not interchangeable"),
        (409, "CALL_STATE_INVALID", "progressing"),
        (400, "MISSING_REQUEST_PARAMETER", "encapsulation"),
        (418, "", "--api-url"),
        (599, "", "--api-url"),
    ],
)
def test_the_hint_follows_reason_then_status(status: int, reason: str, word: str) -> None:
    body = json.dumps({"error": {"reason": reason}}).encode()
    assert word in refusal(status, body=body).hint


@pytest.mark.parametrize(
    ("status", "reason", "finding", "cause"),
    [
        (402, "PAYMENT_REQUIRED", "forbidden", "balance"),
        (402, "ACCOUNT_FROZEN", "forbidden", "the account is frozen"),
        (403, "ACCOUNT_FROZEN", "forbidden", "the account is frozen"),
        (401, "TOKEN EXPIRED", "auth", "the credential has expired"),
        (401, "INVALID_CREDENTIALS", "auth", "the credential is not accepted"),
        (400, "INVALID_ID", "not-found", "the id"),
        (404, "CALL_NOT_FOUND", "not-found", "no such call"),
        (404, "", "not-found", "or another path"),
        (500, "INTERNAL", "cannot-connect", "the platform is unavailable"),
        (503, "", "cannot-connect", "the platform is unavailable"),
        (504, "", "cannot-connect", "the platform is unavailable"),
        (529, "", "cannot-connect", "the platform is unavailable"),
        (418, "", "cannot-connect", "refuses"),
        (200, "", "cannot-connect", "does not speak WebSocket"),
    ],
)
def test_the_cause_follows_reason_then_status(
    status: int, reason: str, finding: str, cause: str
) -> None:
    error = refusal(status, body=json.dumps({"error": {"reason": reason}}).encode())
    assert error.details["finding"] == finding
    assert cause in error.details["cause"]


PAGE = b"<!DOCTYPE html><html><head><TITLE>502\n Bad &amp; Gateway</TITLE></head></html>"
HTML = {"Content-Type": "text/html; charset=utf-8", "Server": "nginx/1.25"}


@pytest.mark.parametrize("status", [400, 401, 403, 404, 500, 502, 503, 504, 520])
def test_a_page_is_of_something_before_the_platform(status: int) -> None:
    error = refusal(status, HTML, PAGE)
    assert "proxy" in error.details["cause"]
    assert error.details["finding"] == "cannot-connect"
    assert error.message.endswith("with an HTML page (“502 Bad & Gateway”, nginx/1.25)")
    assert error.status == refusal(status).status  # the exit status follows HTTP's in any case
    assert is_transient(error) is is_transient(refusal(status))


def test_a_proxy_that_limits_the_rate_does_just_that() -> None:
    error = refusal(429, HTML | {"Retry-After": "9"}, PAGE)
    assert (error.details["finding"], error.hint) == ("rate-limited", "try again in 9 s")


def test_a_page_is_known_by_its_label_or_by_its_start() -> None:
    assert "(" not in refusal(503, {"Content-Type": "text/html"}, b"down").message
    assert "HTML page" in refusal(503, {}, b"\xef\xbb\xbf\n<HTML><p>down").message
    assert "HTML page" not in refusal(503, {"Content-Type": "text/plain"}, b"down <html>").message
    assert "HTML page" not in refusal(503, {}, json.dumps({"error": "<html>"}).encode()).message


def test_what_a_page_says_is_masked_before_it_is_cut_and_then_escaped() -> None:
    secret = "s3cret-of-the-user"
    page = f"<html><title>{'x' * 70}{secret}</title>".encode()
    said = refusal(502, {"Server": f"\x1b[2J{secret}"}, page, secrets=(secret,)).message
    assert "s3cret" not in said
    assert said.isprintable()
    assert "\\x1b[2J***" in said


@pytest.mark.parametrize(
    ("error", "final"),
    [
        (refusal(401, body=b'{"error": {"reason": "INVALID_CREDENTIALS"}}'), True),
        (refusal(404, body=b'{"error": {"reason": "CALL_NOT_FOUND"}}'), True),
        (refusal(404, body=b'{"error": {"reason": "ROUTE_NOT_FOUND"}}'), False),
        (refusal(503, body=b'{"error": {"reason": "UNAVAILABLE"}}'), False),
        (refusal(404), False),
        (refusal(401), False),
        (timed_out("h:1"), False),
    ],
)
def test_only_the_apis_own_no_is_one_to_the_stream_too(error: VoipbinError, final: bool) -> None:
    assert is_final(error) is final


@pytest.mark.parametrize(
    ("error", "transient"),
    [
        (refusal(500), True),
        (refusal(503), True),
        (refusal(429), True),
        (refusal(408), True),
        (refusal(400), False),
        (refusal(401), False),
        (refusal(404), False),
        (refusal(409), False),
        (refusal(302), False),
        (refusal(200), False),
        (timed_out("h:1"), True),
        (failed("no such host", "…"), True),
        (failed("TLS: expired", "…", "tls"), False),
        (ConnectionFailed("lost"), True),
        (Refused("the call is over"), False),
        (UsageError("nonsense"), False),
    ],
)
def test_what_may_heal_by_itself(
    error: ConnectionFailed | Refused | UsageError, transient: bool
) -> None:
    assert is_transient(error) is transient
