"""Payloads decoded as the codec judge reads them, and measured by every fold over sound."""

from __future__ import annotations

import numpy as np

from voipbin_cli.analysis.arrivals.arrival_log import Arrivals
from voipbin_cli.analysis.columns import Samples
from voipbin_cli.analysis.sound.clipping import ClippingFold
from voipbin_cli.analysis.sound.cutting import SoundCutter, SoundFrames
from voipbin_cli.analysis.sound.holes import HoleFold
from voipbin_cli.analysis.sound.noise_floor import NoiseFloorFold
from voipbin_cli.analysis.sound.seams import SeamFold
from voipbin_cli.analysis.sound.signal import SignalFold
from voipbin_cli.analysis.sound.stillness import StillnessFold
from voipbin_cli.codec import codecs
from voipbin_cli.codec.reading import Reading


class SoundFold:
    """Decodes rows, and gives their samples to every fold over sound.

    The first `keep_samples` are kept for a listener, in `audio`. Up to a second is held back
    until `finish`.
    """

    def __init__(self, keep_samples: int = 0) -> None:
        self.signal = SignalFold()
        self.holes = HoleFold()
        self.stillness = StillnessFold()
        self.floor = NoiseFloorFold()
        self.clipping = ClippingFold()
        self.seams = SeamFold()
        self.samples = 0
        self._cutter = SoundCutter()
        self._keep = keep_samples
        self._kept: list[Samples] = []

    def add(self, rows: Arrivals, reading: Reading) -> None:
        """Take rows that are all read alike."""
        edges = np.flatnonzero(np.diff(rows.length)) + 1
        for start, stop in zip([0, *edges.tolist()], [*edges.tolist(), len(rows)], strict=True):
            part = rows.chosen(slice(start, stop))
            samples = decoded(part, reading)
            self.seams.add(part.time_ns, samples)
            self._add_samples(samples)

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
            self.stillness.add(sound)
            self.floor.add(sound)
            self.clipping.add(sound)

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
