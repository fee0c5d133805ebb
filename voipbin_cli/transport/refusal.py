"""One mapping of what an HTTP server answers to the error that a user and a script get.

The envelope of the platform: `{"error": {"status", "reason", "message", "request_id"}}`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from html import unescape
from http import HTTPStatus
from typing import NamedTuple

from voipbin_cli.documents import read_json
from voipbin_cli.errors import ConnectionFailed, Refused, VoipbinError
from voipbin_cli.finding_ids import FindingId
from voipbin_cli.text import LIMIT_CHARACTERS, printable
from voipbin_cli.transport.secret_masking import bare_url

BODY_LIMIT_BYTES = 64 * 1024
RETRY_AFTER_LIMIT_S = 86_400.0
# RFC 9110 15.4: those that name another address in Location (304 to 306 do not).
_REDIRECTS = frozenset((300, 301, 302, 303, 307, 308))


class _Meaning(NamedTuple):
    """What an answer means: its id among the findings, the cause in a few words, what to do."""

    finding: FindingId
    cause: str
    hint: str


# RFC 9110 15.5.2 to 15.5.5 (401 to 404) and 15.5.10 (409), RFC 6585 4 (429).
_REFUSALS: Mapping[int, _Meaning] = {
    401: _Meaning(
        FindingId.AUTH,
        "the credential is not accepted",
        "check the credential: a token belongs in VOIPBIN_TOKEN, an access key in "
        "VOIPBIN_ACCESSKEY (the two are not interchangeable), or run `voipbin login` again",
    ),
    402: _Meaning(
        FindingId.FORBIDDEN,
        "the account has to be paid for, or its balance is not enough",
        "ask the account's administrator to look at its balance and its plan; another credential "
        "of the same account does not help",
    ),
    403: _Meaning(
        FindingId.FORBIDDEN,
        "this credential has no right to open the stream",
        "this credential may not do that: check the account's permissions",
    ),
    404: _Meaning(
        FindingId.NOT_FOUND,
        "nothing is at this address: no such call or conference, or another path",
        "check the id, and that it belongs to this API (--api-url)",
    ),
    409: _Meaning(
        FindingId.CALL_NOT_PROGRESSING,
        "the call or conference is not up",
        "the call or conference must be active and progressing",
    ),
    429: _Meaning(
        FindingId.RATE_LIMITED,
        "too many requests",
        "wait, then try again; wait longer after each refusal (exponential backoff)",
    ),
}
_EXPIRED = _Meaning(
    FindingId.AUTH,
    "the credential has expired",
    "get a new token: voipbin login, or VOIPBIN_TOKEN",
)
_SAYS_EXPIRED = re.compile(r"(?i)\bexpired?\b")
_UNAVAILABLE = "the platform is unavailable"
_NOT_YOURS = "credential and id are not the cause"
# RFC 9110 15.5.1 (400), 15.5.22 (426), 15.6.1 (500), 15.6.3 (502), 15.6.4 (503), 15.6.5 (504).
_OTHERS: Mapping[int, _Meaning] = {
    400: _Meaning(
        FindingId.CANNOT_CONNECT,
        "the server takes the request for a malformed one",
        "check the id and the encapsulation",
    ),
    426: _Meaning(
        FindingId.CANNOT_CONNECT,
        "the server does not speak WebSocket at this address",
        "this address speaks another WebSocket version or none: check the URL",
    ),
    500: _Meaning(
        FindingId.CANNOT_CONNECT,
        f"{_UNAVAILABLE}: it failed by itself",
        f"{_NOT_YOURS}: try again, and give support the request id",
    ),
    502: _Meaning(
        FindingId.CANNOT_CONNECT,
        f"{_UNAVAILABLE}: a gateway could not reach it",
        f"{_NOT_YOURS}: try again, then ask whoever runs the gateway",
    ),
    503: _Meaning(
        FindingId.CANNOT_CONNECT,
        f"{_UNAVAILABLE} for now",
        f"{_NOT_YOURS}: try again in a minute",
    ),
    504: _Meaning(
        FindingId.CANNOT_CONNECT,
        f"{_UNAVAILABLE}: a gateway got no answer from it",
        f"{_NOT_YOURS}: try again, then ask whoever runs the gateway",
    ),
}
_REASONS: Mapping[str, _Meaning] = {
    "ACCOUNT_FROZEN": _Meaning(
        FindingId.FORBIDDEN,
        "the account is frozen",
        "ask the account's administrator or support why it is frozen; another credential of the "
        "same account does not help",
    ),
    "DIRECT_ACCESS_NOT_SUPPORTED": _Meaning(
        FindingId.FORBIDDEN,
        "a direct token cannot open a media stream",
        "use a login token or an access key in place of the direct token",
    ),
    "CALL_NOT_FOUND": _Meaning(
        FindingId.NOT_FOUND,
        "there is no such call",
        "check the id, and that it belongs to this API (--api-url): voipbin calls list",
    ),
    "INVALID_ID": _Meaning(
        FindingId.NOT_FOUND,
        "the id is none that the API knows the form of",
        "check the id, which is a UUID: voipbin calls list",
    ),
    "ROUTE_NOT_FOUND": _Meaning(
        FindingId.NOT_FOUND,
        "there is no such path on this server",
        "check --api-url: it ends in /v1.0",
    ),
}
_HTML_CAUSE = "a proxy, load balancer or web server answered, not the platform's API"
# What helps, by status; the platform itself answers in JSON.
_HTML_HINTS: Mapping[int, str] = {
    401: "a proxy wants a login of its own, or turns this client away: ask whoever runs it",
    403: "a proxy turns this client away (firewall, allow-list): ask whoever runs it",
    502: "a proxy cannot reach the platform behind it: try again, then ask whoever runs it",
    503: "a proxy has no server to pass requests on to: try again, then ask whoever runs it",
    504: "the platform did not answer a proxy in time: try again, then ask whoever runs it",
}
_HTML_HINT = "check the address (--api-url): it leads to a web page, or past the API"
_HTML_BROKEN = "a proxy, or what is behind it, failed: try again, then ask whoever runs it"
_TITLE = re.compile(rb"<title[^>]*>(.*?)</title", re.IGNORECASE | re.DOTALL)


class ErrorEnvelope(NamedTuple):
    """What the server said, bounded and printable; empty where it said nothing."""

    reason: str = ""
    message: str = ""
    request_id: str = ""


def parse_envelope(body: bytes, *secrets: str) -> ErrorEnvelope:
    """The error envelope in `body`, without `secrets`; whatever else is there gives an empty one.

    Raises nothing.
    """
    try:
        document = read_json(body[:BODY_LIMIT_BYTES])
    except ValueError:
        return ErrorEnvelope()
    error = document.get("error") if isinstance(document, dict) else None
    if not isinstance(error, dict):
        return ErrorEnvelope()
    said = (error.get(name) for name in ErrorEnvelope._fields)
    return ErrorEnvelope(
        *(
            printable(text, LIMIT_CHARACTERS, *secrets) if isinstance(text, str) else ""
            for text in said
        )
    )


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

    401 to 404, 409 and 429 are `Refused` (exit status 4), every other one `ConnectionFailed`
    (3). `details` has `http_status`, `finding` and `cause` (the id that diagnose gives it, and
    why), and `reason`, `request_id`, `retry_after` (seconds) where they are known.
    """
    # RFC 9110 5.1: "Field names are case-insensitive".
    headers = {name.lower(): value for name, value in (headers or {}).items()}
    envelope = parse_envelope(body, *secrets)
    page = html_page(headers, body, *secrets)
    wait_s = retry_after(headers.get("retry-after"), headers.get("date"))
    meaning = _of_html(status) if page and status != 429 else _meaning(status, envelope)
    error_type = Refused if status in _REFUSALS else ConnectionFailed
    return error_type(
        _sentence(status, envelope, headers, page),
        hint=meaning.hint if wait_s is None else f"try again in {wait_s:.0f} s",
        http_status=status,
        reason=envelope.reason or None,
        request_id=envelope.request_id or None,
        retry_after=wait_s,
        finding=meaning.finding,
        cause=meaning.cause,
    )


