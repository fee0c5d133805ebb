"""Samples cut into frames and seconds, once for every fold over them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from voipbin_cli.analysis.columns import Blocks, Floats, Samples
from voipbin_cli.codec.codecs import FRAME_SAMPLES

FRAMES_PER_SECOND = 50
FULL_SCALE = 32768
SECOND_SAMPLES = FRAMES_PER_SECOND * FRAME_SAMPLES
# Frames turned into doubles at a time: 80 s, five megabytes.
_PART = 80 * FRAMES_PER_SECOND


class SoundFrames(NamedTuple):
    """20 ms frames of int16 samples, shape (n, 160), and the sum of squares of each.

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
        """The samples of each whole second, shape (whole_seconds, 8000)."""
        whole = self.whole_seconds * FRAMES_PER_SECOND
        return self.frames[:whole].reshape(-1, SECOND_SAMPLES)

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
    """Cuts 8 kHz samples, in chunks of any size, into `SoundFrames`.

    Up to a second is held back.
    """

    def __init__(self) -> None:
        self._seconds: Blocks[np.int16] = Blocks(SECOND_SAMPLES, np.int16)

    def add(self, samples: Samples) -> list[SoundFrames]:
        """Take a chunk of int16 samples; return the whole seconds that it completes."""
        return _parts(self._seconds.add(samples).reshape(-1, FRAME_SAMPLES))

    def finish(self) -> list[SoundFrames]:
        """Return the whole frames of the second begun; a last part of a frame is left out."""
        rest = self._seconds.rest
        self._seconds = Blocks(SECOND_SAMPLES, np.int16)
        return _parts(rest[: rest.size - rest.size % FRAME_SAMPLES].reshape(-1, FRAME_SAMPLES))


def _parts(frames: Samples) -> list[SoundFrames]:
    return [_sound(frames[at : at + _PART]) for at in range(0, len(frames), _PART)]


def _sound(frames: Samples) -> SoundFrames:
    values = frames.astype(np.float64)
    return SoundFrames(frames, np.einsum("ij,ij->i", values, values))
