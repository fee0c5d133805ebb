"""Makes text that a peer sent safe to print: no control character reaches a terminal."""

from __future__ import annotations

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