def html_page(headers: Mapping[str, str], body: bytes, *secrets: str) -> str:
    """What may be said of an HTML page in `body`: its title and its server; empty without one.

    The platform answers in JSON: a page is of something before it, or of another server.
    """
    head = body[:BODY_LIMIT_BYTES].lstrip(b"\xef\xbb\xbf \t\r\n")
    is_html = "html" in headers.get("content-type", "").lower()
    if not (is_html or head[:16].lower().startswith((b"<!doctype html", b"<html"))):
        return ""
    found = _TITLE.search(head)
    title = unescape(found[1].decode("utf-8", "replace")) if found else ""
    said = [f"“{title}”" if (title := " ".join(title.split())) else "", headers.get("server", "")]
    told = ", ".join(printable(text, 80, *secrets) for text in said if text)
    return f"an HTML page ({told})" if told else "an HTML page"


def _sentence(status: int, envelope: ErrorEnvelope, headers: Mapping[str, str], page: str) -> str:
    if status in _REDIRECTS:
        to = bare_url(headers.get("location", "")) or "nowhere"
        return f"the server redirects (HTTP {status}) to {to}, and redirects are not followed"
    sentence = f"the server answered HTTP {status} {envelope.reason or _phrase(status)}".rstrip()
    if page:
        return f"{sentence} with {page}"
    if envelope.message:
        sentence += f": {envelope.message}"
    return f"{sentence} (request {envelope.request_id})" if envelope.request_id else sentence


