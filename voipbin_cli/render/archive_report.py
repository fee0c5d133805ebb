"""What a dataset says, for people: tables and a verdict, or one HTML file with plots."""

from __future__ import annotations

import html
import os
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from importlib import resources
from typing import Any

from rich.text import Text

from voipbin_cli.archive.queries import QueryResult
from voipbin_cli.archive.report import SECTIONS, ArchiveReport, Trend
from voipbin_cli.errors import MachineError
from voipbin_cli.render.archiving import answer_table, cell
from voipbin_cli.render.evidence import counted
from voipbin_cli.render.live_view import BARS
from voipbin_cli.render.stdout_console import stdout_console
from voipbin_cli.text import printable

# What a terminal has room for; JSON and the report have all.
_ON_SCREEN = {"findings": 10, "days": 14, "senders": 5, "worst": 5, "unread": 5}
_PLOTTED = {"days": "bad_share", "hours": "bad_share"}
_STYLE = re.compile(r"<style>.*?</style>", re.DOTALL)
_WIDTH, _HEIGHT = 960, 140


def show_archive_report(report: ArchiveReport) -> None:
    """Print the tables, and the verdict last."""
    out = stdout_console()
    for name, most in _ON_SCREEN.items():
        result = report.sections[name]
        if not result.rows:
            continue
        rows = result.rows[-most:] if name == "days" else result.rows[:most]
        out.print(Text(SECTIONS[name][0], style="bold"))
        out.print(answer_table(QueryResult(result.columns, rows)))
        if name == "days" and len(result.rows) > 1:
            spark = sparkline(result, _PLOTTED[name])
            out.print(Text(f"bad, day by day  {spark}"), soft_wrap=True)
        if len(result.rows) > most:
            out.print(Text(f"{len(result.rows) - most} more: --report FILE.html, --json"))
        out.print()
    out.print(Text(verdict_text(report)), soft_wrap=True)


def sparkline(result: QueryResult, name: str) -> str:
    """A column of shares as bars, the highest of them full."""
    shares = _column(result, name)
    top = max(shares, default=0.0) or 1.0
    return "".join(BARS[round(share / top * (len(BARS) - 1))] for share in shares)


def verdict_text(report: ArchiveReport) -> str:
    """How bad it is, and whether that has changed."""
    totals = report.totals
    if not totals["streams"]:
        return "no streams: nothing to tell"
    share = totals["bad"] / totals["streams"]
    return f"bad: {share:.1%} of {counted(totals['streams'], 'stream')}; {trend_text(report.trend)}"


def trend_text(trend: Trend) -> str:
    """What has changed, in words."""
    if trend.change is None or trend.uncertainty is None:
        return "too few days are there to tell a trend"
    recent, before = f"{trend.recent_share:.1%}", f"{trend.before_share:.1%}"
    within = f"95 % within {trend.uncertainty:.1%}"
    if not trend.is_change:
        return f"the last 7 days ({recent}) are like the weeks before ({before}; {within})"
    more = "more" if trend.change > 0 else "fewer"
    return f"{more} in the last 7 days ({recent}) than in the weeks before ({before}; {within})"


def write_archive_report(path: str, report: ArchiveReport, dataset: str) -> None:
    """Write it as one HTML file that needs nothing else. Raises MachineError."""
    try:
        with open(path, "x", encoding="utf-8") as file:
            file.write(to_html(report, dataset, datetime.now(UTC)))
    except OSError as error:
        raise MachineError(f"cannot write {path}: {error.strerror or error}") from error


def to_html(report: ArchiveReport, dataset: str, now: datetime) -> str:
    """The whole file, in the style of the report of a diagnosis."""
    template = resources.files("voipbin_cli.render").joinpath("report.html").read_text("utf-8")
    style = _STYLE.search(template)
    totals = report.totals
    spans = [_text(totals[name]) for name in ("first", "last") if totals[name]]
    head = (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta http-equiv="Content-Security-Policy"\n'
        " content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        f"<title>voipbin archive: {_text(os.path.basename(dataset))}</title>\n"
        f"{style.group() if style else ''}\n<style>{_OWN_STYLE}</style>\n</head>\n<body>\n"
        f"<h1>{_text(os.path.basename(os.path.abspath(dataset)))}</h1>\n"
        f"<p>{_text(verdict_text(report))}</p>\n"
        f'<p class="dim">{totals["streams"]} streams of {totals["files"]} files, '
        f"{totals['hours']} hours of audio, {' to '.join(spans)}; "
        f'<span class="ok">{totals["ok"]} ok</span>, '
        f'<span class="degraded">{totals["degraded"]} degraded</span>, '
        f'<span class="bad">{totals["bad"]} bad</span>; made {now:%Y-%m-%d %H:%M} UTC</p>\n'
    )
    sections = (
        f"<section><h2>{_text(title)}</h2>{_plot(name, report.sections[name])}"
        f"{_table(report.sections[name])}</section>\n"
        for name, (title, _) in SECTIONS.items()
        if report.sections[name].rows
    )
    return head + "".join(sections) + "</body>\n</html>\n"


_OWN_STYLE = (
    "svg { width: 100%; height: 140px; display: block; background: var(--panel); "
    "border: 1px solid var(--rule) } svg rect { fill: var(--bad) } "
    "svg rect:hover { fill: var(--line) } svg text { fill: var(--dim); font-size: 12px } "
    ".scroll { overflow-x: auto }"
)


def _plot(name: str, result: QueryResult) -> str:
    """The share of bad streams as bars; what each is stands under the pointer."""
    if name not in _PLOTTED or len(result.rows) < 2:
        return ""
    return (
        f'<figure><svg viewBox="0 0 {_WIDTH} {_HEIGHT}" preserveAspectRatio="none" role="img" '
        f'aria-label="share of bad streams">{"".join(_bars(result, _PLOTTED[name]))}</svg>'
        f"<figcaption>Share of bad streams; the full height is "
        f"{max(_column(result, _PLOTTED[name])):.1%}</figcaption></figure>"
    )


def _bars(result: QueryResult, name: str) -> Iterator[str]:
    shares = _column(result, name)
    top, step = max(shares) or 1.0, _WIDTH / len(shares)
    for number, (row, share) in enumerate(zip(result.rows, shares, strict=True)):
        height = share / top * (_HEIGHT - 4)
        yield (
            f'<rect x="{number * step + 1:.1f}" y="{_HEIGHT - height:.1f}" '
            f'width="{max(1.0, step - 2):.1f}" height="{max(0.5, height):.1f}">'
            f"<title>{_text(row[0])}: {share:.1%} of {_text(row[1])}</title></rect>"
        )


def _table(result: QueryResult) -> str:
    head = "".join(f"<th>{_text(name)}</th>" for name in result.columns)
    body = "".join(f"<tr>{_cells(result, row)}</tr>" for row in result.rows)
    return f'<div class="scroll"><table><tr>{head}</tr>{body}</table></div>'


def _cells(result: QueryResult, row: Sequence[Any]) -> str:
    named = zip(result.columns, row, strict=True)
    return "".join(f"<td>{_text(cell(value, name))}</td>" for name, value in named)


def _column(result: QueryResult, name: str) -> list[float]:
    at = result.columns.index(name)
    return [float(row[at] or 0.0) for row in result.rows]


def _text(value: object) -> str:
    return html.escape(printable(str(value), 2000))
