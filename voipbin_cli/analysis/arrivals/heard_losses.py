"""What a listener missed, in the order of playing: on the way, in the buffer, before the platform.

The E-model asks for all of it as one: how much, and in what runs (G.107 7.2, RFC 3611 4.7.2: "lost
or discarded").
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np

from voipbin_cli.analysis.arrivals.bursts import BurstFold, Bursts
from voipbin_cli.analysis.arrivals.missing import Missing
from voipbin_cli.analysis.columns import Ints
from voipbin_cli.analysis.pauses import Pause


class Unheard(NamedTuple):
    """So many rows of the stream, from one on, that came in vain: too late, or without sound."""

    row: int
    frames: int


def never_came(pauses: Iterable[Pause], frame_ns: int) -> Iterator[Missing]:
    """Frames that pauses lost. What was held back, meant, or not yet decided is not lost."""
    for pause in pauses:
        count = round(pause.lost_ns / max(frame_ns, 1))
        if count:
            yield Missing(pause.frame, count)


def late(rows: Ints) -> Iterator[Unheard]:
    """Rows that came too late, in runs."""
    for run in np.split(rows, np.flatnonzero(np.diff(rows) != 1) + 1):
        if run.size:
            yield Unheard(int(run[0]), int(run.size))


def in_holes(holes: Iterable[tuple[int, int]], frame_samples: int) -> Iterator[Unheard]:
    """Rows whose sound was lost upstream: of holes, each (start, length) in samples.

    A hole may be a part of a frame: parts are added up, and what makes a whole frame counts where
    it does.
    """
    size, owing = max(frame_samples, 1), 0
    for start, length in holes:
        count, owing = divmod(owing + length, size)
        if count:
            yield Unheard(start // size, count)


def as_heard(
    rows: int, missing: Iterable[Missing], unheard: Iterable[Unheard], frame_ms: float
) -> Bursts:
    """Runs and bursts of all that was missed of so many rows, and of what never came between."""
    fold, done = BurstFold(frame_ms=frame_ms), 0
    losses: list[Missing | Unheard] = [*missing, *unheard]
    for loss in sorted(losses, key=lambda loss: loss.row):
        at = min(loss.row, rows)
        fold.add(np.zeros(max(0, at - done), np.bool_))
        done = max(done, at)
        if isinstance(loss, Missing):
            fold.add_lost(loss.frames)
        else:
            # A row that was too late and holds a hole is lost once.
            end = min(rows, loss.row + loss.frames)
            fold.add_lost(end - done)
            done = max(done, end)
    fold.add(np.zeros(rows - done, np.bool_))
    return fold.result()
