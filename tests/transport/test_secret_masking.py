"""Nothing secret and nothing that moves a terminal gets through."""

from __future__ import annotations

import logging
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voipbin_cli.text import mask
from voipbin_cli.transport.secret_masking import bare_url, mask_http_logging


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        (
            "wss://h/p?encapsulation=rtp&token=abc.def&x=1",
            "wss://h/p?encapsulation=rtp&token=***&x=1",
        ),
        ("GET /p?accesskey=k HTTP/1.1", "GET /p?accesskey=*** HTTP/1.1"),
        ("Location: /?next=%2F%3Ftoken%3Dabc", "Location: /?next=%2F%3Ftoken%3D***"),
        ("Authorization: Bearer abc.def", "Authorization: Bearer ***"),
        ('{"password": "geheim", "a": 1}', '{"password": "***", "a": 1}'),
        ("it said eyJhbGciOiJIUzI1.eyJpZCI6MX0.c2ln!", "it said ***!"),
        ("https://user:pass@host/x", "https://***@host/x"),
        ("nothing to hide; tokens are fine", "nothing to hide; tokens are fine"),
    ],
)
def test_what_looks_like_a_secret_goes(text: str, masked: str) -> None:
    assert mask(text) == masked


@given(
    st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=8, max_size=40),
    st.text(max_size=20),
)
def test_a_known_secret_goes_in_every_form(secret: str, around: str) -> None:
    for form in (secret, quote(secret, safe="")):
        masked = mask(f"{around}<{form}>", secret)
        assert f"<{form}>" not in masked


def test_a_secret_too_short_to_be_one_tears_no_holes() -> None:
    assert mask("an apple", "a", "") == "an apple"


@pytest.mark.parametrize(
    ("url", "bare"),
    [
        ("wss://u:p@H:99/a/b?token=x#f", "wss://h:99/a/b"),
        ("ws://[::1]/", "ws://[::1]/"),
        ("http://h:port/", "***"),
        ("//h/a", "//h/a"),
        ("", ""),
        ("/only/path?token=x", "/only/path"),
    ],
)
def test_a_bare_url_has_neither_user_nor_query(url: str, bare: str) -> None:
    assert bare_url(url) == bare


def test_the_http_libraries_log_is_masked_once(caplog: pytest.LogCaptureFixture) -> None:
    mask_http_logging()
    mask_http_logging()
    caplog.set_level(logging.DEBUG)
    for name in ("httpx2", "httpcore2.http11", "httpcore2.connection"):
        logging.getLogger(name).info("GET %s", "https://h/?token=t0psecret&page=2")
    assert caplog.text.count("https://h/?token=***&page=2") == 3
    assert "t0psecret" not in caplog.text
    assert len(logging.getLogger("httpx2").filters) == 1
