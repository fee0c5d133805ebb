"""Questions to whoever sits at the terminal; all of them on stderr, as stdout is for data."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import typer

from voipbin_cli.errors import UsageError


def is_interactive() -> bool:
    """Whether someone is there to ask. A closed stream is None."""
    return all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stderr))


def pick(question: str, rows: Sequence[str]) -> int:
    """Show `rows` numbered from 1 and return the index of the one picked; Enter picks the first.

    Raises:
        typer.Abort: Ctrl-C, or the end of input.
    """
    width = len(str(len(rows)))
    for number, row in enumerate(rows, start=1):
        typer.echo(f"  {number:>{width}}  {row}", err=True)
    while True:
        answer = typer.prompt(question, default="1", err=True)
        if answer.isdecimal() and 1 <= int(answer) <= len(rows):
            return int(answer) - 1
        typer.echo(f"a number from 1 to {len(rows)}, please", err=True)


def refuse_without_terminal() -> None:
    """Raise UsageError where nobody is there to be asked for a credential."""
    if not is_interactive():
        raise UsageError(
            "there is no terminal to ask on",
            hint="use --token-stdin, --accesskey-stdin, or --username with --password-stdin",
        )


def ask_text(question: str) -> str:
    """Return one line that is not empty."""
    answer: str = typer.prompt(question, err=True)
    return answer.strip()


def ask_secret(question: str) -> str:
    """Return one line that is not shown while it is typed.

    Raises:
        UsageError: there is no terminal.
    """
    refuse_without_terminal()
    answer: str = typer.prompt(f"{question} (not shown)", hide_input=True, err=True)
    return answer.strip()


def read_secret(limit: int = 16 * 1024) -> str:
    """Return the one line that stdin holds.

    Raises:
        UsageError: stdin is a terminal, holds nothing, or more than a secret.
    """
    if sys.stdin is None or sys.stdin.isatty():
        raise UsageError(
            "stdin is the terminal, which would show the secret, or closed",
            hint="pipe it in, or leave the option away and be asked",
        )
    text = sys.stdin.read(limit + 1).strip()
    if not text or len(text) > limit or "\n" in text:
        raise UsageError("stdin does not hold a secret", hint="it must hold one line, and no more")
    return text
