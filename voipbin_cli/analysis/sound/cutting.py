"""Samples cut into frames and seconds, once for every fold over them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from voipbin_cli.analysis.columns import Blocks, Floats, Samples
from voipbin_cli.codec.codecs import SAMPLE_RATE_HZ

FRAMES_PER_SECOND = 50
FULL_SCALE = 32768
SECOND_SAMPLES = SAMPLE_RATE_HZ
# Samples turned into doubles at a time, five megabytes: 80 s at 8 kHz.
_PART_SAMPLES = 80 * SECOND_SAMPLES


class SoundFrames(NamedTuple):
    """20 ms frames of int16 samples, shape (n, rate / 50), and the sum of squares of each.

    Whole seconds of them, counted from the stream's first sample, but for the very last piece.
    The sums are exact: squares are whole numbers under 2^31, and a double has 53 bits.
    """

    frames: Samples
    energy: Floats

    @property
    def whole_seconds(self) -> int:
        """How many seconds are complete."""
        return len(self.frames) // FRAMES_PER_SECOND

    @property
    def samples_by_second(self) -> Samples:
        """The samples of each whole second, shape (whole_seconds, 8000) at 8 kHz."""
        whole = self.whole_seconds * FRAMES_PER_SECOND
        return self.frames[:whole].reshape(-1, FRAMES_PER_SECOND * self.frames.shape[1])

    @property
    def rest(self) -> Samples:
        """The samples behind the last whole second, one row."""
        return self.frames[self.whole_seconds * FRAMES_PER_SECOND :].reshape(1, -1)

    @property
    def energy_by_second(self) -> Floats:
        """The energy of the frames of each whole second, shape (whole_seconds, 50)."""
        whole = self.whole_seconds * FRAMES_PER_SECOND
        return self.energy[:whole].reshape(-1, FRAMES_PER_SECOND)


class SoundCutter:
    """Cuts samples, in chunks of any size, into `SoundFrames`.

    Up to a second is held back. A rate that is no multiple of 50 has frames that are shorter by a
    part of a sample.
    """

    def __init__(self, rate_hz: int = SAMPLE_RATE_HZ) -> None:
        self._frame_samples = rate_hz // FRAMES_PER_SECOND
        self._begin()

    def _begin(self) -> None:
        self._seconds: Blocks[np.int16] = Blocks(FRAMES_PER_SECOND * self._frame_samples, np.int16)

    def add(self, samples: Samples) -> list[SoundFrames]:
        """Take a chunk of int16 samples; return the whole seconds that it completes."""
        return self._parts(self._seconds.add(samples).ravel())

    def finish(self) -> list[SoundFrames]:
        """Return the whole frames of the second begun; a last part of a frame is left out."""
        rest = self._seconds.rest
        self._begin()
        return self._parts(rest[: rest.size - rest.size % self._frame_samples])

    def _parts(self, samples: Samples) -> list[SoundFrames]:
        second = FRAMES_PER_SECOND * self._frame_samples
        size = max(1, _PART_SAMPLES // second) * second
        return [
            _sound(samples[at : at + size].reshape(-1, self._frame_samples))
            for at in range(0, samples.size, size)
        ]


def _sound(frames: Samples) -> SoundFrames:
    values = frames.astype(np.float64)
    return SoundFrames(frames, np.einsum("ij,ij->i", values, values))
