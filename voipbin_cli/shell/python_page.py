"""The page `voipbin-python`: what `import voipbin_cli` offers, from its own docstrings."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import voipbin_cli

TITLE = "voipbin-python"
SUMMARY = "the library: record, play, diagnose and validate from Python"
# A heading of a docstring, as `Args:` or `Raises (on entry):`.
_HEADING = re.compile(r"^(\w+[^:\n]*):$", re.MULTILINE)
_HEADINGS = ("Args", "Raises", "Example", "Attributes", "Fixtures", "Mark", "Options")


class DocPart(NamedTuple):
    """One part of a docstring: its heading, empty for the words before the first, and its lines."""

    heading: str
    lines: tuple[str, ...]

    @property
    def is_code(self) -> bool:
        """Whether it is an example."""
        return self.heading.startswith("Example")

    @property
    def entries(self) -> Iterator[tuple[str, str]]:
        """Each name and what is said of it."""
        told: list[list[str]] = []
        for line in self.lines:
            if line.startswith(" ") and told:
                told[-1].append(line.strip())
            elif line:
                told.append([line])
        for words in told:
            name, _, meaning = " ".join(words).partition(": ")
            yield name, meaning

    @property
    def paragraphs(self) -> Iterator[str]:
        """Its words, paragraph by paragraph."""
        for paragraph in "\n".join(self.lines).split("\n\n"):
            if paragraph.strip():
                yield " ".join(paragraph.split())


class Named(NamedTuple):
    """A public name: how it is called, and what its docstring says."""

    call: str
    parts: tuple[DocPart, ...]


def groups() -> dict[str, list[Named]]:
    """Return what there is, by what it is."""
    found: dict[str, list[Named]] = {"FUNCTIONS": [], "CLASSES": [], "ERRORS": []}
    for name in voipbin_cli.__all__:
        value = getattr(voipbin_cli, name)
        if inspect.isclass(value) and issubclass(value, Exception):
            found["ERRORS"].append(_named(name, value, name))
        elif inspect.isfunction(value) or name == voipbin_cli.open_stream.__name__:
            found["FUNCTIONS"].append(_named(name, value, _call(name, value)))
        elif inspect.isclass(value):
            found["CLASSES"].append(_named(name, value, name))
            found["CLASSES"] += _methods(name, value)
    return found


def plugin() -> Named:
    """Return what the docstring of the pytest plugin says; pytest itself need not be here."""
    path = Path(voipbin_cli.__file__).with_name("pytest_plugin.py")
    told = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    return Named("pytest", _parts(told or ""))


def docstring_parts(value: object) -> tuple[DocPart, ...]:
    """Return the docstring of `value` in its parts."""
    return _parts(inspect.getdoc(value) or "")


def _parts(told: str) -> tuple[DocPart, ...]:
    lead, *rest = _HEADING.split(told)
    parts = [DocPart("", tuple(lead.strip().splitlines()))]
    for heading, body in zip(rest[::2], rest[1::2], strict=True):
        if heading.startswith(_HEADINGS):
            parts.append(DocPart(heading, tuple(inspect.cleandoc(body).splitlines())))
    return tuple(parts)


def _named(name: str, value: object, call: str) -> Named:
    return Named(call, docstring_parts(value))


def _methods(name: str, value: type) -> Iterator[Named]:
    """What a class of the library adds to what it is made of."""
    if not value.__module__.startswith("voipbin_cli.public."):
        return
    for attribute, member in vars(value).items():
        if attribute.startswith("_") or not inspect.getdoc(member):
            continue
        if isinstance(member, property):
            yield _named(attribute, member, f"{name}.{attribute}")
        elif inspect.isfunction(member):
            yield _named(attribute, member, _call(f"{name}.{attribute}", member))


def _call(name: str, value: object) -> str:
    """How it is called: the arguments, without their types, which the docstring tells."""
    assert callable(value)
    signature = inspect.signature(value)
    plain = [
        parameter.replace(annotation=inspect.Parameter.empty, default=_shown(parameter.default))
        for parameter in signature.parameters.values()
        if parameter.name != "self"
    ]
    shown = signature.replace(parameters=plain, return_annotation=inspect.Signature.empty)
    return ("await " if inspect.iscoroutinefunction(value) else "") + f"{name}{shown}"


class _Anything:
    """Stands for a default that has no words of its own."""

    def __repr__(self) -> str:
        return "..."


def _shown(default: object) -> object:
    """Return what is shown for a default: where a function lies in memory is no word for it."""
    return _Anything() if inspect.isfunction(default) else default
