"""Payloads decoded as the codec judge reads them, and measured by every fold over sound."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from voipbin_cli.analysis.arrivals.arrival_log import Arrivals
from voipbin_cli.analysis.columns import Ints, Samples
from voipbin_cli.analysis.sound.clicks import ClickFold
from voipbin_cli.analysis.sound.clipping import ClippingFold
from voipbin_cli.analysis.sound.cutting import SoundCutter, SoundFrames
from voipbin_cli.analysis.sound.holes import HoleFold
from voipbin_cli.analysis.sound.hum import HumFold
from voipbin_cli.analysis.sound.modem import ModemFold
from voipbin_cli.analysis.sound.noise_floor import NoiseFloorFold
from voipbin_cli.analysis.sound.repetition import RepetitionFold
from voipbin_cli.analysis.sound.seams import SeamFold
from voipbin_cli.analysis.sound.signal import SignalFold
from voipbin_cli.analysis.sound.stillness import StillnessFold
from voipbin_cli.analysis.sound.stretches import StretchFold
from voipbin_cli.analysis.sound.wraps import WrapFold
from voipbin_cli.codec import codecs
from voipbin_cli.codec.reading import START, Reading, Seam


class SoundFold:
    """Decodes rows, and gives their samples to every fold over sound.

    The first `keep_samples` are kept for a listener, in `audio`. Up to a second is held back
    until `finish`. `listener` is given each run of frames of one length as it comes: their times
    and all their samples.
    """

    def __init__(self, keep_samples: int = 0) -> None:
        self.signal = SignalFold()
        self.holes = HoleFold()
        self.stillness = StillnessFold()
        self.floor = NoiseFloorFold()
        self.clipping = ClippingFold()
        self.wraps = WrapFold()
        self.seams = SeamFold()
        self.repetition, self.clicks, self.hum = RepetitionFold(), ClickFold(), HumFold()
        self.modem = ModemFold()
        listeners = (self.repetition, self.clicks, self.hum, self.modem)
        self._stretches = StretchFold(*(listener.hear for listener in listeners))
        self.samples = 0
        self._last = b"\0"  # the byte before the next row
        self._cutter = SoundCutter()
        self.listener: Callable[[Ints, Samples], None] | None = None
        self._keep = keep_samples
        self._kept: list[Samples] = []

    def add(self, rows: Arrivals, reading: Reading) -> None:
        """Take rows that are all read alike."""
        for run in _runs(rows, reading):
            samples = decoded(run, reading, Seam(self._last, bool(run.is_odd[0])))
            self._last = run.payload(len(run) - 1)[-1:]
            self.seams.add(run.time_ns, samples)
            if self.listener is not None:
                self.listener(run.time_ns, samples)
            self._add_samples(samples)

    def finish(self) -> None:
        """The stream is over."""
        self._listen(self._cutter.finish())
        self._stretches.finish()

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
            self.wraps.add(sound)
            self._stretches.add(sound)

    @property
    def audio(self) -> Samples:
        """What was kept."""
        return np.concatenate(self._kept) if self._kept else np.empty(0, np.int16)


def _runs(rows: Arrivals, reading: Reading) -> Iterator[Arrivals]:
    """Rows in a row that are of one size and give as many samples each."""
    samples = reading.samples_in(rows.length, rows.is_odd)
    edges = np.flatnonzero(np.diff(rows.length) | np.diff(samples)) + 1
    for start, stop in zip([0, *edges.tolist()], [*edges.tolist(), len(rows)], strict=True):
        yield rows.chosen(slice(start, stop))


def decoded(rows: Arrivals, reading: Reading, seam: Seam = START) -> Samples:
    """The samples that end in these rows, which are of one size and begin at `seam`."""
    if not reading.afresh:
        return codecs.samples(reading.codec, reading.aligned(rows.all_payloads(), seam))
    size = int(rows.length[0])
    first = int(reading.shifted)
    whole = rows.payloads(size)[:, first : size - (size - first) % 2]
    return codecs.samples(reading.codec, whole.ravel().data)
