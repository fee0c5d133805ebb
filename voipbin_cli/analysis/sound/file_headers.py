"""Headers of files among the samples: each is heard as a click."""

from __future__ import annotations

from typing import NamedTuple

from voipbin_cli.analysis.arrivals.arrival_log import Arrivals
from voipbin_cli.analysis.marks import find_marks

_NOTED = 1000


class FileHeaders(NamedTuple):
    """What was found first, in which audio frame, and how many frames hold any."""

    name: str
    frame: int
    frames: int


class HeaderFold:
    """Looks through audio rows for what no sound holds."""

    def __init__(self) -> None:
        self._rows = 0
        self._found: dict[int, str] = {}
        self._count = 0

    def add(self, rows: Arrivals) -> None:
        """Take audio rows, in order."""
        for row, mark in find_marks(rows.data, rows.at, rows.length):
            self._note(row, mark.name)
        self._rows += len(rows)

    def _note(self, row: int, name: str) -> None:
        frame = self._rows + row
        if frame not in self._found:
            self._count += 1
            if len(self._found) < _NOTED:
                self._found[frame] = name

    def result(self) -> FileHeaders | None:
        """What was found so far."""
        if not self._found:
            return None
        first = min(self._found)
        return FileHeaders(self._found[first], first, self._count)
