"""The report of a load: a table, and how soon the bot answered by how many called at once."""

from __future__ import annotations

import html
from collections.abc import Callable, Iterable

from voipbin_cli import __version__
from voipbin_cli.errors import MachineError
from voipbin_cli.simulator.load import LoadOutcome, LoadRow

_WIDTH, _HEIGHT, _LEFT, _BOTTOM, _TOP = 760, 260, 70, 40, 16
_STYLE = (
    ":root{color-scheme:light dark}body{font:15px/1.5 system-ui,sans-serif;max-width:52rem;"
    "margin:2rem auto;padding:0 1rem}table{border-collapse:collapse}td,th{padding:.2rem .8rem;"
    "text-align:right;border-bottom:1px solid #8884}svg{width:100%;height:auto}"
    "text{font-size:12px;fill:currentColor}"
)


def write_load_report(path: str, outcome: LoadOutcome, what: str) -> None:
    """Write one HTML file that needs nothing else; `what` names the bot.

    Raises MachineError where that is impossible.
    """
    try:
        with open(path, "x", encoding="utf-8") as file:
            file.write(to_load_html(outcome, what))
    except OSError as error:
        raise MachineError(f"cannot write {path}: {error.strerror}") from error


def to_load_html(outcome: LoadOutcome, what: str) -> str:
    """The file's text."""
    plots = [
        ("Time to the bot's answer, ms: half of them, and 95 of 100, within", _answers(outcome)),
        ("How late this machine sent, ms: 99 of 100 within", _lateness(outcome)),
    ]
    figures = "".join(f"<h2>{title}</h2>{svg}" for title, svg in plots)
    verdict = "".join(f"<p>{html.escape(line)}</p>" for line in load_sentences(outcome))
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Load</title>'
        f"<style>{_STYLE}</style><h1>{html.escape(what)}, by calls at once</h1>{verdict}"
        f"{figures}{_table(outcome.rows)}<p>voipbin {html.escape(__version__)}</p></html>\n"
    )


def load_sentences(outcome: LoadOutcome) -> list[str]:
    """What it comes to, in words."""
    lines = [f"{len(outcome.outcomes)} calls, at most {outcome.most_at_once} at once"]
    if outcome.failures:
        first = sorted(set(outcome.failures))[0]
        lines.append(f"{len(outcome.failures)} calls did not come up: {first}")
    limit, broke = outcome.limit, outcome.broke_at
    if limit is not None:
        name = f"{limit.measure}.{limit.statistic} of {limit.most:g} ms"
        kept = "kept" if outcome.is_reliable else "whether it was kept is not told"
        at = f"broken at {broke.calls_from} to {broke.calls_to} calls at once" if broke else kept
        lines.append(f"{name}: {at}")
    if outcome.slow_from is not None:
        lines.append(
            f"from {outcome.slow_from} calls at once on this machine itself was late: "
            "what is measured there is not the bot's alone"
        )
    return lines


def load_cells(row: LoadRow) -> tuple[str, ...]:
    """A row of the table, in the order of LOAD_COLUMNS.

    STOPS is within how many ms the bot falls silent, 95 of 100 times, once it is spoken into; OWN
    how late this machine sent, 99 of 100 frames.
    """
    answers, barge_in = row.response_ms, row.barge_in_ms
    low, high = row.calls_from, row.calls_to
    return (
        str(low) if low == high else f"{low}-{high}",
        str(row.responses),
        f"{answers.p50:.0f}" if answers else "",
        f"{answers.p95:.0f}" if answers else "",
        f"{barge_in.p95:.0f}" if barge_in else "",
        "" if row.holes_per_minute is None else f"{row.holes_per_minute:.1f}",
        "" if row.heard_share is None else f"{row.heard_share:.1%}",
        str(row.failed or ""),
        "" if row.lateness.p99 is None else f"{row.lateness.p99:.1f}",
        "" if row.is_reliable else "late",
    )


LOAD_COLUMNS = (
    "CALLS", "ANSWERS", "p50 ms", "p95 ms", "STOPS ms", "HOLES/min", "HEARD", "FAILED",
    "OWN ms", "",
)  # fmt: skip


def _table(rows: Iterable[LoadRow]) -> str:
    head = "".join(f"<th>{name}</th>" for name in LOAD_COLUMNS)
    body = "".join(
        "<tr>" + "".join(f"<td>{cell}</td>" for cell in load_cells(row)) + "</tr>" for row in rows
    )
    return f"<table><tr>{head}</tr>{body}</table>"


def _answers(outcome: LoadOutcome) -> str:
    def value(name: str) -> Callable[[LoadRow], float | None]:
        return lambda row: getattr(row.response_ms, name) if row.response_ms else None

    most = outcome.limit.most if outcome.limit and outcome.limit.measure == "response_ms" else None
    return _plot(outcome.rows, [(value("p50"), "#37c"), (value("p95"), "#c63")], most)


def _lateness(outcome: LoadOutcome) -> str:
    return _plot(outcome.rows, [(lambda row: row.lateness.p99, "#777")], None)


def _plot(
    rows: Iterable[LoadRow],
    lines: list[tuple[Callable[[LoadRow], float | None], str]],
    limit: float | None,
) -> str:
    """Lines over the calls at once, as SVG; a limit is a dashed line."""
    points = [
        ([(row.calls_to, y) for row in rows if (y := line(row)) is not None], colour)
        for line, colour in lines
    ]
    every = [point for line, _ in points for point in line]
    if not every:
        return "<p>nothing was measured</p>"
    most_x = max(x for x, _ in every)
    most_y = max([y for _, y in every] + ([limit] if limit else [])) * 1.1 or 1.0

    def place(x: float, y: float) -> str:
        across = _LEFT + x / most_x * (_WIDTH - _LEFT - 10)
        return f"{across:.1f},{_TOP + (1 - y / most_y) * (_HEIGHT - _TOP - _BOTTOM):.1f}"

    drawn = [
        f'<polyline fill="none" stroke="{colour}" stroke-width="2" points="'
        + " ".join(place(x, y) for x, y in line)
        + '"/>'
        + "".join(
            f'<circle r="3" fill="{colour}" cx="{place(x, y).split(",")[0]}" '
            f'cy="{place(x, y).split(",")[1]}"/>'
            for x, y in line
        )
        for line, colour in points
    ]
    if limit:
        drawn.append(
            f'<polyline stroke="#c33" stroke-dasharray="6 4" points="{place(0, limit)} '
            f'{place(most_x, limit)}"/>'
        )
    for part in (0, 0.5, 1):
        down = place(0, part * most_y).split(",")[1]
        drawn.append(f'<text x="4" y="{down}">{part * most_y:.0f}</text>')
        across = place(part * most_x, 0).split(",")[0]
        drawn.append(
            f'<text x="{across}" y="{_HEIGHT - 12}" text-anchor="middle">{part * most_x:.0f}</text>'
        )
    return f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img">{"".join(drawn)}</svg>'
