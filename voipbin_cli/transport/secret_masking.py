"""Secrets taken out of text that is going to be printed or logged."""

from __future__ import annotations

import logging
import re
from urllib.parse import quote, quote_plus, urlsplit, urlunsplit

from voipbin_cli.text import printable

MASK = "***"
_SECRET_FIELDS = re.compile(
    r"(?i)((?:token|accesskey|access_key|password)(?:=|%3d|\"?:\s*\"))[^&\s\"'<>#;,]+"
)
_BEARER = re.compile(r"(?i)\b(bearer\s+)[^\s\"',]+")
# RFC 7519: a JSON object in base64url, so it begins with {"
_JWT = re.compile(r"\beyJ[\w-]{8,}\.[\w-]+(?:\.[\w-]*)?")
_USER_INFO = re.compile(r"(?<=://)[^/\s@?#]+@")
# A shorter secret could be part of an ordinary word; none of the platform's is that short.
_SHORTEST_SECRET = 4


def mask(text: str, *secrets: str) -> str:
    """`text` without `secrets` (as they are or percent-encoded), nor anything that looks like one.

    Values of `token=`, `accesskey=` and `password=`, bearer tokens, JWTs and the user part of URLs
    go whether they are among `secrets` or not.
    """
    for secret in secrets:
        if len(secret) >= _SHORTEST_SECRET:
            for form in (secret, quote(secret, safe=""), quote_plus(secret)):
                text = text.replace(form, MASK)
    text = _SECRET_FIELDS.sub(rf"\1{MASK}", text)
    text = _BEARER.sub(rf"\1{MASK}", text)
    text = _JWT.sub(MASK, text)
    return _USER_INFO.sub(f"{MASK}@", text)


def bare_url(url: str) -> str:
    """Scheme, host, port and path of a URL, as far as it has them: no user, query or fragment."""
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return MASK
    host = parts.hostname or ""
    host = f"[{host}]" if ":" in host else host
    return printable(urlunsplit((parts.scheme, f"{host}{port}", parts.path, "", "")))


class _MaskingFilter(logging.Filter):
    """Rewrites a record before any handler sees it."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = mask(record.getMessage()), ()
        return True


_FILTER = _MaskingFilter()
# httpx2 logs whole URLs at INFO, httpcore2 response headers (Location!) at DEBUG.
_LOGGERS = (
    "httpx2",
    "httpcore2",
    "httpcore2.connection",
    "httpcore2.http11",
    "httpcore2.http2",
    "httpcore2.proxy",
    "httpcore2.socks",
)


def mask_http_logging() -> None:
    """Keep secrets out of what httpx2 and httpcore2 log, at any level. Idempotent."""
    for name in _LOGGERS:
        logging.getLogger(name).addFilter(_FILTER)
