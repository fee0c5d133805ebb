"""Does audio that was called lost stay away? The delay's own floor, half second by half second."""

from __future__ import annotations

from array import array

import numpy as np

from voipbin_cli.analysis.arrivals.gaps import Pause
from voipbin_cli.analysis.columns import Blocks
from voipbin_cli.analysis.messages import Ints

_WINDOW_FRAMES = 25
_AROUND_WINDOWS = 8
# Of what is called lost so much has to show for seconds after, and more than the floor's own
# unrest: so many times what it usually moves from one window to the next, and twice that where
# there are but two seconds to go by.
_SHARE = 0.5
_UNREST = 3.0
_FEW_WINDOWS = 4


class FloorLevel:
    """The least delay of each 25 frames. Jitter comes back to it; lost audio lifts it for good."""

    def __init__(self) -> None:
        self._offsets: Blocks[np.int64] = Blocks(_WINDOW_FRAMES, np.int64)
        self._least = array("q")

    def add(self, offsets_ns: Ints) -> None:
        """Take arrivals less places in the audio, ns."""
        self._least.extend(self._offsets.add(offsets_ns).min(axis=1).tolist())

    def confirmed(self, pauses: list[Pause]) -> list[Pause]:
        """The same pauses; where the delay came back later, what seemed lost was only late."""
        rest = self._offsets.rest
        least = np.array(self._least + array("q", [int(rest.min())] if rest.size else []))
        unrest = float(np.median(np.abs(np.diff(least)))) if least.size > 1 else 0.0
        return [_confirmed(pause, least, unrest) if pause.lost_ns else pause for pause in pauses]


def _confirmed(pause: Pause, least: Ints, unrest_ns: float) -> Pause:
    at = pause.frame // _WINDOW_FRAMES
    before = least[max(0, at - _AROUND_WINDOWS) : at]
    after = least[at + 1 : at + 1 + _AROUND_WINDOWS]
    few = min(before.size, after.size) < _FEW_WINDOWS
    rise = int(after.min() - before.min()) if before.size and after.size else pause.lost_ns
    if rise >= max(_SHARE * pause.lost_ns, (1 + few) * _UNREST * unrest_ns):
        return pause
    return pause._replace(lost_ns=0, late_ns=pause.length_ns)
