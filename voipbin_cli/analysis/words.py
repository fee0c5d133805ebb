"""What is said of a case: what happened, and what to do."""

from __future__ import annotations

from typing import NamedTuple


class Words(NamedTuple):
    """A title and a remedy in plain words; empty where there is nothing better to say."""

    title: str = ""
    remedy: str = ""


NO_WORDS = Words()
