"""Makes text that a peer sent safe to print, and finds the word that was meant."""

from __future__ import annotations

from collections.abc import Iterable

LIMIT_CHARACTERS = 500


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


def did_you_mean(word: str, known: Iterable[str], otherwise: str = "") -> str:
    """Return `did you mean …?` with the nearest of `known`; else `otherwise`, or all of them."""
    from difflib import get_close_matches

    names = list(known)
    near = get_close_matches(word.lower(), names, n=3)
    if near:
        return f"did you mean {' or '.join(near)}?"
    return otherwise or f"one of {', '.join(names)}"
