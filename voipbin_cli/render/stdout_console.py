"""Standard output as rich's console."""

from __future__ import annotations

from rich.console import Console

PIPE_COLUMNS = 10_000
"""Wider than any line, so that nothing is cut or wrapped where a program reads it."""


def stdout_console() -> Console:
    """Return stdout: as wide as the terminal, PIPE_COLUMNS where it is none."""
    out = Console(highlight=False)
    return out if out.is_terminal else Console(highlight=False, width=PIPE_COLUMNS)
