"""As much of HTTP/1.1 as the API needs: one bounded request a connection, GET and POST."""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

MAX_HEAD_BYTES = 16 * 1024
MAX_BODY_BYTES = 64 * 1024


class BadRequest(Exception):
    """A request that is answered with `status` and nothing else."""

    def __init__(self, status: int) -> None:
        super().__init__(HTTPStatus(status).phrase)
        self.status = status


class Request(NamedTuple):
    """One request; header names are in lower case, of several values the last one counts."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    head: bytes
    rest: bytes

    @property
    def cookies(self) -> dict[str, str]:
        """The cookies by name (RFC 6265 4.2)."""
        pairs = (part.partition("=") for part in self.headers.get("cookie", "").split(";"))
        return {name.strip(): value.strip() for name, _, value in pairs if name.strip()}


class Response(NamedTuple):
    """One answer, after which the connection is closed."""

    status: int
    body: bytes = b""
    content_type: str = "application/json; charset=utf-8"
    headers: Mapping[str, str] = {}

    def serialize(self) -> bytes:
        """The bytes on the wire."""
        lines = [
            f"HTTP/1.1 {self.status} {HTTPStatus(self.status).phrase}",
            f"Content-Length: {len(self.body)}",
            "Connection: close",
            *([f"Content-Type: {self.content_type}"] if self.body else []),
            *(f"{name}: {value}" for name, value in self.headers.items()),
        ]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + self.body


def json_response(content: Any, status: int = 200, **headers: str) -> Response:
    """An answer with a JSON body."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(status, json.dumps(content).encode(), headers=named)


def _parse_lines(head: bytes) -> tuple[list[str], dict[str, str]]:
    lines = head.decode("latin-1").split("\r\n")
    headers = {}
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        if not colon or not name or name != name.strip():
            raise BadRequest(400)
        headers[name.lower()] = value.strip()
    return lines[0].split(" "), headers


def parse_request(data: bytes) -> Request | None:
    """Return the request at the start of `data`, or None while it is incomplete.

    Raises:
        BadRequest: it is malformed, too long, or needs what is not implemented.
    """
    # RFC 9112 2.1: a request line, header fields, an empty line, then the body.
    head, end, rest = data.partition(b"\r\n\r\n")
    if len(head) > MAX_HEAD_BYTES:
        raise BadRequest(431)
    if not end:
        return None
    words, headers = _parse_lines(head)
    if len(words) != 3 or words[2] not in ("HTTP/1.1", "HTTP/1.0"):
        raise BadRequest(400)
    if "transfer-encoding" in headers:
        raise BadRequest(501)
    length = headers.get("content-length", "0")
    if not (length.isascii() and length.isdigit()):
        raise BadRequest(400)
    if len(length) > 9 or int(length) > MAX_BODY_BYTES:
        raise BadRequest(413)
    if len(rest) < int(length):
        return None
    try:
        url = urlsplit(words[1])
        query = dict(parse_qsl(url.query, keep_blank_values=True, max_num_fields=100))
    except ValueError:
        raise BadRequest(400) from None
    body, rest = rest[: int(length)], rest[int(length) :]
    return Request(words[0], url.path, query, headers, body, head + end, rest)
