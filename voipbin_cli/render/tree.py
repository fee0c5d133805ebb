"""Commands as plain data, read off Typer: what help, completions and man pages are made from."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

EXAMPLES = "Examples:"


@dataclass(frozen=True, slots=True)
class CommandOption:
    """A flag, or an option with a value; `metavar` is empty for a flag."""

    names: tuple[str, ...]
    negations: tuple[str, ...]
    metavar: str
    help: str
    default: str
    envvar: str
    group: str

    @property
    def long(self) -> str:
        """The first long name."""
        return next((name for name in self.names if name.startswith("--")), self.names[0])

    @property
    def meaning(self) -> str:
        """Its help, with its default and the variable that it is taken from."""
        default = f"[default: {self.default}]" if self.default else ""
        variable = f"[env: {self.envvar}]" if self.envvar else ""
        return " ".join(part for part in (self.help, default, variable) if part)

    @property
    def all_names(self) -> tuple[str, ...]:
        """Every spelling of it."""
        return self.names + self.negations


@dataclass(frozen=True, slots=True)
class Argument:
    """A positional argument."""

    metavar: str
    help: str
    required: bool
    many: bool


@dataclass(frozen=True, slots=True)
class Command:
    """A command or a group of commands; `path` is empty for voipbin itself."""

    path: tuple[str, ...]
    help: str
    options: tuple[CommandOption, ...]
    arguments: tuple[Argument, ...]
    commands: tuple[Command, ...]

    @property
    def name(self) -> str:
        """As it is typed."""
        return " ".join(("voipbin", *self.path))

    @property
    def paragraphs(self) -> list[str]:
        """The help text up to the examples, a paragraph a line."""
        told = self.help.partition(EXAMPLES)[0]
        return [" ".join(part.split()) for part in told.split("\n\n") if part.strip()]

    @property
    def summary(self) -> str:
        """The first sentence of the help."""
        return self.paragraphs[0] if self.paragraphs else ""

    @property
    def examples(self) -> list[str]:
        """Command lines to paste."""
        return [line.strip() for line in self.help.partition(EXAMPLES)[2].split("\n\n") if line]

    @property
    def leaves(self) -> list[Command]:
        """Those below it that do something, groups left out."""
        return [c for c in self.walk() if not c.commands and c is not self]

    def walk(self) -> Iterator[Command]:
        """Give this command and all below it."""
        yield self
        for command in self.commands:
            yield from command.walk()


def describe(source: Any, path: tuple[str, ...] = ()) -> Command:
    """Return a Typer command or group, and all that is below it, as data."""
    parameters = [p for p in source.params if not getattr(p, "hidden", False)]
    options = [_option(p) for p in parameters if p.param_type_name == "option"]
    children: Mapping[str, Any] = getattr(source, "commands", {})
    return Command(
        path=path,
        help=inspect.cleandoc(source.help or ""),
        options=(*options, _HELP),
        arguments=tuple(_argument(p) for p in parameters if p.param_type_name == "argument"),
        commands=tuple(describe(child, (*path, name)) for name, child in children.items()),
    )


_HELP = CommandOption(("--help", "-h"), (), "", "Show this message and exit.", "", "", "")


def _option(source: Any) -> CommandOption:
    return CommandOption(
        names=tuple(source.opts),
        negations=tuple(source.secondary_opts),
        metavar="" if source.is_flag else _metavar(source),
        help=" ".join((source.help or "").split()),
        default=_default(source),
        envvar=source.envvar or "",
        group=source.rich_help_panel or "",
    )


def _metavar(source: Any) -> str:
    """Return the metavar that the help shows; enumerations have theirs in their type."""
    if source.metavar:
        return str(source.metavar)
    choices = getattr(source.type, "choices", None)
    return "|".join(map(str, choices)) if choices else source.type.name.upper()


def _default(source: Any) -> str:
    """Return the default in words; empty where the help shows none."""
    if isinstance(source.show_default, str):
        return source.show_default
    if not source.show_default or (source.default is None or source.default is False):
        return ""
    if source.is_flag:
        return source.opts[0].lstrip("-") if source.secondary_opts else ""
    is_whole = isinstance(source.default, float) and source.default.is_integer()
    return str(int(source.default) if is_whole else source.default)


def _argument(source: Any) -> Argument:
    return Argument(
        metavar=(source.metavar or source.name.upper()).removesuffix("..."),
        help=" ".join((source.help or "").split()),
        required=source.required,
        many=source.nargs == -1,
    )
