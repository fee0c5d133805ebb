"""`voipbin schema`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from voipbin_cli.commands.options import JsonOption

if TYPE_CHECKING:
    from voipbin_cli.shell.json_schema.rows import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaOptions:
    """Of which lines."""

    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="WORD...",
            help="A command (stream record) or an event (violation), whose lines it is of. "
            "Without it, every line.",
            show_default=False,
        ),
    ] = None
    json: JsonOption = False


def schema(options: SchemaOptions) -> None:
    """Print the JSON Schema of what --json prints (draft 2020-12).

    It is of one line. Readers have to pass over keys that they do not know: the schema allows
    more of them, as they are added in time.

    Examples:

        voipbin schema > voipbin.schema.json

        voipbin schema stream diagnose

        voipbin schema violation
    """
    import json

    from voipbin_cli.render.jsonl import emit
    from voipbin_cli.shell.json_schema.document import document

    made = document(_named(" ".join(options.words or ()).lower()))
    if options.json:
        emit("summary", {"document": made})
    else:
        typer.echo(json.dumps(made, indent=2))


def _named(words: str) -> list[Event]:
    """Return the events that `words` name: all, a command's, or those of one name."""
    from voipbin_cli.errors import UsageError
    from voipbin_cli.shell.json_schema.document import COMMANDS, EVENTS
    from voipbin_cli.text import nearest, printable

    command = words if words in COMMANDS else f"stream {words}"
    found = [event for event in EVENTS if not words or event.is_of(command)]
    found = found or [event for event in EVENTS if event.name == words]
    if not found:
        names = (*COMMANDS, *(event.name for event in EVENTS))
        near = " or ".join(nearest(words, dict.fromkeys(names, ""), told=False))
        raise UsageError(
            f"no command and no event is called {printable(words, 60)}",
            hint=f"did you mean {near}?" if near else "man voipbin-json names the events",
        )
    return found
