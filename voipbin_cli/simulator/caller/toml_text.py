"""A caller's script as TOML, with line and column of what is wrong in it.

    [handset]
    noise_dbfs = -55

    [[caller]]
    do = "say"
    seconds = 2.5

TOML because Python reads it by itself; it is as easy to write by hand as YAML, and says exactly
one thing.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import fields, replace
from itertools import islice
from pathlib import Path
from reprlib import repr as short
from typing import Any, NoReturn

from voipbin_cli.errors import UsageError
from voipbin_cli.simulator.caller.script import (
    ROWS,
    CallerScript,
    Handset,
    Interrupt,
    Row,
    Say,
    ScriptError,
    row_name,
)
from voipbin_cli.simulator.sources import SOURCES, load_sound
from voipbin_cli.text import nearest, printable

_MOST_BYTES = 1 << 16
# Each costs the reading of the whole text.
_MOST_TRIES = 300
_SYNTAX_PLACE = re.compile(r"(.*) \(at (?:line (\d+), column (\d+)|end of document)\)")
_EXAMPLE = 'such as caller = [{ do = "say", seconds = 2 }, { do = "wait-for-end" }]'
_TOP = ("caller", "handset", "times", "seed")
# Keys on the way to a value: names of tables, numbers in arrays.
_Path = tuple[str | int, ...]


def read_script(path: Path) -> CallerScript:
    """Read a script from a file; files that it names are beside it.

    Raises:
        UsageError: it cannot be read, or is no script; the message begins with FILE:LINE:COLUMN.
    """
    try:
        with path.open("rb") as file:
            data = file.read(_MOST_BYTES + 1)
        text = data.decode("utf-8-sig")
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror or error}") from None
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is no text: byte {error.start} is not UTF-8") from None
    if len(data) > _MOST_BYTES:
        raise UsageError(f"{path} is over 64 KiB, which no script is")
    return parse_script(text, name=str(path), directory=path.parent)


def parse_script(text: str, *, name: str = "script", directory: Path = Path()) -> CallerScript:
    """Return the script that `text` is; `name` stands in what is said of errors.

    Raises:
        UsageError: as `read_script`.
    """
    return _Reader(text, name, directory).read()


class _Reader:
    def __init__(self, text: str, name: str, directory: Path) -> None:
        self._text, self._name, self._directory = text, name, directory

    def read(self) -> CallerScript:
        try:
            content = tomllib.loads(self._text)
        except (tomllib.TOMLDecodeError, RecursionError) as error:
            self._fail_syntax(error)
        self._check_keys(content, _TOP, ())
        rows = content.get("caller")
        if not isinstance(rows, list) or not rows:
            self._fail(("caller",), "caller is no list of rows", _EXAMPLE)
        top = {key: content[key] for key in ("times", "seed") if key in content}
        handset = self._made(Handset, content.get("handset", {}), ("handset",))
        made = tuple(self._row(row, number) for number, row in enumerate(rows))
        try:
            return CallerScript(made, handset, **top)
        except ScriptError as error:
            self._fail((error.key,), error.message, error.hint)

    def _row(self, row: object, number: int) -> Row:
        path = ("caller", number)
        if not isinstance(row, dict):
            self._fail(("caller",), f"row {number + 1} is {short(row)}, and no table", _EXAMPLE)
        what = row.get("do")
        if what is None:
            hint = f"do = one of {', '.join(ROWS)}"
            self._fail((*path, *list(row)[:1]), "a row that does nothing", hint)
        if not isinstance(what, str) or what not in ROWS:
            message = f"a caller does not {printable(str(what), 40)!r}"
            self._fail((*path, "do"), message, _meant(what, ROWS))
        rest = {key: value for key, value in row.items() if key != "do"}
        made: Row = self._made(ROWS[what], rest, path)
        return self._with_file(made, path)

    def _with_file(self, row: Row, path: _Path) -> Row:
        """The row, its sound as a path from here where it is a file; it is looked at once."""
        if not isinstance(row, Say | Interrupt) or row.sound in SOURCES:
            return row
        is_file = row.sound.partition(":")[0] not in SOURCES
        sound = str(self._directory / row.sound) if is_file else row.sound
        try:
            load_sound(sound)
        except UsageError as error:
            self._fail((*path, "sound"), error.message, error.hint)
        return replace(row, sound=sound)

    def _made(self, kind: type[Any], given: object, path: _Path) -> Any:
        if not isinstance(given, dict):
            self._fail(path, f"{path[-1]} is {short(given)}, and no table", "")
        self._check_keys(given, [one.name for one in fields(kind)], path)
        # TOML has no null: false stands for it, as in noise_dbfs = false.
        nullable = [one.name for one in fields(kind) if "None" in str(one.type)]
        values = {k: None if v is False and k in nullable else v for k, v in given.items()}
        try:
            return kind(**values)
        except ScriptError as error:
            self._fail((*path, error.key), error.message, error.hint)
        except TypeError:  # a field that has no default
            (needed,) = (one.name for one in fields(kind) if one.name not in given)
            self._fail((*path, "do"), f"{needed} is missing", "")

    def _check_keys(self, given: Mapping[str, object], known: Collection[str], path: _Path) -> None:
        for key in given:
            if key not in known:
                message = f"nobody knows {printable(key, 40)!r} here"
                self._fail((*path, key), message, _meant(key, known))

    def _fail(self, path: _Path, message: str, hint: str) -> NoReturn:
        line, column = locate(self._text, path)
        raise UsageError(f"{self._name}:{line}:{column}: {message}", hint=hint) from None

    def _fail_syntax(self, error: Exception) -> NoReturn:
        found = _SYNTAX_PLACE.fullmatch(str(error))
        lines = self._text.split("\n")
        line, column = len(lines), len(lines[-1]) + 1
        if found and found[2]:
            line, column = int(found[2]), int(found[3])
        what = found[1] if found else str(error)
        raise UsageError(
            f"{self._name}:{line}:{column}: {what}", hint="TOML 1.0: toml.io"
        ) from None


def format_script(script: CallerScript) -> str:
    """Return the script as TOML; `parse_script` gives the same script again."""
    top = [f"{key} = {_value(getattr(script, key))}" for key in ("times", "seed")]
    tables: list[tuple[str, object, list[str]]] = [("[handset]", script.handset, [])]
    tables += [("[[caller]]", row, [f"do = {_value(row_name(row))}"]) for row in script.rows]
    return "\n".join([*top, *(_table(*table) for table in tables), ""])


def _table(head: str, thing: Any, first: list[str]) -> str:
    rest = [f"{one.name} = {_value(getattr(thing, one.name))}" for one in fields(thing)]
    return "\n".join(["", head, *first, *rest])


def _value(value: str | float | None) -> str:
    """Strings are escaped as in JSON, which TOML takes."""
    return json.dumps(False if value is None else value, ensure_ascii=False)


def _meant(what: object, known: Collection[str]) -> str:
    close = nearest(what, dict.fromkeys(known, "")) if isinstance(what, str) else []
    return f"perhaps {close[0]}" if close else f"known: {', '.join(known) or 'nothing'}"


def locate(text: str, path: _Path) -> tuple[int, int]:
    """Return line and column, from 1, of where the last key of `path` stands in valid TOML.

    A key is where it stands if a letter more there makes another key of it; so TOML's own reader
    decides. The beginning, where the key is not there at all.
    """
    while path and not isinstance(path[-1], str):
        path = path[:-1]
    if not path:
        return 1, 1
    key = str(path[-1])
    for found in islice(re.finditer(re.escape(key), text), _MOST_TRIES):
        at = found.start()
        try:
            content: Any = tomllib.loads(f"{text[:at]}x{text[at:]}")
            for step in path[:-1]:
                content = content[step]
        except (tomllib.TOMLDecodeError, LookupError, TypeError):
            continue
        if isinstance(content, dict) and f"x{key}" in content:
            return text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)
    return 1, 1
