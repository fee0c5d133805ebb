"""`voipbin completion`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from voipbin_cli.commands.options import OUTPUT, JsonOption

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class CompletionOptions:
    """Of which shell, and where it goes."""

    shell: Annotated[
        str,
        typer.Argument(
            metavar="bash|zsh|fish|pwsh",
            help="Left out: the shell that SHELL names.",
            show_default=False,
        ),
    ] = ""
    install: Annotated[
        bool,
        typer.Option(
            "--install",
            help="Write it into your own data directory, where the shell looks; no other file is "
            "touched.",
            rich_help_panel=OUTPUT,
        ),
    ] = False
    json: JsonOption = False


def completion(options: CompletionOptions) -> None:
    """Print the completion script of a shell, or put it where the shell looks.

    Examples:

        voipbin completion bash --install

        voipbin completion zsh > _voipbin
    """
    import sys

    from voipbin_cli.environment import user_environment
    from voipbin_cli.render.jsonl import emit
    from voipbin_cli.render.problems import say
    from voipbin_cli.session.checks import COMPLETIONS, own_completion
    from voipbin_cli.shell.completions import SCRIPTS, scripts

    environ = user_environment()
    shell = _shell(options.shell, environ.get("SHELL", ""))
    script = scripts()[SCRIPTS[shell]]
    place = own_completion(shell, environ) if options.install else None
    if place is not None:
        _write(place, script)
    if options.json:
        where = str(place) if place else None
        emit("summary", {"shell": shell, "installed": where, "script": script})
    elif place is None:
        sys.stdout.write(script)
    else:
        say(f"wrote {place}; shells that are started from now on have it")
        use = COMPLETIONS[shell][1].format(script=place, dir=place.parent)
        say(f"where TAB still offers nothing: {use}")


def _shell(asked: str, own: str) -> str:
    from pathlib import Path

    from voipbin_cli.errors import UsageError
    from voipbin_cli.shell.completions import SCRIPTS
    from voipbin_cli.text import did_you_mean, printable

    name = (asked or Path(own).name).lower().replace("powershell", "pwsh")
    if name in SCRIPTS:
        return name
    listed = ", ".join(SCRIPTS)
    if not name:
        raise UsageError("which shell?", hint=f"name one of {listed}")
    raise UsageError(
        f"there is no completion for {printable(name, 40)}",
        hint=did_you_mean(name, SCRIPTS, f"there is one for {listed}"),
    )


def _write(place: Path, script: str) -> None:
    from voipbin_cli.errors import MachineError

    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(script, encoding="utf-8", newline="\n")
    except OSError as error:
        raise MachineError(
            f"cannot write {place}: {error.strerror}",
            hint="without --install the script goes to standard output: redirect it",
        ) from error
