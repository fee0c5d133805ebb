"""Packets that a capture holds twice: a mirror port shows what comes in and goes out again.

The bytes of both are the same, and the second follows within the time that a switch or router
takes. A sender that repeats itself for safety sends such pairs, too: from the payload nobody can
tell. Either way each packet counts once for a listener, and the pairs are no fault of the network.
"""

from __future__ import annotations

import numpy as np

from voipbin_cli.analysis.columns import Mask
from voipbin_cli.analysis.messages import EMPTY, Messages, joined

# What forwards a packet has it for less than a frame's length, and few others of its stream pass
# it in that time.
_MAX_APART_NS = 10_000_000
_MAX_BETWEEN = 8
# The sequence number, the timestamp and the source are among the first bytes.
_COMPARED_FIRST = 12
# Half of the packets came twice: a mirror may drop some. Networks that double a packet do it to
# one in hundreds.
_LEAST_SHARE = 0.5
_LEAST_COPIES = 3


def has_copies(packets: Messages) -> bool:
    """Whether the first packets of a stream are there twice, as a rule."""
    copies = int(np.count_nonzero(_are_copies(packets)))
    return copies >= max(_LEAST_COPIES, _LEAST_SHARE * (len(packets) - copies))


class Copies:
    """Leaves out the second of two packets that are the same, piece by piece."""

    def __init__(self) -> None:
        self._before = EMPTY

    def left_out(self, packets: Messages) -> Messages:
        """The packets without those that were there shortly before."""
        both = joined(self._before, packets)
        are_copies = _are_copies(both)[len(self._before) :]
        self._before = both.part(max(0, len(both) - _MAX_BETWEEN), len(both)).compact()
        return packets.chosen(~are_copies)


def _are_copies(packets: Messages) -> Mask:
    """Which of them are the same as one of those right before."""
    heads = packets.heads(_COMPARED_FIRST).view(">u4").astype(np.int64)
    are_copies = np.zeros(len(packets), bool)
    for back in range(1, min(_MAX_BETWEEN, len(packets) - 1) + 1):
        alike = (heads[back:] == heads[:-back]).all(axis=1)
        alike &= packets.size[back:] == packets.size[:-back]
        alike &= packets.time_ns[back:] - packets.time_ns[:-back] <= _MAX_APART_NS
        for row in np.flatnonzero(alike & ~are_copies[back:]).tolist():
            are_copies[row + back] = packets.message(row) == packets.message(row + back)
    return are_copies
