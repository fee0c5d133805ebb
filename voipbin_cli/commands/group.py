"""The commands by name, each imported when it is called; its options are a dataclass's fields.

A command is a function of one frozen dataclass. Each of its fields is an argument or an option,
annotated as Typer wants them; a field that is itself a dataclass stands for the options in it,
which several commands share.
"""

from __future__ import annotations

import dataclasses
import functools
import inspect
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib import import_module
from itertools import takewhile
from typing import Any, get_type_hints

import typer
from typer.core import TyperCommand, TyperGroup, TyperOption
from typer.main import get_command
from typer.models import ArgumentInfo

from voipbin_cli.errors import UsageError
from voipbin_cli.render.help import command_help

HELP_NAMES = ["-h", "--help"]


def _flag(*names: str, told: str) -> TyperOption:
    return TyperOption(param_decls=list(names), is_flag=True, expose_value=False, help=told)


HANDED_ON = (
    _flag("--json", told="JSON Lines on stdout, of any command."),
    _flag("--quiet", "-q", told="Say errors only."),
    _flag("--verbose", "-v", told="Say more, on stderr."),
)
"""What may stand before a command, and is an option of the command all the same."""
# One of them as a user writes it: -qv too.
_HANDED_ON = re.compile(r"--(json|quiet|verbose)|-[qv]+")


class HelpShown(Exception):
    """Help was shown, as a group was given without a command."""


class CommandGroup(TyperGroup):
    """Commands and further groups by name; those of the group `short` need not name it."""

    commands: dict[str, Any]

    def __init__(
        self,
        summary: str,
        commands: Mapping[str, LazyCommand | CommandGroup],
        *,
        params: Sequence[Any] = (),
        short: str = "",
    ) -> None:
        super().__init__(
            commands=dict(commands),
            help=summary,
            params=list(params or HANDED_ON),
            context_settings={"help_option_names": HELP_NAMES},
        )
        self._short = short

    @property
    def short_forms(self) -> dict[str, Any]:
        """The commands that may be called without their group's name, by their own."""
        return self.commands[self._short].commands if self._short else {}

    def get_command(self, _context: Any, name: str) -> Any:
        """Return the command of that name, None where there is none."""
        return self.commands.get(name) or self.short_forms.get(name)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Return the name, the command and the words behind it. Raises UsageError."""
        name, *rest = args
        if (command := self.get_command(ctx, name)) is None:
            from voipbin_cli.commands.meant import no_such_command

            raise no_such_command(ctx, args)
        return name, command, rest

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help, for which no command is imported."""
        formatter.write(command_help(self, ctx.command_path))

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """As Typer's own; without any `args` the help is shown. Raises HelpShown."""
        handed_on = list(takewhile(_HANDED_ON.fullmatch, args))
        command, *rest = args[len(handed_on) :] or [""]
        if not command:
            typer.echo(ctx.get_help(), err=True)
            raise HelpShown
        return super().parse_args(ctx, [command, *handed_on, *rest])

    def loaded(self) -> CommandGroup:
        """Return it with every command imported."""
        commands = {name: command.loaded() for name, command in self.commands.items()}
        return CommandGroup(self.help or "", commands, params=self.params, short=self._short)


class LazyCommand(TyperCommand):
    """A command that is not imported before it is called, or asked for its own help.

    `place` is `module.function` in a package of voipbin_cli, `summary` the first sentence of its
    help.
    """

    def __init__(self, place: str, summary: str, *, package: str = "commands") -> None:
        super().__init__(None, help=summary)
        self._place = f"voipbin_cli.{package}.{place}"

    def loaded(self) -> TyperCommand:
        """Import it."""
        module, _, function = self._place.rpartition(".")
        found = getattr(import_module(module), function)
        app = typer.Typer(
            add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None
        )
        app.command(cls=_Loaded)(with_flags(found))
        command = get_command(app)
        assert isinstance(command, TyperCommand)
        return command

    def make_context(self, *args: Any, **more: Any) -> Any:
        """Return the context in which the command itself is called."""
        return self.loaded().make_context(*args, **more)


class _Loaded(TyperCommand):
    def format_help(self, ctx: Any, formatter: Any) -> None:
        formatter.write(command_help(self, ctx.command_path))


def with_flags(command: Callable[[Any], None]) -> Callable[..., None]:
    """Return `command` as a function whose parameters are the fields of its one dataclass."""
    (options,) = (kind for name, kind in get_type_hints(command).items() if name != "return")

    @functools.wraps(command)
    def called(**values: Any) -> None:
        _refuse_empty(parameters, values)
        command(_filled(options, values))

    parameters = list(_parameters(options))
    called.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # no field
    called.__annotations__ = {p.name: p.annotation for p in parameters}
    return called


def _refuse_empty(parameters: Sequence[inspect.Parameter], values: Mapping[str, Any]) -> None:
    """Raise UsageError for a value that is given and empty, as of a variable that is not set.

    Where empty is the default, the command itself says what is missing.
    """
    for parameter in parameters:
        value = values[parameter.name]
        if (value == "" and parameter.default != "") or (isinstance(value, list) and "" in value):
            (about,) = parameter.annotation.__metadata__
            named = (name for name in about.param_decls or () if name.startswith("--"))
            name = next(named, f"--{parameter.name.replace('_', '-')}")
            if isinstance(about, ArgumentInfo):
                name = str(about.metavar).removeprefix("-- ").removesuffix("...")
            raise UsageError(f"{name} is empty", hint="give it a value, or leave it out")


def _parameters(options: type) -> Iterator[inspect.Parameter]:
    hints = get_type_hints(options, include_extras=True)
    for field in dataclasses.fields(options):
        hint = hints[field.name]
        if dataclasses.is_dataclass(hint):
            yield from _parameters(hint)  # type: ignore[arg-type]  # a class, as a hint is one
        else:
            is_required = field.default is dataclasses.MISSING
            default = inspect.Parameter.empty if is_required else field.default
            yield inspect.Parameter(
                field.name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=hint
            )


def _filled(options: Any, values: Mapping[str, Any]) -> Any:
    hints = get_type_hints(options)
    return options(
        **{
            name: _filled(hint, values) if dataclasses.is_dataclass(hint) else values[name]
            for name, hint in hints.items()
        }
    )
