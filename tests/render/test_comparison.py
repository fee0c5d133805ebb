"""What a person reads of two runs side by side."""

from __future__ import annotations

from typing import Any

import pytest

from voipbin_cli.analysis.comparison.figures import FIGURES
from voipbin_cli.render.comparison import (
    _DIGITS,
    _NAMES,
    comparison_line,
    comparison_notes,
    comparison_rows,
    show_comparison,
)

JITTER = {
    "id": "jitter",
    "direction": "in",
    "unit": "ms",
    "before": 1.44,
    "after": 31.0,
    "change": 29.56,
    "change_low": 20.0,
    "change_high": 39.0,
    "outcome": "worse",
}
STALL = {
    "id": "network-stall",
    "direction": "in",
    "severity": "warning",
    "title": "a stall",
    "change": "new",
    "rests_on": "stalls",
    "certain": True,
    "outcome": "worse",
}


def comparison(**fields: Any) -> dict[str, Any]:
    told = {"outcome": "same", "before": {"name": "before.pcapng"}, "differs": {}}
    return told | {"figures": [], "findings": [], "not_compared": []} | fields


def test_the_line_names_what_changed_and_what_it_was_before() -> None:
    told = comparison(outcome="worse", figures=[JITTER], findings=[STALL])
    assert comparison_line(told) == (
        "beside before.pcapng: worse: new: network-stall; jitter 31.0 ms, before 1.4 ms"
    )


def test_the_line_of_nothing_says_so() -> None:
    same = JITTER | {"outcome": "same"}
    assert comparison_line(comparison(figures=[same])) == (
        "beside before.pcapng: nothing changed beyond its uncertainty"
    )


def test_a_row_has_both_runs_and_the_change_with_its_interval() -> None:
    (row,) = comparison_rows(comparison(figures=[JITTER | {"direction": "out"}]))
    assert row == ("jitter (sent)", "1.4 ms", "31.0 ms", "+29.6 (+20.0 to +39.0)", "worse")


def test_notes_say_what_differs_what_may_be_chance_and_what_is_not_compared() -> None:
    rows = [
        {"id": name, "direction": "in", "reason": "this run is too short"}
        for name in ("jitter", "level")
    ]
    told = comparison(
        differs={"codec": ["mulaw", None]},
        findings=[STALL | {"certain": False, "outcome": "same"}],
        not_compared=rows,
    )
    assert list(comparison_notes(told)) == [
        "codec: mulaw before, not known now",
        "new: network-stall; that may be chance: stalls is the same",
        "not compared: jitter, level; this run is too short",
    ]


def test_every_figure_has_its_words_and_its_digits() -> None:
    assert set(_NAMES) == {row.id.value for row in FIGURES}
    assert set(_DIGITS) == {row.unit for row in FIGURES}


def test_the_line_stands_last_on_the_screen(capsys: pytest.CaptureFixture[str]) -> None:
    told = comparison(outcome="worse", figures=[JITTER])
    show_comparison(told)
    assert capsys.readouterr().out.splitlines()[-1] == comparison_line(told)
