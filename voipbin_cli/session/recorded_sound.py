"""What whoever listens to a recording will find in its sound: clipping, and holes in the speech."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from voipbin_cli.analysis.findings.holes import HOLES_SHARE
from voipbin_cli.analysis.findings.sound import CLIPPING_RATIO
from voipbin_cli.analysis.sound.clipping import ClippingFold
from voipbin_cli.analysis.sound.cutting import SoundCutter, SoundFrames
from voipbin_cli.analysis.sound.holes import HoleFold
from voipbin_cli.codec.codecs import SAMPLE_RATE_HZ
from voipbin_cli.codec.dialect import AudioFrame
from voipbin_cli.session.hearer import Hearer

_LOOK_BYTES = 2 * SAMPLE_RATE_HZ


class SoundFaults(NamedTuple):
    """What is wrong with a sound, zero where a diagnosis would find no fault in it.

    `clipped` is the share of the samples that stand at a ceiling; `holes` were cut into the speech
    before it came, `hole_ms` of it in all.
    """

    clipped: float = 0.0
    holes: int = 0
    hole_ms: float = 0.0


class RecordedSound(Hearer):
    """Listens to what is recorded, a second at a time, with the ears of `diagnose`."""

    is_worth_a_run = False

    def __init__(self) -> None:
        self._clipping, self._holes = ClippingFold(), HoleFold()
        self._cutter = SoundCutter()
        self._pending = bytearray()
        self._samples = 0

    def hear_frames(self, frames: list[AudioFrame]) -> None:
        """Take what was decoded."""
        for frame in frames:
            self._pending += frame.pcm
        if len(self._pending) >= _LOOK_BYTES:
            self._look()

    def finish(self) -> None:
        """Take the rest."""
        self._look()
        self._listen(self._cutter.finish())

    def faults(self) -> SoundFaults:
        """Return what there is to say."""
        clipped, holes = self._clipping.result(), self._holes.result()
        duration_ms = self._samples / SAMPLE_RATE_HZ * 1000
        is_lossy = holes.are_packets and holes.lost_ms >= HOLES_SHARE * max(1.0, duration_ms)
        return SoundFaults(
            clipped if clipped >= CLIPPING_RATIO else 0.0,
            holes.holes if is_lossy else 0,
            holes.lost_ms if is_lossy else 0.0,
        )

    def _look(self) -> None:
        samples = np.frombuffer(bytes(self._pending), "<i2").astype(np.int16)
        self._pending.clear()
        self._samples += samples.size
        self._listen(self._cutter.add(samples))

    def _listen(self, sounds: list[SoundFrames]) -> None:
        for sound in sounds:
            self._clipping.add(sound)
            self._holes.add(sound)
