"""What stands at a ceiling, at full scale and below, and what only reaches its peak."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.analysis.sounds import listen
from tests.corpus.unusual import buzzer, chip_tune, console
from tests.sounds.faults import clipped
from tests.sounds.streams import pcm
from tests.sounds.talkers import dtmf, in_room, organ, tone
from voipbin_cli.analysis.sound.clipping import ClippingFold
from voipbin_cli.codec.codecs import Codec, encode, samples

CODECS = (Codec.S16LE, Codec.MULAW, Codec.ALAW)


def ratio(sound, codec=Codec.S16LE):
    return listen(ClippingFold(), samples(codec, encode(codec, pcm(sound)))).result()


@pytest.mark.parametrize("ceiling", [32767, 22937, 16384, 6554])
@pytest.mark.parametrize("share", [0.005, 0.01, 0.05, 0.3])
@pytest.mark.parametrize("codec", CODECS)
def test_every_share_at_every_ceiling(codec, share, ceiling):
    """G.711 rounds up to what is next below the ceiling: a fifth more, where little is clipped."""
    for seed in range(3):
        speech = clipped(in_room("pulses", seed, 8, -20, -65), share, ceiling)
        assert 0.9 * share < ratio(speech, codec) < 1.25 * share


@pytest.mark.parametrize("codec", CODECS)
def test_the_rail_of_every_codec_counts_also_where_one_sample_alone_stands_at_it(codec):
    flat = [0, 1, 1, 1, 0, 0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0]
    # Ten flat tops of three samples, ten of two, ten of one, of 160.
    assert ratio(np.tile(flat, 10) * 32767, codec) == pytest.approx(60 / 160)
    assert ratio(np.tile(flat, 10) * -32768.0, codec) == pytest.approx(60 / 160)


@pytest.mark.parametrize("hertz", [50, 100, 300, 440, 500, 625, 1000, 1003, 2000, 2600])
@pytest.mark.parametrize("codec", CODECS)
def test_a_tone_is_round_however_loud_and_slow(hertz, codec):
    for dbfs in (-0.1, -6, -12, -20):
        assert ratio(tone(hertz, 4, dbfs), codec) == 0


@pytest.mark.parametrize("codec", CODECS)
def test_what_reaches_its_peak_is_not_clipped(codec):
    for seed in range(4):
        for sound in (in_room("pulses", seed, 8, -20, -65), dtmf(seed, 8), organ(seed, 8)):
            just_fits = sound / np.abs(sound).max() * 32767
            assert ratio(just_fits, codec) < 0.0005


def test_silence_and_the_steps_of_a_quiet_line_are_no_ceiling():
    assert ratio(np.zeros(16_000)) == 0
    assert ratio(np.full(16_000, 9000)) == 0
    assert ratio(np.random.default_rng(1).integers(-2, 3, 16_000) * 8) == 0


@pytest.mark.parametrize("codec", CODECS)
def test_what_is_flat_by_nature_is_not_clipped(codec):
    for seed in (51, 53, 54):
        assert ratio(buzzer(4.0, seed), codec) == 0


@pytest.mark.parametrize("codec", CODECS)
def test_square_waves_that_fade_or_sound_together_are_not_clipped(codec):
    for seed in (53, 200, 202, 207):
        assert ratio(chip_tune(4.0, seed), codec) == 0
    for seed in range(4):
        assert ratio(console(4.0, seed), codec) == 0


@pytest.mark.parametrize("codec", CODECS)
def test_speech_is_clipped_though_hardly_anything_of_it_is_left(codec):
    for gain in (10, 100, 1000):
        driven = np.clip(in_room("pulses", 1, 8, -20, -65) * gain, -20_000, 20_000)
        assert ratio(driven, codec) > 0.05


def test_two_flat_tops_are_chance():
    sound = np.zeros(8000)
    sound[100:104] = sound[900:904] = 9000
    assert ratio(sound) == 0
    sound[2000:2004] = 9000
    assert ratio(sound) == pytest.approx(12 / 8000)


@given(st.integers(0, 2**32), st.lists(st.integers(0, 20_000), max_size=8))
def test_any_cut_gives_identical_figures(seed, cuts):
    rng = np.random.default_rng(seed)
    sound = np.clip(rng.normal(0, 9000, 20_000), -16_000, 16_000).astype(np.int16)
    whole = listen(ClippingFold(), sound).result()
    assert listen(ClippingFold(), *np.split(sound, sorted(cuts))).result() == whole
