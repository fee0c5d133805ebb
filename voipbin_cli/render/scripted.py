"""What came of the calls of a scripted caller, one or many."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from voipbin_cli.render.jsonl import emit
from voipbin_cli.render.load_report import LOAD_COLUMNS, load_cells, load_sentences
from voipbin_cli.simulator.caller.outcome import CallOutcome
from voipbin_cli.simulator.load import LoadOutcome, LoadRun


def show_call(outcome: CallOutcome, *, as_json: bool) -> None:
    """Print one call: a line a row of the script, and what it comes to."""
    if as_json:
        emit("call", outcome.as_fields())
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("ROW", justify="right")
    table.add_column("THE CALLER", style="cyan", no_wrap=True)
    for name in ("FROM s", "TO s", "ANSWER ms", "STOPS ms"):
        table.add_column(name, justify="right")
    table.add_column("")
    for row in outcome.rows:
        table.add_row(
            str(row.row),
            row.name,
            f"{row.began_ms / 1000:.2f}",
            f"{row.ended_ms / 1000:.2f}",
            _whole(row.response_ms),
            _whole(row.barge_in_ms),
            "in vain" if row.timed_out else "",
        )
    console = Console()
    console.print(table)
    console.print("\n".join(_sentences(outcome)), highlight=False, markup=False, soft_wrap=True)


def _whole(value: float | None) -> str:
    return "" if value is None else f"{value:.0f}"


def _sentences(outcome: CallOutcome) -> list[str]:
    heard, late = outcome.heard, outcome.lateness
    by = f"ended by the {outcome.ended_by}" if outcome.ended_by else "it went on"
    lines = [f"the call took {outcome.duration_ms / 1000:.1f} s; {by}"]
    if heard.share is None:
        lines.append("the bot said nothing")
    else:
        holes = f"{heard.holes} holes of {heard.holes_ms / 1000:.2f} s in all"
        lines.append(f"of what the bot sent {heard.share:.0%} was heard, with {holes}")
    if late.p99 is not None and not outcome.is_reliable:
        lines.append(
            f"this machine was late itself (99 of 100 frames within {late.p99:.0f} ms): "
            "times measured here are not the bot's alone"
        )
    return lines


class LoadLine:
    """One line: how many calls go on, how many are over."""

    def __init__(self, run: LoadRun) -> None:
        self._run = run

    def __call__(self) -> list[Text]:
        run = self._run
        return [Text.assemble((f"● {run.now} calls now", "bold green"), f"  {run.finished} over")]


def show_load(outcome: LoadOutcome, counts: Mapping[str, Any], *, as_json: bool) -> None:
    """Print a run of many calls: a line for each range of calls at once.

    As JSON each call, too, and what the exchange counted of all.
    """
    if as_json:
        for call in outcome.outcomes:
            emit("call", call.as_fields())
        emit("summary", {**counts, **outcome.as_fields()})
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in LOAD_COLUMNS:
        table.add_column(name, justify="right")
    for row in outcome.rows:
        table.add_row(*load_cells(row))
    console = Console()
    console.print(table)
    console.print("\n".join(load_sentences(outcome)), highlight=False, markup=False, soft_wrap=True)
