"""Holds what `--json` printed against the schema that we publish, and allows no other key."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator as Validator
from jsonschema.exceptions import best_match

from voipbin_cli.shell.json_schema.document import COMMANDS, EVENTS, SHARED, line_shape
from voipbin_cli.shell.json_schema.rows import Shape


def command_of(args: Sequence[str]) -> str | None:
    """Return the command that a command line names, by whichever of its forms; None for none."""
    words = [word for word in args if not word.startswith("-")]
    for place, word in enumerate(words):
        for name in (" ".join(words[place : place + 2]), f"stream {word}", word):
            if name in COMMANDS:
                return name
    return None


def check(args: Sequence[str], lines: Iterable[dict[str, Any]]) -> None:
    """Raise AssertionError for a line that the command is not said to print."""
    command = command_of(args)
    for line in lines:
        wrong = problem(command, line)
        assert wrong is None, f"voipbin {' '.join(args)}: {wrong}"


def problem(command: str | None, line: dict[str, Any]) -> str | None:
    """Return what is not as the schema says of a line of `command`."""
    name = line.get("event")
    validators = _validators(command, name)
    if any(validator.is_valid(line) for validator in validators):
        return None
    errors = [best_match(validator.iter_errors(line)) for validator in validators]
    told = [f"{error.json_path}: {error.message[:200]}" for error in errors]
    return f"event {name}: {'; '.join(told) or 'is in no row of this command'}"


@cache
def _validators(command: str | None, name: str) -> list[Validator]:
    rows = [
        event
        for event in EVENTS
        if event.name == name and (command is None or event.is_of(command))
    ]
    return [Validator(strict({**line_shape(event), "$defs": SHARED})) for event in rows]


def strict(shape: Any) -> Any:
    """Return a schema that allows no key which it does not name."""
    if isinstance(shape, list):
        return [strict(part) for part in shape]
    if not isinstance(shape, dict):
        return shape
    closed: Shape = {name: strict(part) for name, part in shape.items()}
    return {"additionalProperties": False, **closed} if "properties" in shape else closed
