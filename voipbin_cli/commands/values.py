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
# A number alone is in seconds; behind an hour or a minute nobody knows what it is in.
_SECONDS = re.compile(r"()()(\d+(?:\.\d+)?)", re.ASCII)


def parse_duration(text: str) -> float:
    """Return the seconds that `10`, `2.5s`, `90s`, `1m30s` or `2h` mean.

    Raises UsageError for anything else, and for zero.
    """
    text = str(text).strip()  # a default comes as the number it is
    match = _SECONDS.fullmatch(text) or _UNITS.fullmatch(text)
    hours, minutes, seconds = match.groups() if match else (None, None, None)
    total_s = int(hours or 0) * 3600 + int(minutes or 0) * 60 + float(seconds or 0)
    if match and not total_s and any(match.groups()):
        raise UsageError("a duration must be above 0", hint="write it as 10, 90s or 1m30s")
    if not 0 < total_s < 366 * 86400:
        raise UsageError(
            f"'{printable(text, 40)}' is not a duration", hint="write it as 10, 90s or 1m30s"
        )
    return total_s


def parse_payload_type(text: str) -> int | None:
    """Return an RTP payload type, None for `auto`. Raises UsageError for anything else."""
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
    return f"{name} takes {what}, not '{printable(text, 40)}'"


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
        if word not in meanings:
            raise UsageError(
                f"{name} takes {_listed(meanings)}, not '{printable(text, 40)}'",
                hint=did_you_mean(word, meanings, "see --help"),
            )
        return meanings[word]

    return parse


def _listed(words: Iterable[str]) -> str:
    *first, last = words
    return f"{', '.join(first)} or {last}"
