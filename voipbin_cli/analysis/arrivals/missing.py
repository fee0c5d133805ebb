"""Frames that are missing by their number, in the order of playing, for RFC 3611's bursts."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from voipbin_cli.analysis.arrivals.bursts import BurstFold, Bursts
from voipbin_cli.analysis.columns import Ints
from voipbin_cli.analysis.pauses import Pause

# Runs kept at the most, so that a hostile stream cannot fill the memory.
_NOTED = 100_000


class MissingFold:
    """Runs of missing numbers by place; a number that comes late after all is no loss."""

    def __init__(self) -> None:
        self._frames = 0
        self._runs: list[tuple[int, int]] = []

    def add(self, steps: Ints) -> None:
        """Take how far each number is ahead of the one before."""
        for n in np.flatnonzero(steps != 1).tolist():
            step = int(steps[n])
            if step > 1 and len(self._runs) < _NOTED:
                self._runs.append((self._frames + n, step - 1))
            elif step < 0 and self._runs:
                # A number behind the last: the latest run is one shorter.
                frame, count = self._runs.pop()
                if count > 1:
                    self._runs.append((frame, count - 1))
        self._frames += len(steps)

    def bursts(self, pauses: Iterable[Pause], frame_ns: int) -> Bursts:
        """What is missing by number, and the audio that never came in these pauses."""
        never = [(pause.frame, round(pause.lost_ns / max(frame_ns, 1))) for pause in pauses]
        fold = BurstFold(frame_ms=frame_ns / 1e6)
        done = 0
        for frame, count in sorted([*never, *self._runs]):
            fold.add(np.zeros(max(0, frame - done), np.bool_))
            fold.add_lost(count)
            done = max(done, frame)
        fold.add(np.zeros(max(0, self._frames - done), np.bool_))
        return fold.result()
