"""The noise under the speech, and what only looks like it."""

from __future__ import annotations

import numpy as np
import pytest

from tests.analysis.sounds import listen
from tests.sounds.talkers import cadence, dtmf, noise, talker
from voipbin_cli.analysis.sound.noise_floor import NoiseFloor, NoiseFloorFold


def floor(sound):
    return listen(NoiseFloorFold(), np.clip(np.rint(sound), -32768, 32767)).result()


@pytest.mark.parametrize("level_dbfs", [-60, -45, -30])
@pytest.mark.parametrize(("kind", "least", "most"), [("white", 0.5, 0.65), ("pink", 0.3, 0.5)])
def test_noise_under_speech(kind, least, most, level_dbfs):
    got = floor(talker("pulses", 3, 12, -20) + noise(kind, 3, 12, level_dbfs))
    assert got.level_dbfs == pytest.approx(level_dbfs - 1.5, abs=1.5)  # the quietest 20 ms
    assert least < got.flatness < most
    assert got.steadiness > 0.8
    assert got.kurtosis > 2.5


def test_a_frame_in_which_a_tone_begins_is_no_noise():
    """Digits of 100 ms and pauses of zero: each frame that is not whole has a flat spectrum."""
    for seed in range(4):
        assert (floor(dtmf(seed, 8)).flatness or 0) < 0.05


def test_a_tone_all_through_is_not_flat():
    assert floor(cadence((425,), 60, 1, 8, -12)).flatness < 0.01


def test_the_quietest_of_clean_speech_is_not_steady():
    assert np.mean([floor(talker("pulses", n, 12, -20)).steadiness for n in range(8)]) < 0.4


def test_silence_and_nothing():
    assert floor(np.zeros(16_000)) == NoiseFloor(None, None, None, 0.0)
    assert floor(np.zeros(0)) == NoiseFloor(None, None, None, 0.0)


def test_any_cut_gives_identical_figures():
    sound = noise("pink", 1, 5, -40).astype(np.int16)
    whole = listen(NoiseFloorFold(), sound).result()
    assert listen(NoiseFloorFold(), *np.split(sound, [7, 9000, 9001, 30_000])).result() == whole
