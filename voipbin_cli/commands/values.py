"""What the value of an option can be: its parsers, and what they say of anything else."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from typing import Any, TypeVar

import typer

from voipbin_cli.errors import UsageError
from voipbin_cli.text import did_you_mean, printable

T = TypeVar("T")

_UNITS = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s)?", re.ASCII)
# A number alone is in seconds; behind an hour or a minute nobody knows what it is in. With colons,
# as players show it: 1:30, 1:05:00.
_SECONDS = re.compile(r"(?:(?:(\d+):(?=\d+:))?(\d+):(?=\d\d))?(\d+(?:\.\d+)?)", re.ASCII)
_MILLISECONDS = re.compile(r"(\d+(?:\.\d+)?)ms", re.ASCII)
_DURATIONS = "write it as 10, 90s, 500ms, 1m30s or 1:30"


def parse_duration(text: str) -> float:
    """Return the seconds that `10`, `2.5s`, `500ms`, `1m30s`, `1:30` or `2h` mean.

    Raises UsageError for anything else, and for zero.
    """
    text = str(text).strip()  # a default comes as the number it is
    _refuse_nothing("a duration", text)
    total_s = _seconds(text)
    if total_s == 0:
        raise UsageError("a duration must be above 0", hint=_DURATIONS)
    if total_s is None:
        raise UsageError(f"'{printable(text, 40)}' is not a duration", hint=_DURATIONS)
    if total_s >= 366 * 86400:
        raise UsageError(f"'{printable(text, 40)}' is too long", hint="a year is the most there is")
    return total_s


def _refuse_nothing(what: str, text: str) -> None:
    if not text:
        raise UsageError(f"{what} is empty", hint="give it a value, or leave it out")


def _seconds(text: str) -> float | None:
    """Return the seconds that `text` means, None where it means none."""
    if match := _MILLISECONDS.fullmatch(text):
        return float(match[1]) / 1000
    match = _SECONDS.fullmatch(text) or _UNITS.fullmatch(text)
    if match is None or not any(match.groups()):
        return None
    hours, minutes, seconds = match.groups()
    return int(hours or 0) * 3600 + int(minutes or 0) * 60 + float(seconds or 0)


def parse_payload_type(text: str) -> int | None:
    """Return an RTP payload type, None for `auto`. Raises UsageError for anything else."""
    _refuse_nothing("a payload type", text)
    if text.lower() == "auto":
        return None
    if text.isascii() and text.isdecimal() and int(text) < 128:
        return int(text)
    raise UsageError(f"'{printable(text, 40)}' is no payload type", hint="use auto, or 0 to 127")


def number_wanted(name: str, kind: object, text: str) -> str:
    """Say which numbers an option takes that was given something else; `kind` is Typer's type."""
    low, high = getattr(kind, "min", None), getattr(kind, "max", None)
    what = "a whole number" if "int" in type(kind).__name__.lower() else "a number"
    if low is not None:
        what += f" from {low:g} to {high:g}" if high is not None else f" of {low:g} or more"
    # What was read as a number comes back as Python writes it: -1.0.
    shown = printable(text.removesuffix(".0"), 40)
    return f"{name} takes {what}, not '{shown}'"


def choice(*names: str, among: type[StrEnum] | Mapping[str, Any], **settings: Any) -> Any:
    """Return an option that takes one word, in any case, and gives what it means.

    `among` is an enumeration, whose members are given, or a meaning for each word. The first of
    `names` is the long one; `settings` are those of typer.Option.
    """
    meanings = among if isinstance(among, Mapping) else {str(member): member for member in among}
    metavar, parser = "|".join(meanings), _one_of(names[0], meanings)
    return typer.Option(*names, metavar=metavar, parser=parser, **settings)


def _one_of(name: str, meanings: Mapping[str, T]) -> Callable[[str], T]:
    def parse(text: str) -> T:
        word = str(text).lower()
        _refuse_nothing(name, word)
        if word not in meanings:
            raise UsageError(
                f"{name} takes {_listed(meanings)}, not '{printable(text, 40)}'",
                hint=did_you_mean(word, list(meanings), "see --help"),
            )
        return meanings[word]

    return parse


def _listed(words: Iterable[str]) -> str:
    *first, last = words
    return f"{', '.join(first)} or {last}"
