"""Streaming sample-rate conversion by libsoxr."""

from __future__ import annotations

from enum import StrEnum

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.float32]
"""One channel, full scale at ±1."""


class Quality(StrEnum):
    """What it costs in delay: HQ 123 ms, MQ 41, LQ 13, QQ none (8 to 48 kHz)."""

    FILE = "HQ"
    MEDIUM = "MQ"
    LIVE = "LQ"
    QUICK = "QQ"


class Resampler:
    """One channel of float32 from one rate to another, chunk by chunk.

    The chunks may be cut anywhere. At equal rates samples pass through untouched.
    """

    def __init__(self, from_hz: float, to_hz: float, quality: Quality = Quality.FILE) -> None:
        self._stream = None
        if from_hz != to_hz:
            import soxr

            self._stream = soxr.ResampleStream(from_hz, to_hz, 1, "float32", quality.value)

    def process(self, samples: Samples, *, last: bool = False) -> Samples:
        """What can be said already; with `last` also all that was held back."""
        if self._stream is None:
            return samples
        converted: Samples = self._stream.resample_chunk(np.ascontiguousarray(samples), last=last)
        return converted
