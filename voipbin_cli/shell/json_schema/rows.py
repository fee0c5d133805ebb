"""What a row is: a key with its shape and meaning, and an event with its keys and its commands."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple, TypeAlias

Shape: TypeAlias = dict[str, Any]
"""A JSON Schema of one value."""

TEXT: Shape = {"type": "string"}
NUMBER: Shape = {"type": "number"}
COUNT: Shape = {"type": "integer", "minimum": 0}
WHOLE: Shape = {"type": "integer"}
FLAG: Shape = {"type": "boolean"}
RATIO: Shape = {"type": "number", "minimum": 0, "maximum": 1}
TIME: Shape = {
    "type": "string",
    "format": "date-time",
    "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$",
}
ANY_OBJECT: Shape = {"type": "object"}


class Key(NamedTuple):
    """A key of an object. `is_optional`: it is left out where there is nothing to say."""

    name: str
    shape: Shape
    meaning: str = ""
    is_optional: bool = False


class Event(NamedTuple):
    """A line of JSON: its `event`, what it says, its keys, and the commands that print it.

    A name may have several rows: of the summary each command has its own. `of` tells them apart
    where the first command does not.
    """

    name: str
    meaning: str
    commands: tuple[str, ...]
    keys: tuple[Key, ...]
    of: str = ""

    def is_of(self, command: str) -> bool:
        """Whether `command` ("stream record") prints it."""
        return command in self.commands


def or_null(shape: Shape) -> Shape:
    """Return the shape of what may be unknown, too."""
    if isinstance(shape.get("type"), str) and not {"enum", "properties"} & set(shape):
        return {**shape, "type": [shape["type"], "null"]}
    return {"anyOf": [shape, {"type": "null"}]}


def one_of(words: Iterable[str]) -> Shape:
    """Return the shape of an identifier: one of these."""
    return {"enum": [str(word) for word in words]}


def each(shape: Shape) -> Shape:
    """Return the shape of a list."""
    return {"type": "array", "items": shape}


def counts(shape: Shape = COUNT) -> Shape:
    """Return the shape of an object whose keys are no fixed ones."""
    return {"type": "object", "additionalProperties": shape}


def keys_of(keys: Iterable[Key]) -> Shape:
    """Return the shape of an object with these keys. It may have more: they are added in time."""
    rows = tuple(keys)
    told = {
        key.name: {**key.shape, "description": key.meaning} if key.meaning else key.shape
        for key in rows
    }
    required = [key.name for key in rows if not key.is_optional]
    return {"type": "object", "properties": told, "required": required}


def figures(shape: Shape, *names: str) -> Shape:
    """Return the shape of an object whose keys are all of one shape."""
    return keys_of(Key(name, shape) for name in names)


def shared(name: str) -> Shape:
    """Return the shape of something that has a name of its own in the document."""
    return {"$ref": f"#/$defs/{name}"}


def optional(*keys: Key) -> tuple[Key, ...]:
    """Return the same keys, each of which may be left out."""
    return tuple(key._replace(is_optional=True) for key in keys)
