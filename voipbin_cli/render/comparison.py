"""Two runs side by side, in words: what changed, and in the last line what that comes to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rich.table import Table
from rich.text import Text

from voipbin_cli.render.stdout_console import stdout_console
from voipbin_cli.text import printable

_NAMES = {
    "loss": "missed audio",
    "stalls": "stalls",
    "late": "too late for a 60 ms buffer",
    "jitter": "jitter",
    "drift": "clock drift",
    "level": "level",
    "mos": "MOS",
    "holes": "holes that the phone hears",
    "response": "answer after",
    "barge-in": "silent after an interruption",
}
_DIGITS = {"%": 1, "/min": 1, "ms": 1, "ppm": 0, "dB": 1, "MOS": 2}
_STYLES = {"better": "bold green", "worse": "bold red", "changed": "bold yellow", "same": "dim"}
_SAME = "nothing changed beyond its uncertainty"
HEAD = ("", "before", "now", "change (99 %)", "")


def show_comparison(comparison: Mapping[str, Any]) -> None:
    """The table, what is not in it, and the line."""
    out = stdout_console()
    out.print()
    if comparison["figures"]:
        table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
        for name in HEAD:
            table.add_column(name, justify="right" if name[:1] in ("b", "n") else "left")
        for row, figure in zip(comparison_rows(comparison), comparison["figures"], strict=True):
            table.add_row(*row, style=_STYLES[figure["outcome"]].removeprefix("bold "))
        out.print(table)
    for sentence in comparison_notes(comparison):
        out.print(Text(sentence, "dim"))
    out.print(Text(comparison_line(comparison), _STYLES[comparison["outcome"]]))


def comparison_line(comparison: Mapping[str, Any]) -> str:
    """What changed, in a line: the findings that are new or gone, then the figures."""
    before = printable(str(comparison["before"]["name"]), 80)
    told = [*_told_findings(comparison), *_told_figures(comparison)]
    outcome = comparison["outcome"]
    words = f"{outcome}: {'; '.join(told)}" if told and outcome != "same" else _SAME
    return f"beside {before}: {words}"


def comparison_rows(comparison: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """A row a figure: its name, before, now, by how much it changed, and what that is."""
    return [
        (
            _name(figure),
            _with_unit(figure["before"], figure["unit"]),
            _with_unit(figure["after"], figure["unit"]),
            f"{_signed(figure, 'change')} "
            f"({_signed(figure, 'change_low')} to {_signed(figure, 'change_high')})",
            figure["outcome"],
        )
        for figure in comparison["figures"]
    ]


def comparison_notes(comparison: Mapping[str, Any]) -> Iterator[str]:
    """What the runs do not have in common, what may be chance, what is not compared and why."""
    for name, (before, now) in comparison["differs"].items():
        was, is_now = (printable(told or "not known", 60) for told in (before, now))
        yield f"{name}: {was} before, {is_now} now"
    for finding in comparison["findings"]:
        if not finding["certain"]:
            figure = _NAMES[finding["rests_on"]]
            name = printable(finding["id"], 60)
            yield f"{finding['change']}: {name}; that may be chance: {figure} is the same"
    by_reason: dict[str, list[str]] = {}
    for row in comparison["not_compared"]:
        by_reason.setdefault(row["reason"], []).append(_name(row))
    for reason, names in by_reason.items():
        yield f"not compared: {', '.join(names)}; {printable(reason)}"


def _told_findings(comparison: Mapping[str, Any]) -> Iterator[str]:
    for change in ("new", "gone"):
        names = [
            printable(f["id"], 60)
            for f in comparison["findings"]
            if f["change"] == change and f["outcome"] != "same"
        ]
        if names:
            yield f"{change}: {', '.join(names)}"


def _told_figures(comparison: Mapping[str, Any]) -> Iterator[str]:
    for figure in comparison["figures"]:
        if figure["outcome"] != "same":
            before, now = (_with_unit(figure[n], figure["unit"]) for n in ("before", "after"))
            yield f"{_name(figure)} {now}, before {before}"


def _name(row: Mapping[str, Any]) -> str:
    return _NAMES[row["id"]] + (" (sent)" if row["direction"] == "out" else "")


def _with_unit(value: float, unit: str) -> str:
    shown = f"{value:.{_DIGITS[unit]}f}"
    return shown if unit == "MOS" else shown + ("" if unit == "/min" else " ") + unit


def _signed(figure: Mapping[str, Any], name: str) -> str:
    return f"{figure[name]:+.{_DIGITS[figure['unit']]}f}"
