"""Secrets taken out of URLs that are shown, and of what the HTTP libraries log."""

from __future__ import annotations

import logging
from urllib.parse import urlsplit, urlunsplit

from voipbin_cli.text import MASK, mask, printable


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
