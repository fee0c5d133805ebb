"""Text that was given, made safe to print; the word that was meant; UUIDs; times in words."""

from __future__ import annotations

import re
from collections.abc import Iterable

UUID_PATTERN = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
"""RFC 9562 section 4, in lower case as the API writes its ids."""
LIMIT_CHARACTERS = 500
MINUTE_S = 60
HOUR_S = 60 * MINUTE_S
DAY_S = 24 * HOUR_S


def printable(text: str, limit: int = LIMIT_CHARACTERS) -> str:
    """Return `text` on one line, what cannot be seen escaped, cut at `limit` characters.

    Controls, terminal escapes, bidirectional overrides and zero-width characters are none of
    `str.isprintable`'s, and neither are line breaks.
    """
    cut = text if len(text) <= limit else text[: limit - 1] + "…"
    return cut if cut.isprintable() else "".join(map(_visible, cut))


def _visible(character: str) -> str:
    if character.isprintable():
        return character
    return character.encode("unicode_escape").decode("ascii")


def is_uuid(text: str) -> bool:
    """Whether `text` is a UUID in lower case, and nothing else."""
    return re.fullmatch(UUID_PATTERN, text) is not None


def did_you_mean(word: str, known: Iterable[str], otherwise: str = "") -> str:
    """Return `did you mean …?` with the nearest of `known`; else `otherwise`, or all of them."""
    from difflib import get_close_matches

    names = list(known)
    near = get_close_matches(word.lower(), names, n=3)
    if near:
        return f"did you mean {' or '.join(near)}?"
    return otherwise or f"one of {', '.join(names)}"


def span_text(seconds: float) -> str:
    """Return how long that is, as durations are given to us: 40s, 12m, 3h5m, 2d."""
    whole = max(0, int(seconds))
    if whole < MINUTE_S:
        return f"{whole}s"
    if whole < HOUR_S:
        return f"{whole // MINUTE_S}m"
    if whole < 2 * DAY_S:
        hours, minutes = divmod(whole // MINUTE_S, 60)
        return f"{hours}h{minutes}m" if minutes else f"{hours}h"
    return f"{whole // DAY_S}d"


def utc_text(unix_s: float) -> str:
    """Return a Unix time as 2026-11-23 19:05 UTC; empty for what no calendar has."""
    from datetime import UTC, datetime

    try:
        return f"{datetime.fromtimestamp(unix_s, UTC):%Y-%m-%d %H:%M} UTC"
    except (ValueError, OverflowError, OSError):
        return ""