def _phrase(status: int) -> str:
    # RFC 9110 15: of an unknown code only the class counts, its first digit.
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


def _meaning(status: int, envelope: ErrorEnvelope) -> _Meaning:
    """Return what an answer of the platform's kind means."""
    if status in _REDIRECTS:
        return _Meaning(
            FindingId.CANNOT_CONNECT,
            "the server redirects to another address",
            "the credential must not travel to another address: give the right one (--api-url)",
        )
    # RFC 6455 4.2.2: a WebSocket server answers 101; success without it is any other resource.
    if 200 <= status < 300:
        return _Meaning(
            FindingId.CANNOT_CONNECT,
            "the server does not speak WebSocket at this address",
            "there is no WebSocket at this address: check the URL",
        )
    if status == 401 and _SAYS_EXPIRED.search(f"{envelope.reason} {envelope.message}"):
        return _EXPIRED
    known = _REASONS.get(envelope.reason) or _REFUSALS.get(status) or _OTHERS.get(status)
    if known:
        return known
    # RFC 9110 15.6: "the server is aware that it has erred".
    cause = _UNAVAILABLE if status >= 500 else "the server refuses the request"
    return _Meaning(FindingId.CANNOT_CONNECT, cause, "check the address (--api-url)")


def _of_html(status: int) -> _Meaning:
    """Return what a page means: of a redirect, an empty shelf, a firewall, a broken gateway."""
    hint = _HTML_HINTS.get(status, _HTML_BROKEN if status >= 500 else _HTML_HINT)
    if status in _REDIRECTS:
        return _meaning(status, ErrorEnvelope())
    return _Meaning(FindingId.CANNOT_CONNECT, _HTML_CAUSE, hint)


def is_final(error: VoipbinError) -> bool:
    """Whether the API itself has said no, so that asking for the stream is of no use.

    A server that has streams and no API refuses the look-up, too, but not in the API's words.
    """
    reason = error.details.get("reason")
    return isinstance(error, Refused) and reason not in (None, "ROUTE_NOT_FOUND")


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
