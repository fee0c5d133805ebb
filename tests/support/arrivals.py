"""Arrivals led through the folds of analysis, without any message around them."""

from __future__ import annotations

import numpy as np

from voipbin_cli.analysis.arrivals.pause_fold import PauseFold
from voipbin_cli.analysis.columns import Ints
from voipbin_cli.analysis.playout.late_frames import BufferFold, Outcome
from voipbin_cli.codec.codecs import FRAME_NS


def foretold(arrivals_ns: Ints, places_ns: Ints | None = None) -> dict[str, Outcome]:
    """What each buffer would have dropped of 20 ms frames; by default none is missing."""
    places = np.arange(arrivals_ns.size) * FRAME_NS if places_ns is None else places_ns
    pauses, buffers = PauseFold(), BufferFold()
    buffers.add(pauses.add(arrivals_ns, np.full(arrivals_ns.size, FRAME_NS), places).delays)
    buffers.add(pauses.finish().delays)
    return buffers.result()
