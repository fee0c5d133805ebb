"""Options that take one of a few words."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from voipbin_cli.errors import UsageError
from voipbin_cli.text import did_you_mean, printable


def one_of(what: str, words: Sequence[str]) -> Callable[[str], str]:
    """Return a parser that takes one of `words`, in any case; its error says which was meant."""

    def parse(text: str) -> str:
        word = text.lower()
        if word not in words:
            raise UsageError(
                f"there is no {what} {printable(text, 40)!r}", hint=did_you_mean(word, words)
            )
        return word

    return parse
