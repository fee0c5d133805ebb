"""What a stretch of a stream costs when its bytes are read as some samples, in bits.

By description length, as `hypotheses` has it of the four codecs that may be due: a reading is
right where a few prediction coefficients and a small residual describe what it makes of the bytes.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from voipbin_cli.codec.formats import Format
from voipbin_cli.codec.hypotheses import MAX_BITS_PER_BYTE, Floats, bits_per_sample

ROW = 164  # samples a row: ten blocks of 16 behind the four of the predictor


class Weighed(NamedTuple):
    """A reading, what it costs in bits a byte, and by how much it has to be better than the four.

    `which` says what a name leaves open.
    """

    format: Format
    bits: float
    margin: float
    which: str | None = None


def rows_of(signal: Floats) -> Floats:
    """Cut a signal of one row at least into rows; the last one overlaps, so that all of it counts.

    Else a reading would be the cheaper for it that its rows leave the only sound out.
    """
    whole = len(signal) // ROW * ROW
    rows = signal[:whole].reshape(-1, ROW)
    return rows if whole == len(signal) else np.concatenate([rows, signal[None, -ROW:]])


def weigh(signal: Floats, log2_steps: Floats | None = None) -> float:
    """Return bits a sample of a signal of one row at least, 8 of less."""
    if len(signal) < ROW:
        return MAX_BITS_PER_BYTE
    rows = rows_of(signal)
    steps = np.zeros_like(rows) if log2_steps is None else rows_of(log2_steps)
    return float(np.maximum(bits_per_sample(rows, steps, None), 0.0).mean())
