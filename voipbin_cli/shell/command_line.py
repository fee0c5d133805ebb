"""The command line that TAB was pressed in, and how long an answer to it may take."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

LIMIT_S = 0.85
"""With the 0.15 s that Python itself takes to start, an answer comes within a second."""


class CommandLine(NamedTuple):
    """The command line so far: the word at the cursor, those before it, and the environment."""

    current: str
    words: Sequence[str]
    environ: Mapping[str, str]

    def option(self, name: str) -> str | None:
        """Return the value that was given to an option, in either spelling."""
        for index, word in enumerate(self.words):
            if word == name and index + 1 < len(self.words):
                return self.words[index + 1]
            if word.startswith(f"{name}="):
                return word.partition("=")[2]
        return None
