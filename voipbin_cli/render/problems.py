"""Errors and warnings as the user reads them: what happened, and what to do."""

from __future__ import annotations

import sys

from voipbin_cli.errors import VoipbinError
from voipbin_cli.render.jsonl import emit
from voipbin_cli.text import printable


def show_error(error: VoipbinError, *, as_json: bool) -> None:
    """Say `error` on stderr in two lines; for scripts also as the last line on stdout.

    Raises as `emit` does, once it is said.
    """
    say(error.message)
    if error.hint:
        sys.stderr.write(f"hint: {printable(error.hint)}\n")
    if as_json:
        fields = {"status": int(error.status), "message": error.message, "hint": error.hint}
        emit("error", fields | error.details)


def say(text: str) -> None:
    """Write one line about what happened to stderr."""
    sys.stderr.write(f"voipbin: {printable(text)}\n")
