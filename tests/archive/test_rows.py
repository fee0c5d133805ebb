"""What rows say of a call, and what of it they hide."""

from __future__ import annotations

import pytest

from voipbin_cli.archive.rows import Names

KEYED, PLAIN = Names(b"key"), Names(None)


@pytest.mark.parametrize(
    ("call", "hidden"),
    [
        ("ws://192.0.2.1:80/audio", "192.0.2.1"),
        ("a84b4c76e66710@192.0.2.1", "192.0.2.1"),
        ("f81d4fae@pc33.example.org", "pc33.example.org"),
    ],
)
def test_the_address_in_a_call_s_name_is_hashed(call: str, hidden: str) -> None:
    assert hidden not in KEYED.of_call(call)
    assert KEYED.of_call(call)[:4] == call[:4]
    assert KEYED.of_call(call) == KEYED.of_call(call) != Names(b"other").of_call(call)
    assert PLAIN.of_call(call) == call


def test_what_has_no_address_stays() -> None:
    for call in ("", "call/8f7d0f4e-0d3b-4c57-9e6f-2b7d1a4c8e90", "3848276298220188511"):
        assert KEYED.of_call(call) == call
