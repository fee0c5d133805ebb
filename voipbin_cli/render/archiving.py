"""What is seen of an archive: how far a run is, what it came to, the answer to a query."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from voipbin_cli.archive.queries import QueryResult
from voipbin_cli.archive.rows import FileRows, Status
from voipbin_cli.archive.run import Totals
from voipbin_cli.events import time_text
from voipbin_cli.render.evidence import counted
from voipbin_cli.render.jsonl import emit, emit_list
from voipbin_cli.render.live_view import clock_text, is_terminal
from voipbin_cli.render.stdout_console import stdout_console
from voipbin_cli.text import printable

_MOST_NAMED = 5
_VERDICTS = ("ok", "degraded", "bad")


class Archiving:
    """Shows a run: on a terminal how far it is, in JSON each file, in words what it came to.

    `count` gives how many bytes there are to read, None where nobody can say; it is called in a
    thread, where somebody looks.
    """

    def __init__(
        self, dataset: str, count: Callable[[], int | None], *, as_json: bool, is_chatty: bool
    ) -> None:
        self._dataset, self._count = dataset, count
        self._as_json, self._is_chatty = as_json, is_chatty
        self._began_s = time.monotonic()
        self._progress: Progress | None = None
        self._troubles: list[FileRows] = []

    def __enter__(self) -> Archiving:
        if self._is_chatty and is_terminal():
            self._progress = _progress()
            self._progress.start()
            self._progress.add_task("", total=None, told="")
            threading.Thread(target=self._find_total, daemon=True).start()
        return self

    def __exit__(self, *_raised: object) -> None:
        if self._progress is not None:
            self._progress.stop()

    def _find_total(self) -> None:
        total = self._count()
        if self._progress is not None:
            self._progress.update(_ONLY, total=total)

    def tell(self, rows: FileRows, totals: Totals) -> None:
        """Another file is done."""
        if rows.status.is_trouble:
            self._troubles = [*self._troubles, rows][:_MOST_NAMED]
        if self._as_json:
            told = ("file", "status", "streams", "verdict", "why")
            emit("file", {name: rows.file[name] for name in told})
        if self._progress is not None:
            took_s = max(1e-3, time.monotonic() - self._began_s)
            told_text = (
                f"{totals.files} files  {totals.streams} streams  "
                f"{totals.bytes / took_s / 1e9:.3f} GB/s"
            )
            self._progress.update(_ONLY, completed=totals.bytes, told=told_text)

    def finish(self, totals: Totals) -> None:
        """Say what it came to."""
        took_s = time.monotonic() - self._began_s
        if self._as_json:
            fields = totals.as_fields() | {"elapsed_seconds": round(took_s, 3)}
            emit("summary", {"dataset": self._dataset, **fields})
        elif self._is_chatty:
            stdout_console().print(Text("\n").join(self._lines(totals, took_s)), soft_wrap=True)

    def _lines(self, totals: Totals, took_s: float) -> Iterator[Text]:
        """What was not read first, the verdicts last."""
        for rows in self._troubles:
            name, why = rows.file["file"], str(rows.file["why"]).removeprefix(rows.file["file"])
            yield Text(f"  {printable(name)}: {printable(why.strip())}")
        if more := totals.troubles - len(self._troubles):
            yield Text(f"  and {more} more: SELECT file, why FROM files WHERE why IS NOT NULL")
        others = [
            (totals.status[Status.KNOWN], "known from before"),
            (totals.status[Status.COPY], "copies of another"),
            (totals.status[Status.EMPTY], "without a stream"),
            (totals.troubles, "not read"),
        ]
        said = "".join(f", {count} {words}" for count, words in others if count)
        yield Text(f"{counted(totals.files, 'file')} in {clock_text(took_s)}{said}")
        if totals.findings:
            often = ", ".join(f"{name} {count}" for name, count in totals.findings.most_common(5))
            yield Text(f"most often: {often}")
        verdicts = ", ".join(f"{totals.verdicts[each]} {each}" for each in _VERDICTS)
        yield Text(f"{counted(totals.streams, 'stream')}: {verdicts}")


_ONLY = TaskID(0)


def _progress() -> Progress:
    return Progress(
        BarColumn(20),
        TextColumn("{task.percentage:>3.0f} %  {task.fields[told]}"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )


def show_answer(answer: QueryResult, *, as_json: bool) -> None:
    """Print a query's result: a table, or an event a row."""
    if as_json:
        emit_list("row", ({"values": _json(fields)} for fields in answer.as_fields()))
        return
    stdout_console().print(answer_table(answer))


def answer_table(answer: QueryResult) -> Table:
    """A query's result for the eyes; numbers to the right."""
    table = Table(box=None, pad_edge=False)
    for number, name in enumerate(answer.columns):
        are_numbers = all(isinstance(row[number], (int, float, type(None))) for row in answer.rows)
        table.add_column(
            printable(name), overflow="fold", justify="right" if are_numbers else "left"
        )
    for row in answer.rows:
        named = zip(answer.columns, row, strict=True)
        table.add_row(*(Text(cell(value, name)) for name, value in named))
    return table


def cell(value: object, name: str) -> str:
    """A value in a table, in the column of that name."""
    if name.endswith("share") and isinstance(value, float):
        return f"{value:.1%}"
    if value is None:
        return "-"
    return f"{value:.6g}" if isinstance(value, float) else printable(str(value), 10_000)


def _json(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: _plain(value) for name, value in fields.items()}


def _plain(value: object) -> object:
    """A value as JSON has it; a time in UTC."""
    if isinstance(value, datetime):
        return time_text(value.replace(tzinfo=UTC))
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if isinstance(value, (str, int, float, bool, type(None))) else str(value)
