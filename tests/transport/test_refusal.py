"""HTTP answers as errors; the whole handshake is in test_handshake.py."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voipbin_cli.errors import ConnectionFailed, Refused, UsageError
from voipbin_cli.transport.network_failure import failed, timed_out
from voipbin_cli.transport.refusal import is_transient, parse_envelope, refusal, retry_after

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
        (403, "ACCOUNT_FROZEN", "frozen"),
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
