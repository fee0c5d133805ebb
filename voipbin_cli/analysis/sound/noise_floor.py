"""The noise that lies under everything: what is left where nobody speaks."""

from __future__ import annotations

from array import array
from typing import NamedTuple

import numpy as np

from voipbin_cli.analysis.columns import Floats
from voipbin_cli.analysis.sound.cutting import FRAMES_PER_SECOND, FULL_SCALE, SoundFrames
from voipbin_cli.codec.codecs import FRAME_SAMPLES

_WINDOW = np.hanning(FRAME_SAMPLES)
# So many of a second's quietest frames are looked at for one that sounds all through.
_QUIETEST = 4
# Each 5 ms of noise are within 9 dB of the frame's level (brown noise, measured: one in a thousand
# is not); a frame in which a tone or a word begins is silent in part.
_QUARTERS = 4
_LEAST_QUARTER = 10 ** (-9 / 10)
# Speech pauses in one second of four, as a rule in each.
_PAUSES_SHARE = 25
# Seconds of the same noise are within 3 dB of each other.
_STEADY_DB = 3.0


class NoiseFloor(NamedTuple):
    """The level under which the quietest frames of a second do not fall, one second in four.

    Frames of zero, and those that are silent in part, are no noise. `flatness` is that of the
    spectrum, 0 for a tone and about 0.56 for white noise; `kurtosis` that of its samples, 3 for
    noise and 1.5 for a modem's carrier; `steadiness` the share of seconds whose floor is within
    3 dB of it. None without such a second.
    """

    level_dbfs: float | None
    flatness: float | None
    kurtosis: float | None
    steadiness: float


class NoiseFloorFold:
    """Finds the quietest frame of each second: in the pauses of speech that is the noise alone."""

    def __init__(self) -> None:
        self._seconds = 0
        self._levels, self._flatness, self._kurtosis = array("d"), array("d"), array("d")

    def add(self, sound: SoundFrames) -> None:
        """Take some frames; a second that is not whole does not count."""
        energy = np.where(sound.energy_by_second > 0, sound.energy_by_second, np.inf)
        self._seconds += len(energy)
        if not len(energy):
            return
        quietest = np.argpartition(energy, _QUIETEST, axis=1)[:, :_QUIETEST]
        order = np.take_along_axis(energy, quietest, axis=1).argsort(axis=1)
        quietest = np.take_along_axis(quietest, order, axis=1)
        rows = quietest + FRAMES_PER_SECOND * np.arange(len(energy))[:, None]
        frames = sound.frames[rows].astype(np.float64)
        quarters = (frames.reshape(*rows.shape, _QUARTERS, -1) ** 2).mean(axis=3)
        even = (quarters.min(axis=2) > _LEAST_QUARTER * quarters.mean(axis=2)) & np.isfinite(
            np.take_along_axis(energy, quietest, axis=1)
        )
        seconds = np.flatnonzero(even.any(axis=1))
        chosen = even[seconds].argmax(axis=1)
        self._note(frames[seconds, chosen], energy[seconds, quietest[seconds, chosen]])

    def _note(self, frames: Floats, energy: Floats) -> None:
        self._levels.extend((10 * np.log10(energy / FRAME_SAMPLES / FULL_SCALE**2)).tolist())
        spectrum = np.abs(np.fft.rfft(frames * _WINDOW, axis=1))[:, 2:-1] ** 2 + 1e-9
        flatness = np.exp(np.log(spectrum).mean(axis=1)) / spectrum.mean(axis=1)
        self._flatness.extend(flatness.tolist())
        fourth = np.square(np.square(frames)).mean(axis=1)
        self._kurtosis.extend((fourth / (energy / FRAME_SAMPLES) ** 2).tolist())

    def result(self) -> NoiseFloor:
        """The figures so far."""
        if not self._levels:
            return NoiseFloor(None, None, None, 0.0)
        levels = np.array(self._levels)
        level = float(np.percentile(levels, _PAUSES_SHARE, method="lower"))
        near = np.abs(levels - level) < _STEADY_DB
        flatness, kurtosis = (
            float(np.median(np.array(column)[near])) for column in (self._flatness, self._kurtosis)
        )
        return NoiseFloor(level, flatness, kurtosis, float(near.sum() / self._seconds))
