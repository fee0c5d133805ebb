"""Frames that are missing by their number."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from voipbin_cli.analysis.columns import Ints

# Runs kept at the most, so that a hostile stream cannot fill the memory.
_NOTED = 100_000


class Missing(NamedTuple):
    """So many frames that never came, right before a row of the stream."""

    row: int
    frames: int


class _Run(NamedTuple):
    """Numbers from `first` on that were passed over by the row that came then."""

    row: int
    first: int
    frames: int


class MissingFold:
    """Numbers that were passed over and did not come after all, however late, or out of order."""

    def __init__(self) -> None:
        self.rows = 0
        self._number = 0  # of the latest row, counted on without wrapping
        self._highest = 0
        self._runs: list[_Run] = []

    @property
    def runs(self) -> list[Missing]:
        """In the order of the rows."""
        return [Missing(run.row, run.frames) for run in self._runs]

    def add(self, steps: Ints) -> None:
        """Take how far each number is ahead of the one before."""
        if not len(steps):
            return
        numbers = self._number + np.cumsum(steps)
        highest = np.maximum.accumulate(np.concatenate([[self._highest], numbers]))
        ahead = numbers - highest[:-1]
        for n in np.flatnonzero(ahead != 1).tolist():
            if ahead[n] > 1:
                self._pass_over(_Run(self.rows + n, int(highest[n]) + 1, int(ahead[n]) - 1))
            else:
                self._come(int(numbers[n]))
        self._number, self._highest = int(numbers[-1]), int(highest[-1])
        self.rows += len(steps)

    def _pass_over(self, run: _Run) -> None:
        if len(self._runs) < _NOTED:
            self._runs.append(run)

    def _come(self, number: int) -> None:
        """A number behind the highest: it is missing no more; a second time it is in no run."""
        for at in reversed(range(len(self._runs))):
            row, first, frames = self._runs[at]
            if number >= first + frames:
                return
            if number >= first:
                before, after = number - first, first + frames - number - 1
                halves = (_Run(row, first, before), _Run(row, number + 1, after))
                self._runs[at : at + 1] = [half for half in halves if half.frames]
                return
