"""What `voipbin doctor` found out, on one screen."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from voipbin_cli import __version__
from voipbin_cli.render.jsonl import emit
from voipbin_cli.session.checks import Check, CheckState
from voipbin_cli.text import printable

_MARKS = {
    CheckState.OK: ("✓", "+", "green"),
    CheckState.NOTE: ("!", "!", "yellow"),
    CheckState.BAD: ("✗", "x", "bold red"),
}


def show_checks(checks: Sequence[Check], *, as_json: bool) -> None:
    """Print one line a check, and what to do under those that need something done."""
    if as_json:
        for check in checks:
            emit("check", _fields(check))
        bad = [check.topic for check in checks if check.state is CheckState.BAD]
        emit("summary", {"version": __version__, "bad": bad})
        return
    table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 1, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    plain = not _can_show("✓✗")
    for check in checks:
        mark, plain_mark, style = _MARKS[check.state]
        text = Text(printable(check.words))
        if check.hint:
            text.append(f"\n{printable(check.hint)}", "dim")
        table.add_row(Text(plain_mark if plain else mark, style), check.topic, text)
    Console(highlight=False).print(table)


def _fields(check: Check) -> dict[str, Any]:
    words = {"topic": check.topic, "state": str(check.state), "words": check.words}
    return {**words, "hint": check.hint, "facts": dict(check.facts)}


def terminal_check(environ: Mapping[str, str] = os.environ) -> Check:
    """Look at what this terminal can show."""
    console = Console()
    facts = {
        "stdout_is_terminal": sys.stdout.isatty(),
        "stderr_is_terminal": sys.stderr.isatty(),
        "term": environ.get("TERM", ""),
        "columns": console.width,
        "colours": console.color_system or "none",
        "no_colour": "NO_COLOR" in environ,
        "encoding": sys.stdout.encoding,
        "unicode": _can_show("▁▂▃▄▅▆▇█"),
    }
    term = environ.get("TERM") or "no TERM"
    words = [
        term if sys.stdout.isatty() else "stdout is no terminal",
        f"{console.width} columns",
        "NO_COLOR" if facts["no_colour"] else f"colours: {facts['colours']}",
        sys.stdout.encoding,
    ]
    if facts["unicode"]:
        return Check("terminal", CheckState.OK, ", ".join(words), facts=facts)
    hint = "level meters need it: set LANG=C.UTF-8 or PYTHONUTF8=1"
    return Check("terminal", CheckState.NOTE, ", ".join([*words, "no Unicode"]), hint, facts)


def _can_show(characters: str) -> bool:
    try:
        characters.encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
