"""Streaming sample-rate conversion by libsoxr."""

from __future__ import annotations

from enum import StrEnum

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.float32]
"""One channel, full scale at ±1."""


class ResampleQuality(StrEnum):
    """Which of soxr's filters.

    `FILE`: HQ, which delays by up to 170 ms and returns chunks of uneven length.
    `LIVE`: the variable-rate filter, which returns as much as it is given, 15 to 30 ms later, and
    is flat to 3.6 kHz at 8 kHz. (LQ would return chunks of 40 to 60 ms, and cut from 3 kHz on.)
    """

    FILE = "file"
    LIVE = "live"


class Resampler:
    """One channel of float32 from one rate to another, chunk by chunk.

    The chunks may be cut anywhere. At equal rates samples pass through untouched.
    """

    def __init__(
        self, from_hz: float, to_hz: float, quality: ResampleQuality = ResampleQuality.FILE
    ) -> None:
        self._stream = None
        if from_hz != to_hz:
            import soxr

            is_live = quality is ResampleQuality.LIVE
            self._stream = soxr.ResampleStream(from_hz, to_hz, 1, "float32", "HQ", vr=is_live)

    def process(self, samples: Samples, *, last: bool = False) -> Samples:
        """Return the output that `samples` completes; with `last` all that is held back, too."""
        if self._stream is None:
            return samples
        converted: Samples = self._stream.resample_chunk(np.ascontiguousarray(samples), last=last)
        return converted
