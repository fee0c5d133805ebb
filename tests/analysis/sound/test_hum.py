"""A steady tone under the speech, and tones that are no hum."""

from __future__ import annotations

import numpy as np
import pytest

from tests.analysis.sounds import listen
from tests.corpus.unusual import UNUSUAL
from tests.sounds.faults import with_hum
from tests.sounds.streams import pcm
from tests.sounds.talkers import cadence, dtmf, in_room, music, noise, organ, room, tone
from voipbin_cli.analysis.sound.hum import HumFold
from voipbin_cli.analysis.sound.stretches import StretchFold
from voipbin_cli.codec.codecs import Codec, encode, samples

CODECS = (Codec.S16LE, Codec.MULAW)
SECONDS = 12


def tones(sound, codec=Codec.S16LE, cuts=()):
    fold = HumFold()
    stretches = StretchFold(fold.hear)
    listen(stretches, *np.split(samples(codec, encode(codec, pcm(sound))), cuts))
    stretches.finish()
    return fold.result()


def speech(seed, seconds=SECONDS):
    return in_room("pulses", seed, seconds, -20, -68)


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("level_dbfs", [-30, -40, -50])
@pytest.mark.parametrize("hertz", [50, 60, 100, 120, 1000, 1730, 2600, 3400])
def test_mains_and_whistles(hertz, level_dbfs, codec):
    for seed in range(2):
        (found,) = tones(with_hum(speech(seed), hertz, level_dbfs), codec)
        assert found.hertz == pytest.approx(hertz, abs=0.5)
        assert found.level_dbfs == pytest.approx(level_dbfs, abs=1.5)


def test_harmonics_are_told_loudest_first():
    found = tones(with_hum(speech(2), 50, -35, harmonics=3))
    assert [round(tone.hertz) for tone in found] == [50, 100, 150]


def test_hum_of_the_mains_needs_no_speech():
    (found,) = tones(room(1, SECONDS, -65) + tone(50, SECONDS, -40))
    assert found.hertz == pytest.approx(50, abs=0.2)


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize(
    "made",
    [
        lambda seed: np.zeros(SECONDS * 8000),
        lambda seed: speech(seed),
        lambda seed: tone(425, SECONDS, -12),
        lambda seed: tone(2100, SECONDS, -12) + noise("white", seed, SECONDS, -60),
        lambda seed: tone(350, SECONDS, -16) + tone(440, SECONDS, -16),
        lambda seed: cadence((425,), 0.5, 0.5, SECONDS, -12),
        lambda seed: cadence((425,), 0.25, 0.25, SECONDS, -12),
        lambda seed: cadence((440, 480), 2, 4, SECONDS, -10),
        lambda seed: cadence((1100,), 0.5, 3, SECONDS, -10),
        lambda seed: dtmf(seed, SECONDS, 50, 50),
        lambda seed: music(seed, SECONDS, 0.125),
        lambda seed: music(seed, SECONDS, 0.25),
        lambda seed: organ(seed, SECONDS),
        lambda seed: noise("brown", seed, SECONDS, -45),
        lambda seed: noise("white", seed, SECONDS, -40),
    ],
)
def test_signals_music_and_noise_are_no_hum(made, codec):
    for seed in range(3):
        assert tones(made(seed), codec) == ()


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize(
    "name",
    [
        "pad",
        "drone",
        "drum machine",
        "dial tone us",
        "ringback uk",
        "busy us",
        "CNG",
        "ANSam",
        "V.21",
        "buzzer",
    ],
)
def test_the_held_notes_of_music_and_signals_are_no_hum(name, codec):
    assert tones(UNUSUAL[name](float(SECONDS), 53), codec) == ()


def test_a_tone_of_the_mains_is_told_of_a_loud_low_note():
    assert tones(room(1, SECONDS, -65) + tone(120, SECONDS, -6)) == ()
    assert tones(room(1, SECONDS, -65) + tone(87.3, SECONDS, -40)) == ()


def test_a_bass_and_a_drum_once_each_half_second_are_no_hum():
    """Each half second holds one of each, so that they are about as loud in all of them."""
    assert tones(UNUSUAL["band"](12.0, 62)) == ()


def test_a_hum_has_to_be_in_more_than_half_of_the_stretches():
    whole = speech(1, 60)
    hum = with_hum(np.zeros_like(whole), 60, -40)
    assert tones(np.concatenate([whole[:320_000], (whole + hum)[320_000:]])) == ()
    assert tones(np.concatenate([whole[:160_000], (whole + hum)[160_000:]]))


def test_three_seconds_say_nothing_of_hum():
    assert tones(with_hum(speech(1, 3), 50, -30)) == ()


def test_any_cut_gives_identical_figures():
    sound = with_hum(speech(1, 25), 100, -35)
    assert tones(sound, cuts=[7, 90_000, 170_123]) == tones(sound)
