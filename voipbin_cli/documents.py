"""The one door for documents that others wrote: JSON whose numbers are numbers, fields of a type.

What stands in a file or an answer may be anything; whoever reads it says what a field has to be,
and gets that or nothing.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias, TypeGuard

Shape: TypeAlias = Callable[[object], bool]
"""Whether a value is what its field has to be."""

# The seconds to the year 9999 are 253402300799.
LARGEST_NUMBER = 1e12
# In nanoseconds thousands of them add up within 64 bits.
LONGEST_MS = 1e9
# A double holds 1e308 and a little more (IEEE 754).
_MOST_DIGITS = 308


def read_json(text: str | bytes) -> Any:
    """Parse JSON. A number that is none, or too large for a double, is null.

    Python's reader takes NaN and Infinity, which JSON (RFC 8259 6) has not, and numbers of any
    length.

    Raises:
        ValueError: it is no JSON, not UTF-8, or nested too deeply.
    """
    try:
        return json.loads(text, parse_float=_real, parse_int=_whole, parse_constant=_nothing)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def json_object(text: str | bytes) -> dict[str, Any]:
    """The JSON object in `text`, or an empty one where there is none."""
    try:
        value = read_json(text)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _real(digits: str) -> float | None:
    value = float(digits)
    return value if math.isfinite(value) else None


def _whole(digits: str) -> int | None:
    return int(digits) if len(digits) <= _MOST_DIGITS else None


def _nothing(_name: str) -> None:
    return None


def is_text(value: object) -> TypeGuard[str]:
    """Whether it is text."""
    return isinstance(value, str)


def is_flag(value: object) -> bool:
    """Whether it is true or false."""
    return isinstance(value, bool)


def is_number(value: object) -> TypeGuard[float]:
    """Whether it is a number with which one may reckon: no flag, and not beyond LARGEST_NUMBER."""
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        return False
    return abs(value) <= LARGEST_NUMBER


def is_whole(value: object) -> bool:
    """Whether it is such a number, and whole."""
    return isinstance(value, int) and is_number(value)


def is_duration(value: object) -> bool:
    """Whether it is such a number, 0 or more, and in milliseconds no longer than eleven days."""
    return is_number(value) and 0 <= value <= LONGEST_MS


def are_durations(value: object) -> bool:
    """Whether it is a list of them."""
    return isinstance(value, list) and all(map(is_duration, value))


def is_scalar(value: object) -> bool:
    """Whether it is text, a flag, a number or nothing."""
    return value is None or is_text(value) or is_flag(value) or is_number(value)


def are_scalars(value: object) -> bool:
    """Whether it is an object of such values."""
    return isinstance(value, dict) and all(map(is_scalar, value.values()))


def of_shape(fields: Mapping[str, Any], shapes: Mapping[str, Shape]) -> dict[str, Any]:
    """`fields` without those that are not of their shape; what has no shape there stays."""
    return {
        name: value
        for name, value in fields.items()
        if value is None or name not in shapes or shapes[name](value)
    }
