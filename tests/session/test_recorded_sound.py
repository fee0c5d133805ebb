"""What a recording's last line is made of: told of sound that is faulty, and of no other."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from voipbin_cli.codec.codecs import Codec
from voipbin_cli.codec.dialect import AudioFrame
from voipbin_cli.codec.encapsulation import Unit
from voipbin_cli.session.recorded_sound import RecordedSound, SoundFaults
from voipbin_cli.simulator.talker import speech

TALK = speech(5, 12)


def faults(samples: NDArray[np.int16], frames_at_once: int = 10) -> SoundFaults:
    sound = RecordedSound()
    frames = [
        AudioFrame(piece.tobytes(), 0, Unit(b"", None, None), Codec.S16LE, 8000)
        for piece in samples.reshape(-1, 160)
    ]
    for at in range(0, len(frames), frames_at_once):
        sound.hear_frames(frames[at : at + frames_at_once])
    sound.finish()
    return sound.faults()


@pytest.mark.parametrize("samples", [TALK, np.zeros(80000, np.int16)], ids=["speech", "silence"])
def test_of_healthy_sound_nothing_is_told(samples: NDArray[np.int16]) -> None:
    assert faults(samples) == SoundFaults()


@pytest.mark.parametrize("frames_at_once", [1, 10, 600])
def test_clipping_is_told_however_it_was_handed_over(frames_at_once: int) -> None:
    loud = (TALK.astype(np.int32) * 20).clip(-32768, 32767).astype(np.int16)
    told = faults(loud, frames_at_once)
    assert told.clipped > 0.05
    assert told == faults(loud)


def test_holes_are_told_with_how_much_they_took() -> None:
    cut, sounding = TALK.copy().reshape(-1, 160), np.abs(TALK.reshape(-1, 160)).mean(axis=1) > 1500
    for frame in np.flatnonzero(sounding)[5::9]:
        cut[frame] = 0
    told = faults(cut.ravel())
    assert told.holes > 3
    assert told.hole_ms >= 20 * (told.holes - 1)
