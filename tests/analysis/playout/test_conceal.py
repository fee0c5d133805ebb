from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voipbin_cli.analysis.playout.conceal import Concealer


def vowel(samples, pitch_hz=125.0, level=0.2):
    """Harmonics falling off as in a voice; exactly periodic when 8000 / pitch_hz is whole."""
    t = np.arange(samples) / 8000
    waves = [np.sin(2 * np.pi * pitch_hz * k * t + k * k) / k for k in range(1, 20)]
    return (level * np.sum(waves, axis=0)).astype(np.float32)


def primed(audio):
    concealer = Concealer()
    concealer.good(audio)
    return concealer


def steepest(audio):
    return float(np.abs(np.diff(audio)).max())


def test_whole_audio_passes_untouched_after_the_fade_in():
    audio = vowel(4000)
    output = Concealer().good(audio)
    # 5 ms of fade-in.
    np.testing.assert_array_equal(output[40:], audio[40:])
    assert abs(output[0]) < abs(audio[:40]).max() / 20


def test_a_periodic_sound_goes_on_as_it_was():
    audio = vowel(3000, pitch_hz=125)
    made_up = primed(audio[:2000]).conceal(80)
    # 125 Hz is a period of 64 samples: the first 10 ms are the sound itself.
    np.testing.assert_allclose(made_up, audio[2000:2080], atol=2e-3)


@pytest.mark.parametrize("pitch_hz", [67.0, 88.3, 125.0, 160.0, 199.0])
def test_pitch_is_found_between_66_and_200_hz(pitch_hz):
    period, likeness = primed(vowel(3000, pitch_hz)).pitch()
    # Half a sample of rounding, or a whole number of periods.
    assert likeness > 0.9
    assert abs(period / (8000 / pitch_hz) - round(period * pitch_hz / 8000)) < 0.03


def test_it_fades_to_silence_over_60_ms():
    made_up = primed(vowel(2000)).conceal(800)
    levels = [float(np.sqrt(np.mean(part**2))) for part in np.split(made_up, 10)]
    assert levels[0] > 0.9 * float(np.sqrt(np.mean(vowel(2000) ** 2)))
    assert all(earlier > later for earlier, later in itertools.pairwise(levels[:7]))
    assert not made_up[480:].any()


@pytest.mark.parametrize("gap", [1, 40, 80, 160, 320, 480, 800, 3000])
@pytest.mark.parametrize("pitch_hz", [70.0, 111.0, 190.0])
def test_neither_the_beginning_nor_the_end_of_a_gap_clicks(gap, pitch_hz):
    audio = vowel(8000, pitch_hz)
    concealer = Concealer()
    parts = [concealer.good(audio[:2000]), concealer.conceal(gap)]
    parts.append(concealer.good(audio[2000 + gap :]))
    output = np.concatenate(parts)
    assert steepest(output) < 1.3 * steepest(audio)


@pytest.mark.parametrize("jump", [1, 17, 160, 1000])
def test_a_jump_in_the_audio_does_not_click(jump):
    audio = vowel(8000, 100.0)
    concealer = primed(audio[:2000])
    concealer.interrupt()
    output = np.concatenate([audio[1990:2000], concealer.good(audio[2000 + jump :])])
    assert steepest(output) < 1.3 * steepest(audio)


def test_a_sound_that_swells_goes_on_without_a_step():
    # A third louder each period: the last period's beginning is far from where its end was.
    audio = (vowel(2000, 100.0) * 1.33 ** (np.arange(2000) / 80 - 24)).astype(np.float32)
    for end in range(1900, 2000, 7):
        made_up = primed(audio[:end]).conceal(80)
        step = abs(float(made_up[0] - audio[end - 1]))
        assert step < 1.3 * steepest(audio[end - 160 : end])
        assert abs(step) <= abs(float(audio[end] - audio[end - 1])) + 0.5 * steepest(audio[:end])


@pytest.mark.parametrize(("gap", "blended"), [(1, 40), (79, 40), (80, 72), (160, 80), (4000, 80)])
def test_the_longer_the_gap_the_longer_the_blend(gap, blended):
    # 5 ms, 4 ms more for each 10 ms lost, 10 ms at most.
    audio = np.random.default_rng(0).normal(0, 0.1, 3000).astype(np.float32)
    concealer = primed(audio[:2000])
    concealer.conceal(gap)
    output = concealer.good(audio[2000:])
    assert (np.flatnonzero(output != audio[2000:]) + 1).max() == blended


def test_silence_is_followed_by_silence():
    assert not primed(np.zeros(1000, np.float32)).conceal(400).any()


def test_noise_keeps_its_level_at_first():
    noise = np.random.default_rng(3).normal(0, 0.1, 4000).astype(np.float32)
    made_up = primed(noise).conceal(80)
    assert 0.05 < float(made_up.std()) < 0.2


events = st.lists(st.tuples(st.booleans(), st.integers(1, 700)), max_size=12)


@given(events, st.integers(1, 200))
def test_cuts_do_not_show(plan, piece):
    """The same gaps, asked for in other portions, sound the same."""
    audio = vowel(9000, 97.0)
    whole, cut = Concealer(), Concealer()
    at = 0
    for good, count in plan:
        got = []
        for start in range(0, count, piece):
            size = min(piece, count - start)
            part = audio[at + start : at + start + size]
            got.append(cut.good(part) if good else cut.conceal(size))
        wanted = whole.good(audio[at : at + count]) if good else whole.conceal(count)
        np.testing.assert_array_equal(np.concatenate(got), wanted)
        at += count
