"""`--help`: a sentence, examples to paste, and the options in their groups, as plain text.

Rich could draw it, at the price of half the time that a command takes to start, of examples
broken at the terminal's edge, and of words in brackets, which it takes for markup.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator
from textwrap import wrap
from typing import Any

import typer

from voipbin_cli.render.tree import Argument, Command, CommandOption, describe

WIDEST = 100
# Terms longer than this have their meaning on the next line.
LONGEST_TERM = 28
# The same of names that were found, which begin with a command.
LONGEST_FOUND = 40

Section = tuple[str, list[tuple[str, str]]]


def command_help(source: Any, typed: str) -> str:
    """Return the help of a Typer command or group that was called as `typed`, for this terminal."""
    path = tuple(typed.split()[1:])
    width = min(shutil.get_terminal_size().columns, WIDEST)
    return help_text(describe(source, path), width, bold="NO_COLOR" not in os.environ)


def help_text(command: Command, width: int, *, bold: bool = False) -> str:
    """Return the help of `command` in lines of at most `width` characters, but for examples."""
    sections = [section for section in _sections(command) if section[1]]
    lines = [f"Usage: {_usage(command)}"]
    for paragraph in command.paragraphs:
        lines += ["", *_filled(paragraph, width)]
    if command.examples:
        lines += ["", _heading("Examples", bold), *(f"  {line}" for line in command.examples)]
    terms = [term for _, rows in sections for term, _ in rows]
    column = 4 + max((len(term) for term in terms if len(term) <= LONGEST_TERM), default=0)
    for name, rows in sections:
        lines += ["", _heading(name, bold)]
        for term, meaning in rows:
            lines += _row(term, meaning, column, width)
    return "\n".join(lines) + "\n"


def found_text(sections: Iterable[tuple[str, list[tuple[str, str]], str]]) -> str:
    """Return what was found: of each kind the names, their meanings, and how to see more of it."""
    width = min(shutil.get_terminal_size().columns, WIDEST)
    lines: list[str] = []
    for kind, rows, see in sections:
        column = 4 + max((len(name) for name, _ in rows if len(name) <= LONGEST_FOUND), default=0)
        lines += [_heading(f"{kind}s".capitalize(), "NO_COLOR" not in os.environ)]
        for name, meaning in rows:
            lines += _row(name, meaning, column, width)
        lines += [f"  more: {see}", ""]
    return "\n".join(lines)


def _filled(words: str, width: int) -> list[str]:
    return wrap(words, width, break_long_words=False, break_on_hyphens=False)


def _usage(command: Command) -> str:
    if command.commands:
        return f"{command.name} COMMAND ..."
    places = " ".join(map(usage_place, command.arguments))
    return f"{command.name} [OPTION ...] {places}".rstrip()


def usage_place(argument: Argument) -> str:
    """Return an argument as a synopsis shows it."""
    place = f"{argument.metavar} ..." if argument.many else argument.metavar
    return place if argument.required else f"[{place}]"


def _sections(command: Command) -> Iterator[Section]:
    yield "Commands", [(_below(command, c), c.summary) for c in command.leaves]
    yield "Arguments", [(argument.metavar, argument.help) for argument in command.arguments]
    for group, options in option_groups(command):
        yield group, [(_spelling(option), option.meaning) for option in options]


def option_groups(command: Command) -> Iterator[tuple[str, list[CommandOption]]]:
    """Give each group of options by its name, those without one last."""
    names = dict.fromkeys(option.group for option in command.options)
    for name in sorted(names, key=bool, reverse=True):
        found = [option for option in command.options if option.group == name]
        yield name or ("Others" if len(names) > 1 else "Options"), found


def _below(command: Command, other: Command) -> str:
    return " ".join(other.path[len(command.path) :])


def _spelling(option: CommandOption) -> str:
    """Return `-o, --output FILE`; long names stand in line whether there is a short one or not."""
    long = ", ".join(name for name in option.all_names if name.startswith("--"))
    short = next((f"{name}, " for name in option.names if not name.startswith("--")), "    ")
    return f"{short}{long} {option.metavar}".rstrip()


def _heading(name: str, bold: bool) -> str:
    return typer.style(f"{name}:", bold=True) if bold else f"{name}:"


def _row(term: str, meaning: str, column: int, width: int) -> Iterable[str]:
    first, *rest = _filled(meaning, max(20, width - column)) or [""]
    if len(term) > column - 4:
        yield f"  {term}"
        yield f"{'':{column}}{first}"
    else:
        yield f"{f'  {term}':{column}}{first}".rstrip()
    yield from (f"{'':{column}}{line}" for line in rest)
