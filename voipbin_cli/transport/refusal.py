"""One mapping of what an HTTP server answers to the error that a user and a script get.

The envelope of the platform: `{"error": {"status", "reason", "message", "request_id"}}`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, NamedTuple

from voipbin_cli.errors import ConnectionFailed, Refused, VoipbinError
from voipbin_cli.finding_ids import FindingId
from voipbin_cli.text import printable
from voipbin_cli.transport.secret_masking import bare_url, mask

BODY_LIMIT_BYTES = 64 * 1024
RETRY_AFTER_LIMIT_S = 86_400.0
# RFC 9110 15.4: those that name another address in Location (304 to 306 do not).
_REDIRECTS = frozenset((300, 301, 302, 303, 307, 308))


class _Row(NamedTuple):
    finding: FindingId
    hint: str


# RFC 9110 15.5.2 (401), 15.5.4 (403), 15.5.5 (404) and 15.5.10 (409), RFC 6585 4 (429).
_REFUSALS: Mapping[int, _Row] = {
    401: _Row(
        FindingId.AUTH,
        "check the credential: a token belongs in VOIPBIN_TOKEN, an access key in "
        "VOIPBIN_ACCESSKEY (the two are not interchangeable), or run `voipbin login` again",
    ),
    403: _Row(
        FindingId.FORBIDDEN, "this credential may not do that: check the account's permissions"
    ),
    404: _Row(FindingId.NOT_FOUND, "check the id, and that it belongs to this API (--api-url)"),
    409: _Row(
        FindingId.CALL_NOT_PROGRESSING, "the call or conference must be active and progressing"
    ),
    429: _Row(FindingId.RATE_LIMITED, "too many requests: wait, then try again"),
}
# RFC 9110 15.5.1 (400), 15.5.22 (426), 15.6.1 (500), 15.6.3 (502), 15.6.4 (503), 15.6.5 (504).
_OTHERS: Mapping[int, str] = {
    400: "check the id and the encapsulation",
    426: "this address speaks another WebSocket version or none: check the URL",
    500: "the platform failed: try again, and give support the request id",
    502: "a gateway could not reach the platform: try again",
    503: "the platform is unavailable: try again",
    504: "a gateway got no answer from the platform: try again",
}
_REASONS: Mapping[str, str] = {
    "ACCOUNT_FROZEN": "the account is frozen: ask its administrator",
    "DIRECT_ACCESS_NOT_SUPPORTED": "a direct token cannot open a media stream: use a login token "
    "or an access key",
    "INVALID_ID": "the id is not one that the API knows the form of",
    "ROUTE_NOT_FOUND": "no such path on this server: check --api-url (it ends in /v1.0)",
}


class ErrorEnvelope(NamedTuple):
    """What the server said, bounded and printable; empty where it said nothing."""

    reason: str = ""
    message: str = ""
    request_id: str = ""


def parse_envelope(body: bytes) -> ErrorEnvelope:
    """The error envelope in `body`; whatever else is there gives an empty one. Raises nothing."""
    try:
        document: Any = json.loads(body[:BODY_LIMIT_BYTES])
    except (ValueError, RecursionError):
        return ErrorEnvelope()
    error = document.get("error") if isinstance(document, dict) else None
    if not isinstance(error, dict):
        return ErrorEnvelope()
    return ErrorEnvelope(*(_text(error.get(name)) for name in ErrorEnvelope._fields))


def _text(value: object) -> str:
    return printable(value) if isinstance(value, str) else ""


def retry_after(value: str | None, date: str | None = None) -> float | None:
    """Seconds of a Retry-After header (RFC 9110 section 10.2.3), 0 to one day; None without one.

    A date counts from the answer's own Date header: both are of the server's clock, not of ours.
    """
    if not value:
        return None
    # "Retry-After = HTTP-date / delay-seconds", and "delay-seconds = 1*DIGIT".
    try:
        if value.strip().isdecimal():
            seconds = float(value)
        else:
            if date is None:
                return None
            seconds = (parsedate_to_datetime(value) - parsedate_to_datetime(date)).total_seconds()
    except (ValueError, TypeError, OverflowError):
        return None
    return min(max(seconds, 0.0), RETRY_AFTER_LIMIT_S) if math.isfinite(seconds) else None


def refusal(
    status: int,
    headers: Mapping[str, str] | None = None,
    body: bytes = b"",
    *,
    secrets: tuple[str, ...] = (),
) -> VoipbinError:
    """The error for an HTTP answer that is not the one hoped for.

    401, 403, 404, 409 and 429 are `Refused` (exit status 4), every other one `ConnectionFailed`
    (3). `details` has `http_status`, and `reason`, `request_id`, `retry_after` (seconds),
    `finding` (the id that diagnose gives it) where they are known.
    """
    # RFC 9110 5.1: "Field names are case-insensitive".
    headers = {name.lower(): value for name, value in (headers or {}).items()}
    envelope = ErrorEnvelope(*(mask(field, *secrets) for field in parse_envelope(body)))
    wait_s = retry_after(headers.get("retry-after"), headers.get("date"))
    error_type = Refused if status in _REFUSALS else ConnectionFailed
    return error_type(
        _sentence(status, envelope, headers),
        hint=_hint(status, envelope.reason, wait_s),
        http_status=status,
        reason=envelope.reason or None,
        request_id=envelope.request_id or None,
        retry_after=wait_s,
        finding=_REFUSALS[status].finding if status in _REFUSALS else FindingId.CANNOT_CONNECT,
    )


def _sentence(status: int, envelope: ErrorEnvelope, headers: Mapping[str, str]) -> str:
    if status in _REDIRECTS:
        to = bare_url(headers.get("location", "")) or "nowhere"
        return f"the server redirects (HTTP {status}) to {to}, and redirects are not followed"
    sentence = f"the server answered HTTP {status} {envelope.reason or _phrase(status)}".rstrip()
    if envelope.message:
        sentence += f": {envelope.message}"
    return f"{sentence} (request {envelope.request_id})" if envelope.request_id else sentence


def _phrase(status: int) -> str:
    # RFC 9110 15: of an unknown code only the class counts, its first digit.
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


def _hint(status: int, reason: str, wait_s: float | None) -> str:
    if status in _REDIRECTS:
        return "the credential must not travel to another address: give the right one (--api-url)"
    # RFC 6455 4.2.2: a WebSocket server answers 101; success without it is any other resource.
    if 200 <= status < 300:
        return "there is no WebSocket at this address: check the URL"
    if wait_s is not None:
        return f"try again in {wait_s:.0f} s"
    if reason in _REASONS:
        return _REASONS[reason]
    if status in _REFUSALS:
        return _REFUSALS[status].hint
    return _OTHERS.get(status, "check the address (--api-url)")


def is_transient(error: VoipbinError) -> bool:
    """Whether another attempt may succeed with nothing changed on this side.

    Networks heal and servers restart; a wrong certificate, credential or id does not.
    """
    status = error.details.get("http_status")
    if status is not None:
        # 408 Request Timeout (RFC 9110 15.5.9), 425 Too Early (RFC 8470), 429 Too Many Requests
        # (RFC 6585), and 5xx: "the server is aware that it has erred" (RFC 9110 15.6).
        return bool(status in (408, 425, 429) or status >= 500)
    return isinstance(error, ConnectionFailed) and error.details.get("finding") != FindingId.TLS
