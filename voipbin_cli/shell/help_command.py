"""`voipbin help`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from voipbin_cli.commands.options import JsonOption

if TYPE_CHECKING:
    from voipbin_cli.render.tree import Command


@dataclass(frozen=True, slots=True, kw_only=True)
class HelpOptions:
    """What is looked for."""

    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="WORD...",
            help="A command, whose help is shown; or anything else, which is searched for.",
            show_default=False,
        ),
    ] = None
    json: JsonOption = False


class Match(NamedTuple):
    """Something that has the words in its name or its meaning; `see` tells all of it.

    `symptom` is how it shows, in the words of who suffers from it.
    """

    kind: str
    name: str
    meaning: str
    see: str
    symptom: str = ""

    def has(self, words: list[str]) -> bool:
        """Whether each of `words` stands in it, in whatever form."""
        told = f"{self.name} {self.meaning} {self.symptom}".lower()
        return all(word in told for word in words)


def help_(options: HelpOptions) -> None:
    """Search commands, options, findings, rules and scenarios for a word.

    Examples:

        voipbin help stream record

        voipbin help jitter
    """
    from voipbin_cli.errors import UsageError
    from voipbin_cli.main import app
    from voipbin_cli.render.help import command_help
    from voipbin_cli.render.jsonl import emit
    from voipbin_cli.text import printable

    words = [word.lower() for word in options.words or ()]
    command, typed = _command(app, words)
    if command is not None and not options.json:
        typer.echo(command_help(command, f"voipbin {typed}".rstrip()), nl=False)
        return
    from voipbin_cli.shell.command_tree import command_tree

    found = [match for match in _all(command_tree()) if match.has(words)]
    if options.json:
        for match in found:
            emit("match", match._asdict())
        emit("summary", {"words": words, "count": len(found)})
        return
    if not found:
        shown = printable(" ".join(words), 60)
        raise UsageError(
            f"nothing is called '{shown}' or says so",
            hint="try another word for it, or a part of it: `voipbin help loss`",
        )
    _show(found)


def _command(root: Any, words: list[str]) -> tuple[Any, str]:
    """Return the command that `words` are, with its options, and its path; else None."""
    command = root
    for word in words:
        command = command.get_command(None, word) if hasattr(command, "get_command") else None
    is_group = hasattr(command, "get_command")
    return (command if command is None or is_group else command.loaded()), " ".join(words)


def _all(tool: Command) -> Iterator[Match]:
    from voipbin_cli.analysis.findings import BY_ID
    from voipbin_cli.finding_ids import FindingId
    from voipbin_cli.shell.values import known_values

    for command in tool.leaves:
        yield Match("command", command.name, command.summary, f"{command.name} --help")
    for command in tool.leaves:
        for option in command.options:
            name = f"{command.name} {option.long}"
            yield Match("option", name, option.help, f"{command.name} --help")
    known = known_values()
    for name, told in known["findings"]:
        symptom = BY_ID[FindingId(name)].symptom
        yield Match("finding", name, told, f"voipbin stream diagnose --explain {name}", symptom)
    for name, told in known["rules"]:
        yield Match("rule", name, told, f"voipbin stream validate --explain {name}")
    for name, told in known["scenarios"]:
        yield Match("scenario", f"sim:{name}", told, f"voipbin stream record sim:{name}")


def _show(found: list[Match]) -> None:
    """Print those of a kind below each other, and how to know more of the first of them."""
    from itertools import groupby

    from voipbin_cli.render.help import found_text

    sections = [
        (kind, [(match.name, match.meaning) for match in rows], rows[0].see)
        for kind, rows in ((kind, list(each)) for kind, each in groupby(found, lambda m: m.kind))
    ]
    typer.echo(found_text(sections), nl=False)
