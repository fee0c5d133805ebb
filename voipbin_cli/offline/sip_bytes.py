"""SIP messages out of the bytes of a connection: RFC 3261 18.3 has their length in their header."""

from __future__ import annotations

import re
from collections.abc import Iterator

from voipbin_cli.capture.tcp import Run

# 7.1 and 7.2: a request line, or a status line.
_FIRST_LINE = re.compile(rb"(?:[A-Z]{3,12} \S{1,200} SIP/2\.0|SIP/2\.0 \d{3} )")
# 20.14; "l" is its compact form.
_LENGTH = re.compile(rb"^(?:Content-Length|l)[ \t]*:[ \t]*(\d{1,6})", re.MULTILINE | re.IGNORECASE)
_HEAD_END = b"\r\n\r\n"
# Longer messages with a description in them nobody writes.
_MAX_BYTES = 1 << 16


def looks_like_sip(first: bytes) -> bool:
    """Whether one side of a connection begins with a SIP message."""
    return _FIRST_LINE.match(first.lstrip(b"\r\n")) is not None


class SipBytes:
    """One direction of a connection."""

    def __init__(self) -> None:
        self._held = b""

    def add(self, run: Run) -> Iterator[bytes]:
        """Yield the messages that these bytes complete; those of a gap in the capture are lost."""
        held = run.data if run.is_after_gap else self._held + run.data
        while True:
            held = held.lstrip(b"\r\n")  # RFC 5626 3.5.1: keepalives
            end = held.find(_HEAD_END)
            if end < 0:
                break
            told = _LENGTH.search(held, 0, end)
            whole = end + len(_HEAD_END) + (int(told[1]) if told else 0)
            if len(held) < whole:
                break
            yield held[:whole]
            held = held[whole:]
        self._held = held if len(held) <= _MAX_BYTES else b""
