"""Payloads decoded as the codec judge reads them, and measured by every fold over sound."""

from __future__ import annotations

from array import array
from typing import NamedTuple

import numpy as np

from voipbin_cli.analysis.arrivals.arrival_log import Arrivals
from voipbin_cli.analysis.columns import Floats, Samples
from voipbin_cli.analysis.sound.cutting import (
    FRAMES_PER_SECOND,
    FULL_SCALE,
    SoundCutter,
    SoundFrames,
)
from voipbin_cli.analysis.sound.holes import HoleFold
from voipbin_cli.analysis.sound.signal import SignalFold
from voipbin_cli.codec import codecs
from voipbin_cli.codec.codecs import FRAME_SAMPLES
from voipbin_cli.codec.reading import Reading

_WINDOW = np.hanning(FRAME_SAMPLES)


class NoiseFloor(NamedTuple):
    """The quietest frame of a second that is not all zero: its level, how flat its spectrum is.

    Both are medians over the seconds.

    `flatness` is 0 for a tone and about 0.56 for white noise; both None without a whole second.
    """

    level_dbfs: float | None
    flatness: float | None


class NoiseFloorFold:
    """Finds the quietest frame of each second: in the pauses of speech that is the noise alone."""

    def __init__(self) -> None:
        self._levels, self._flatness = array("d"), array("d")

    def add(self, sound: SoundFrames) -> None:
        """Take some frames; a second that is not whole does not count."""
        energy = np.where(sound.energy_by_second > 0, sound.energy_by_second, np.inf)
        rows = np.flatnonzero(np.isfinite(energy).any(axis=1))
        if not len(rows):
            return
        quietest = energy[rows].argmin(axis=1)
        frames = sound.frames[rows * FRAMES_PER_SECOND + quietest].astype(np.float64)
        self._note(frames, energy[rows, quietest])

    def _note(self, frames: Floats, energy: Floats) -> None:
        self._levels.extend((10 * np.log10(energy / FRAME_SAMPLES / FULL_SCALE**2)).tolist())
        spectrum = np.abs(np.fft.rfft(frames * _WINDOW, axis=1))[:, 2:-1] ** 2 + 1e-9
        flatness = np.exp(np.log(spectrum).mean(axis=1)) / spectrum.mean(axis=1)
        self._flatness.extend(flatness.tolist())

    def result(self) -> NoiseFloor:
        """The medians so far."""
        if not self._levels:
            return NoiseFloor(None, None)
        return NoiseFloor(float(np.median(self._levels)), float(np.median(self._flatness)))


class SoundFold:
    """Decodes rows, and gives their samples to every fold over sound.

    The first `keep_samples` are kept for a listener, in `audio`. Up to a second is held back
    until `finish`.
    """

    def __init__(self, keep_samples: int = 0) -> None:
        self.signal = SignalFold()
        self.holes = HoleFold()
        self.floor = NoiseFloorFold()
        self.samples = 0
        self._cutter = SoundCutter()
        self._keep = keep_samples
        self._kept: list[Samples] = []

    def add(self, rows: Arrivals, reading: Reading) -> None:
        """Take rows that are all read alike."""
        edges = np.flatnonzero(np.diff(rows.length)) + 1
        for start, stop in zip([0, *edges.tolist()], [*edges.tolist(), len(rows)], strict=True):
            self._add_samples(decoded(rows.chosen(slice(start, stop)), reading))

    def finish(self) -> None:
        """The stream is over."""
        self._listen(self._cutter.finish())

    def _add_samples(self, samples: Samples) -> None:
        if self.samples < self._keep:
            self._kept.append(samples[: self._keep - self.samples].copy())
        self.samples += samples.size
        self._listen(self._cutter.add(samples))

    def _listen(self, sounds: list[SoundFrames]) -> None:
        for sound in sounds:
            self.signal.add(sound)
            self.holes.add(sound)
            self.floor.add(sound)

    @property
    def audio(self) -> Samples:
        """What was kept."""
        return np.concatenate(self._kept) if self._kept else np.empty(0, np.int16)


def decoded(rows: Arrivals, reading: Reading) -> Samples:
    """The samples of rows of one size.

    Where they are shifted by a byte, half a sample at each end of a payload is lost: the last
    sample stands twice, so that the frame keeps its length.
    """
    size = int(rows.length[0])
    payloads = rows.payloads(size)
    width = reading.codec.sample_bytes
    if not reading.shifted:
        whole = payloads[:, : size - size % width]
        return codecs.samples(reading.codec, whole.ravel().data)
    shifted = payloads[:, 1 : size - 1 + size % 2]
    samples = codecs.samples(reading.codec, shifted.ravel().data).reshape(len(rows), -1)
    lengthened: Samples = np.concatenate([samples, samples[:, -1:]], axis=1)
    return lengthened.ravel()
