"""The findings of `diagnose`: one line each, or all there is to know of one."""

from __future__ import annotations

from typing import Any

from rich.table import Table
from rich.text import Text

from voipbin_cli.analysis.findings import BY_ID, ROWS, FindingRow
from voipbin_cli.errors import UsageError
from voipbin_cli.render.diagnosis import SEVERITIES
from voipbin_cli.render.jsonl import emit_list
from voipbin_cli.render.stdout_console import stdout_console
from voipbin_cli.text import did_you_mean, printable


def show_findings(*, as_json: bool) -> None:
    """Print every finding, one line each, in the order of causes."""
    if as_json:
        emit_list("finding", map(_fields, ROWS))
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("FINDING", no_wrap=True)
    table.add_column("SEVERITY", no_wrap=True)
    table.add_column("WHAT IT MEANS", ratio=1)
    for row in ROWS:
        table.add_row(Text(row.id.value, "bold"), _severity(row), Text(row.title))
    stdout_console().print(table)


def explain_finding(name: str, *, as_json: bool) -> None:
    """Print all there is to know of one finding. Raises UsageError for one that is none."""
    row = {row.id.value: row for row in BY_ID.values()}.get(name.strip().lower())
    if row is None:
        raise UsageError(
            f"no finding is called '{printable(name, 60)}'",
            hint=did_you_mean(
                name, {row.id.value: row.title for row in ROWS}, "--list-findings names them"
            ),
        )
    if as_json:
        emit_list("finding", [_fields(row)])
        return
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    table.add_row("finding", row.id.value)
    table.add_row("means", Text(row.title))
    table.add_row("rests on", Text(row.rests_on))
    table.add_row("remedy", Text(row.remedy))
    table.add_row("severity", _severity(row))
    if row.explains:
        table.add_row("explains", Text(", ".join(_explained(row))))
    stdout_console().print(table)


def _severity(row: FindingRow) -> Text:
    return Text(row.severity.value, SEVERITIES[row.severity.value])


def _explained(row: FindingRow) -> list[str]:
    """What is not told beside it, in the order of causes."""
    return [other.id.value for other in ROWS if other.id in row.explains]


def _fields(row: FindingRow) -> dict[str, Any]:
    """`severity` is the usual one: how much of a stream is concerned may make it another."""
    return {
        "id": row.id.value,
        "severity": row.severity.value,
        "meaning": row.title,
        "rests_on": row.rests_on,
        "remedy": row.remedy,
        "symptom": row.symptom,
        "explains": _explained(row),
    }
