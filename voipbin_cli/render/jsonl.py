"""JSON Lines on stdout: one object a line, each with its `event` and the `schema` number."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from typing import Any

from voipbin_cli.errors import MachineError
from voipbin_cli.events import json_line


def emit(event: str, fields: dict[str, Any]) -> None:
    """Print one event at once, so that a reader at the other end of a pipe sees it now.

    Raises BrokenPipeError where that reader is gone, MachineError where stdout takes nothing.
    """
    line = json_line(event, fields)
    try:
        sys.stdout.write(line + "\n")
    except BrokenPipeError:
        raise
    except OSError as error:
        raise refused(error) from error
    flush()


def emit_list(event: str, rows: Iterable[dict[str, Any]]) -> None:
    """Print a list: an event for each row, and a summary that counts them. Raises as `emit`."""
    count = 0
    for count, fields in enumerate(rows, start=1):  # noqa: B007  # counted for the summary
        emit(event, fields)
    emit("summary", {"count": count})


def flush() -> None:
    """Write out what stdout holds back. Raises as `emit` does."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise refused(error) from error


def discard() -> None:
    """Send stdout to /dev/null from now on: its buffer would fail again at the exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def refused(error: OSError) -> MachineError:
    """Return the error for a stdout that cannot be written to, and discard the rest of it."""
    discard()
    return MachineError(
        f"cannot write to standard output: {error.strerror or error}",
        hint="is the disk full, or the output closed?",
    )
