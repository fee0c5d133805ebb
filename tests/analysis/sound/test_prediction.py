"""What prediction from both sides leaves of a sample."""

from __future__ import annotations

import numpy as np
import pytest

from tests.sounds.talkers import in_room, tone
from voipbin_cli.analysis.sound.prediction import unexplained, unexplained_here

BOTH = pytest.mark.parametrize("left", [unexplained, unexplained_here])
SECONDS = 4


def rms(sound):
    return float(np.sqrt(np.mean(np.square(sound))))


@BOTH
def test_of_a_tone_and_of_a_voice_little_is_left(left):
    voice = in_room("pulses", 1, SECONDS, -20, -68)
    for sound, most in ((tone(440, SECONDS, -12), 0.02), (voice, 0.3)):
        samples = sound.astype(np.float32)
        assert left(samples).shape == samples.shape
        assert rms(left(samples)[100:-100]) < most * rms(samples)


@BOTH
def test_of_noise_all_is_left(left):
    noise = np.random.default_rng(1).normal(0, 1000, 32_000).astype(np.float32)
    assert 0.9 < rms(left(noise)) / rms(noise) < 1.05


@BOTH
@pytest.mark.parametrize("size", [24_000, 24_001, 199 * 130 + 5])
def test_what_is_put_on_one_sample_stays_where_it_is(left, size):
    sound = in_room("pulses", 2, SECONDS, -20, -68)[:size].astype(np.float32)
    spiked = sound.copy()
    spiked[12_345] += 5000
    more = np.abs(left(spiked) - left(sound))
    assert int(more.argmax()) == 12_345
    assert more[12_345] > 2500


@BOTH
def test_silence_leaves_nothing(left):
    assert not left(np.zeros(24_000, np.float32)).any()


def test_a_blocks_own_edge_leaves_no_mark():
    """Averaged over the blocks, each place of them is as any other."""
    left = np.abs(unexplained_here(in_room("pulses", 3, 20, -20, -68).astype(np.float32)))
    shares = np.log(left[: left.size // 199 * 199].reshape(-1, 199) + 8).mean(axis=0)
    assert np.abs(shares - np.median(shares)).max() < 6 * np.std(shares)


def test_of_a_voice_less_is_left_where_its_own_weights_are_found():
    sound = in_room("pulses", 4, 8, -20, -68).astype(np.float32)
    assert rms(unexplained_here(sound)) < 0.9 * rms(unexplained(sound))
