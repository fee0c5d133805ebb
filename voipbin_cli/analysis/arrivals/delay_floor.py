"""The floor of the delay by half seconds: lost audio lifts it for good, jitter does not."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence

import numpy as np

from voipbin_cli.analysis.columns import Blocks, Ints
from voipbin_cli.analysis.pauses import FloorRise, Pause

_WINDOW_FRAMES = 25
# Before and after a pause the floor is looked at for 4 s; under 2 s are few.
_AROUND_WINDOWS = 8
_FEW_WINDOWS = 4


class FloorLevel:
    """The least delay of each 25 frames. Jitter comes back to it; lost audio lifts it for good."""

    def __init__(self) -> None:
        self._offsets: Blocks[np.int64] = Blocks(_WINDOW_FRAMES, np.int64)
        self._least = array("q")

    def add(self, offsets_ns: Ints) -> None:
        """Take arrivals less places in the audio, ns."""
        self._least.extend(self._offsets.add(offsets_ns).min(axis=1).tolist())

    def rises(self, pauses: Sequence[Pause]) -> list[FloorRise]:
        """By how much the floor rose with each pause."""
        rest = self._offsets.rest
        least = np.array(self._least + array("q", [int(rest.min())] if rest.size else []))
        moves_ns = _usual_move_ns(least, pauses)
        return [_rise(pause.frame // _WINDOW_FRAMES, least, moves_ns) for pause in pauses]


def _usual_move_ns(least: Ints, pauses: Iterable[Pause]) -> float:
    """The median move from one window to the next, less what the pauses in it are said to hold.

    Where a frame is lost each half second, each lifts the floor, and none of that is chance.
    """
    if least.size < 2:
        return 0.0
    moves = np.diff(least)
    for pause in pauses:
        window = max(0, pause.frame - 1) // _WINDOW_FRAMES
        if window < moves.size:
            moves[window] -= pause.absent_ns
    return float(np.median(np.abs(moves)))


def _rise(at: int, least: Ints, moves_ns: float) -> FloorRise:
    before = least[max(0, at - _AROUND_WINDOWS) : at]
    after = least[at + 1 : at + 1 + _AROUND_WINDOWS]
    is_brief = min(before.size, after.size) < _FEW_WINDOWS
    rise_ns = int(after.min() - before.min()) if before.size and after.size else None
    return FloorRise(rise_ns, moves_ns, is_brief)
