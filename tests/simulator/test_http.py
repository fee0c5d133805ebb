from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voipbin_cli.simulator.http import (
    MAX_BODY_BYTES,
    MAX_HEAD_BYTES,
    BadRequest,
    Response,
    json_response,
    parse_request,
)


def test_a_request_with_query_cookies_and_body() -> None:
    request = parse_request(
        b"POST /a/b?x=1&y=%20z&x=2 HTTP/1.1\r\nHost: h\r\nCookie: token=t; other=o=p\r\n"
        b"CONTENT-LENGTH: 4\r\n\r\nbodyrest"
    )
    assert request is not None
    assert (request.method, request.path) == ("POST", "/a/b")
    assert request.query == {"x": "2", "y": " z"}
    assert request.headers["content-length"] == "4"
    assert request.cookies == {"token": "t", "other": "o=p"}
    assert (request.body, request.rest) == (b"body", b"rest")


@given(st.integers(0, 56))
def test_a_request_that_is_not_whole_is_waited_for(cut: int) -> None:
    data = b"POST /login HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello"
    assert len(data) == 57
    assert parse_request(data[:cut]) is None
    assert parse_request(data) is not None


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"GET /\r\n\r\n", 400),
        (b"GET / HTTP/2.0\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00 \r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nno colon\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n name: x\r\n\r\n", 400),
        (b"GET //[x HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % (MAX_BODY_BYTES + 1), 413),
        (b"GET / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n", 413),
        (b"GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", 501),
        (b"GET /" + b"x" * MAX_HEAD_BYTES, 431),
        (b"GET /?" + b"&".join([b"a=b"] * 101) + b" HTTP/1.1\r\n\r\n", 400),
    ],
)
def test_a_bad_request_has_its_status(data: bytes, status: int) -> None:
    with pytest.raises(BadRequest) as caught:
        parse_request(data)
    assert caught.value.status == status


@given(st.binary(max_size=300), st.booleans())
def test_only_bad_request_escapes(data: bytes, ended: bool) -> None:
    with contextlib.suppress(BadRequest):
        parse_request(data + b"\r\n\r\n" * ended)


def test_an_answer_says_how_long_it_is_and_that_it_is_the_last() -> None:
    assert Response(204).serialize() == (
        b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    )
    wire = json_response({"a": 1}, 429, Retry_After="2").serialize()
    head, _, body = wire.partition(b"\r\n\r\n")
    assert body == b'{"a": 1}'
    assert b"\r\nRetry-After: 2" in head
    assert b"\r\nContent-Length: 8\r\n" in head
