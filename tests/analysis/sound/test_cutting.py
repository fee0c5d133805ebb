"""Samples to frames and seconds: nothing is lost, nothing moves."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from voipbin_cli.analysis.sound.cutting import SoundCutter


def test_the_energy_of_a_frame_is_its_sum_of_squares():
    cutter = SoundCutter()
    # Full scale throughout: 160 squares of 2^15, to the last unit.
    cutter.add(np.full(160, -32768, np.int16))
    (sound,) = cutter.finish()
    assert sound.energy.tolist() == [160 * 2**30]
    assert sound.rest.tolist() == [[-32768] * 160]


def test_a_second_is_given_out_when_it_is_whole():
    cutter = SoundCutter()
    assert cutter.add(np.zeros(7999, np.int16)) == []
    (sound,) = cutter.add(np.ones(2, np.int16))
    assert (len(sound.frames), sound.whole_seconds) == (50, 1)
    assert sound.frames.ravel()[-1] == 1
    assert cutter.finish() == []  # one sample is no frame


def test_the_seconds_of_the_energies_are_those_of_the_frames():
    (sound,) = SoundCutter().add(np.repeat(np.arange(3), 8000).astype(np.int16))
    # n squared, 160 times a frame, 50 frames a second.
    assert sound.energy_by_second.sum(axis=1).tolist() == [0, 8000, 32_000]
    assert sound.samples_by_second.sum(axis=1).tolist() == [0, 8000, 16_000]


@given(st.integers(0, 700_000), st.lists(st.integers(0, 700_000), max_size=6))
def test_every_whole_frame_comes_out_once_and_in_order(count, cuts):
    samples = (np.arange(count) % 30_011).astype(np.int16)
    cutter, sounds = SoundCutter(), []
    for piece in np.split(samples, sorted(cuts)):
        sounds += cutter.add(piece)
    assert all(len(sound.frames) % 50 == 0 for sound in sounds)
    sounds += cutter.finish()
    frames = [sound.frames.ravel() for sound in sounds] or [samples[:0]]
    np.testing.assert_array_equal(np.concatenate(frames), samples[: count - count % 160])
