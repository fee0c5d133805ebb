"""What is measured of linear samples at their own rate, before they are brought to 8 kHz.

Level, peak, silence, DC offset and noise are those of all that there is, above a telephone's band,
too, and resampling rounds flat tops off. What is looked for as a telephone's fault (holes, clicks,
hum, repetitions, digits, modems, the spectrum of what is noise) is defined at 8 kHz.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from voipbin_cli.analysis.columns import Samples
from voipbin_cli.analysis.sound.clipping import ClippingFold
from voipbin_cli.analysis.sound.cutting import SoundCutter, SoundFrames
from voipbin_cli.analysis.sound.signal import Signal, SignalFold


class OwnSound(NamedTuple):
    """The figures of samples at their own rate; those of several channels are of all together."""

    signal: Signal
    clipping_ratio: float


class OwnRateFold:
    """Measures samples of some channels at one rate, in chunks of any size."""

    def __init__(self, rate_hz: int, channels: int = 1) -> None:
        self._cutters = [SoundCutter(rate_hz) for _ in range(channels)]
        self._signal, self._clipping = SignalFold(rate_hz), ClippingFold()

    def add(self, samples: Samples) -> None:
        """Take int16 samples, shape (n, channels)."""
        for channel, cutter in enumerate(self._cutters):
            self._hear(cutter.add(np.ascontiguousarray(samples[:, channel])))

    def finish(self) -> None:
        """There are no more."""
        for cutter in self._cutters:
            self._hear(cutter.finish())

    def _hear(self, sounds: list[SoundFrames]) -> None:
        for sound in sounds:
            self._signal.add(sound)
            self._clipping.add(sound)

    def result(self) -> OwnSound:
        """The figures so far; complete after `finish`."""
        return OwnSound(self._signal.result(), self._clipping.result())
