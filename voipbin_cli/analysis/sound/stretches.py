"""Twenty seconds at a time of a stream's sound, for what is too dear to be looked for all day."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from voipbin_cli.analysis.columns import Blocks, Samples
from voipbin_cli.analysis.sound.cutting import SECOND_SAMPLES, SoundFrames

STRETCH_SAMPLES = 20 * SECOND_SAMPLES
# All of the first minute, then twenty seconds of every eight minutes: what spoils the sound all the
# time is found in the first, what begins later within eight more.
_ALL_STRETCHES = 3
_THEN_EACH_STRETCHES = 24
# The rest of a stream counts from three seconds on.
_LEAST_SAMPLES = 3 * SECOND_SAMPLES


class Stretch(NamedTuple):
    """Some seconds of sound, and where in the stream its first sample stands."""

    start: int
    samples: Samples


class StretchFold:
    """Cuts the sound into stretches and hands those that are due to each of the listeners."""

    def __init__(self, *listeners: Callable[[Stretch], None]) -> None:
        self._listeners = listeners
        self._blocks: Blocks[np.int16] = Blocks(STRETCH_SAMPLES, np.int16)
        self._count = 0

    def add(self, sound: SoundFrames) -> None:
        """Take some frames."""
        for samples in self._blocks.add(sound.frames):
            self._hear(samples)

    def finish(self) -> None:
        """The stream is over."""
        rest = self._blocks.rest
        self._blocks = Blocks(STRETCH_SAMPLES, np.int16)
        if rest.size >= _LEAST_SAMPLES:
            self._hear(rest)

    def _hear(self, samples: Samples) -> None:
        number, self._count = self._count, self._count + 1
        if number >= _ALL_STRETCHES and number % _THEN_EACH_STRETCHES:
            return
        for hear in self._listeners:
            hear(Stretch(number * STRETCH_SAMPLES, samples))
