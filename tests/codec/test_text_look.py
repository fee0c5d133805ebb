"""What texts look like, and that nothing of them is told but names."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voipbin_cli.codec.text_look import text_look


@pytest.mark.parametrize(
    ("text", "look"),
    [
        ('{"event": "media", "sequence": 1}', "JSON: event, sequence"),
        (' {"a": 1} ', "JSON: a"),
        ('{"a":1,"b":1,"c":1,"d":1,"e":1,"f":1,"g":1}', "JSON: a, b, c, d, e, f"),
        ('{"\\u001b[2J": 1, "two words": 2, "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9xyz": 3}', "JSON"),
        ("[1, 2]", "JSON"),
        ("{}", "JSON"),
        ('{"event": ', "JSON that is cut or broken"),
        ("[" * 100_000, "JSON that is cut or broken"),
        ("<?xml version='1.0'?><a/>", "HTML or XML"),
        ("AAAA" * 8, "base64"),
        ("AAAA" * 7, "words"),
        ("-_8=" * 1 + "A" * 40, "words"),
        ("MEDIA_START connection_id:7", "words"),
        ("", "words"),
    ],
)
def test_a_text_is_known_by_its_look(text: str, look: str) -> None:
    assert text_look(text) == look


@given(st.text())
def test_no_text_raises_nor_gets_to_a_terminal(text: str) -> None:
    assert text_look(text).isprintable()
