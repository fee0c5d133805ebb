"""What a validation found, as people read it: grouped, the gravest first, with the bytes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from voipbin_cli.analysis.severity import Severity
from voipbin_cli.analysis.validation.dissect import Field, dissect
from voipbin_cli.analysis.validation.due import Spec
from voipbin_cli.analysis.validation.rules import Rule
from voipbin_cli.analysis.validation.tally import Group
from voipbin_cli.codec.encapsulation import Direction, Encapsulation
from voipbin_cli.render.stdout_console import stdout_console
from voipbin_cli.text import printable

if TYPE_CHECKING:
    from voipbin_cli.session.proxy_validation import JudgedClient

STYLES = {Severity.ERROR: "bold red", Severity.WARNING: "yellow", Severity.INFO: "cyan"}
WAYS = {Direction.IN: "received", Direction.OUT: "sent"}
SHOWN_BYTES = 20
MARKED_BYTES = 8
INDENT = 8
_SPECS = {
    Spec.AUTO: "rules chosen from the stream itself (--spec auto)",
    Spec.DOCUMENTED: "the rules of the documents",
    Spec.DEPLOYED: "the rules of the servers as they were observed",
}


# A report


def show_report(summary: dict[str, Any], groups: Sequence[Group]) -> None:
    """Print what was measured against what, each broken rule, and the result."""
    out = stdout_console()
    for group in groups:
        out.print(headline(group))
        for line in _details(summary, group):
            # Each on its own: what is padded together is filled up with blanks.
            out.print(Padding(line, (0, 0, 0, INDENT), expand=False))
    out.print(result_text(summary))


def show_streams(rows: Iterable[tuple[str, dict[str, Any]]]) -> None:
    """Print one line a stream of a capture that holds several."""
    out = stdout_console()
    for name, summary in rows:
        style = "red" if summary["result"] == "fail" else "green"
        out.print(Text.assemble((f"{summary['result']} ", style), f"{summary['frames']:>7} ", name))


def show_clients(clients: Sequence[JudgedClient]) -> None:
    """Print a line a client of a proxy, and then the report of the first, the one to look at."""
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for name in ("client", "frames", "result", "rules"):
        table.add_column(name)
    for client in clients:
        result = client.summary["result"]
        rules = ", ".join(dict.fromkeys(group.rule.id.value for group in client.groups)) or "-"
        style = "bold red" if result == "fail" else "bold green"
        frames = str(client.summary["frames"])
        table.add_row(str(client.number), frames, Text(result, style), rules)
    out = stdout_console()
    out.print(table, "")
    out.print(Text(f"client {clients[0].number}", "bold"))
    show_report(clients[0].summary, clients[0].groups)


def headline(group: Group) -> Text:
    """What was found of one rule, in a line."""
    first = group.first
    times = "frame" if group.count == 1 else f"{group.count} frames, first"
    return Text.assemble(
        (f"{first.severity.value:<8}", STYLES[first.severity]),
        (first.rule.id, "bold"),
        f"  {WAYS[first.direction]}, {times} {first.frame}: ",
        printable(first.message),
    )


def _details(summary: dict[str, Any], group: Group) -> list[Text]:
    rule = group.rule
    lines = [Text(rule.consequence), Text(rule.clause, "dim")]
    if group.size:
        lines.append(marked(Encapsulation(summary["encapsulation"]), group, rule))
    return lines


def marked(encapsulation: Encapsulation, group: Group, rule: Rule) -> Text:
    """The first bytes of the first message, those of the rule's field in brackets."""
    start, end = _field_bytes(encapsulation, group.data, rule.field)
    shown = group.data[: max(SHOWN_BYTES, min(end, start + MARKED_BYTES))]
    text = Text()
    for at, byte in enumerate(shown):
        is_marked = start <= at < end
        opening = "[" if at == start and is_marked else " "
        closing = "]" if is_marked and (at == end - 1 or at == len(shown) - 1) else ""
        text.append(opening if at or opening == "[" else "")
        text.append(f"{byte:02x}", "bold reverse" if is_marked else "")
        text.append(closing)
    if group.size > len(shown):
        text.append(f" … {group.size} bytes", "dim")
    return text


def _field_bytes(encapsulation: Encapsulation, data: bytes, name: str) -> tuple[int, int]:
    fields = [field for field in dissect(encapsulation, data) if field.name == name]
    # A flag in RTP's first byte has the name of what it announces, which comes last.
    chosen = fields[-1:] if encapsulation is Encapsulation.RTP else fields[:1]
    return (chosen[0].start, chosen[0].end) if chosen else (0, 0)


def result_text(summary: dict[str, Any]) -> Text:
    """One line: the result, and how much was judged against what."""
    failed = summary["result"] == "fail"
    counts = _counts(summary["violations"])
    frames = f"{summary['frames']} frame{'' if summary['frames'] == 1 else 's'}"
    dialect = summary.get("dialect")
    form = f" ({dialect})" if dialect else ""
    return Text.assemble(
        (summary["result"], "bold red" if failed else "bold green"),
        f": {frames} of {summary['encapsulation']}{form}, {counts}; ",
        _SPECS[Spec(summary["spec"])],
    )


def _counts(violations: Sequence[dict[str, Any]]) -> str:
    if not violations:
        return "no rule broken"
    parts = []
    for severity in reversed(Severity):
        count = sum(violation["severity"] == severity for violation in violations)
        if count:
            parts.append(f"{count} {severity.value}{'s' if count > 1 else ''}")
    return ", ".join(parts)


# One frame


def show_fields(fields: Sequence[Field], message: bytes) -> None:
    """Print what each byte of a message means."""
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(justify="right", style="dim", no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for field in fields:
        data = message[field.start : field.end]
        shown = data[:8].hex(" ") + (" …" if len(data) > 8 else "")
        name = field.name.replace("_", " ")
        table.add_row(str(field.start), shown, name, printable(field.value, 40), field.meaning)
    stdout_console().print(table)


def field_fields(field: Field) -> dict[str, Any]:
    """What scripts get of a field."""
    return {
        "name": field.name,
        "offset": field.start,
        "bytes": field.end - field.start,
        "value": field.value,
        "meaning": field.meaning,
    }
