"""Metavars as a language: words, kinds, and what is neither."""

from __future__ import annotations

import pytest

from voipbin_cli.shell.values import (
    DYNAMIC,
    KINDS,
    Values,
    is_continuation,
    known_values,
    values_of,
)


@pytest.mark.parametrize(
    ("metavar", "expected"),
    [
        ("rtp|sln", Values(words=("rtp", "sln"))),
        ("FILE", Values(kinds=("files",))),
        ("FILE...", Values(kinds=("files",))),
        ("[TARGET]", Values(kinds=("targets",))),
        ("TARGET|CAPTURE|DUMP", Values(kinds=("targets", "files"))),
        ("auto|N", Values(words=("auto",))),
        ("DURATION", Values()),
        ("", Values()),
        ("WHATEVER|x", Values(words=("x",), strange=("WHATEVER",))),
    ],
)
def test_metavars_are_read(metavar: str, expected: Values) -> None:
    assert values_of(metavar) == expected


def test_every_kind_is_offered_by_someone() -> None:
    assert set(KINDS.values()) == {"files", "programs", *DYNAMIC, *known_values()}


def test_words_fit_into_a_line_of_any_shell() -> None:
    for rows in known_values().values():
        for word, told in rows:
            assert not set(word) & set(" \t\n'\"\\$`*?")
            assert "\n" not in told


def test_scenarios_come_after_their_colon() -> None:
    assert [is_continuation(word) for word in ("sim", "sim:", "sim:jitter")] == [False, False, True]
