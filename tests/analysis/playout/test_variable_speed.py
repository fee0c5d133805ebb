from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voipbin_cli.analysis.playout.variable_speed import FractionalReader


def reader_of(audio):
    state = {"at": 0}

    def produce(count):
        start = state["at"]
        state["at"] += count
        return audio[start : start + count]

    return FractionalReader(produce), state


def test_a_step_of_one_copies_and_reads_nothing_ahead():
    audio = np.random.default_rng(0).normal(size=2000).astype(np.float32)
    reader, state = reader_of(audio)
    output = np.concatenate([reader.read(n) for n in (160, 1, 80, 333)])
    np.testing.assert_array_equal(output, audio[:574])
    assert state["at"] == 574
    assert reader.pending == 0


@pytest.mark.parametrize("hz", [100, 1000, 2500, 3300])
@pytest.mark.parametrize("ppm", [-5000, -300, 40, 5000])
def test_a_tone_is_only_shifted_in_pitch(hz, ppm):
    step = 1 + ppm * 1e-6
    audio = np.sin(2 * np.pi * hz / 8000 * np.arange(30_000)).astype(np.float32)
    reader, _ = reader_of(audio)
    output = np.concatenate([reader.read(160, step) for _ in range(150)])
    # Sample n is the tone at n x step: 50 dB at least above what interpolation adds.
    wanted = np.sin(2 * np.pi * hz / 8000 * np.arange(output.size) * step)
    error = (output - wanted)[20:]
    assert 10 * np.log10(np.mean(wanted**2) / np.mean(error**2)) > 50


def test_it_reads_two_milliseconds_ahead_at_most():
    audio = np.zeros(20_000, np.float32)
    reader, state = reader_of(audio)
    for count in range(1, 60):
        reader.read(count, 1.0003)
    # 1 + … + 59 samples out, 0.53 of a sample more in, 16 ahead.
    assert 1770 <= state["at"] <= 1770 + 1 + 17
    assert 0 <= reader.pending <= 17


def test_what_is_inserted_is_read_before_the_rest():
    reader, _ = reader_of(np.ones(100, np.float32))
    reader.read(10)
    reader.insert(np.full(3, 7.0, np.float32))
    assert reader.read(5).tolist() == [7, 7, 7, 1, 1]


@given(st.lists(st.tuples(st.integers(0, 300), st.floats(0.99, 1.01)), max_size=30))
def test_changes_of_speed_leave_no_jump(plan):
    audio = np.sin(2 * np.pi * 200 / 8000 * np.arange(12_000)).astype(np.float32)
    reader, _ = reader_of(audio)
    reader.read(100)
    output = [reader.read(count, step) for count, step in plan]
    joined = np.concatenate([np.zeros(0, np.float32), *output])
    assert joined.size == sum(count for count, _ in plan)
    # The steepest slope of that sine is 0.157 a sample.
    assert np.abs(np.diff(joined)).max(initial=0) < 0.17


def test_a_step_whose_sum_rounds_down_reads_enough():
    # 15 + 1.0005075367356687 - 1.0005075367356687 is a hair under 15 in floating point.
    reader, _ = reader_of(np.ones(200, np.float32))
    assert reader.read(1, 1.0005075367356687).tolist() == pytest.approx([1.0])
