"""Runs of equal samples, against a search sample by sample."""

from __future__ import annotations

from itertools import groupby

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from voipbin_cli.analysis.sound.constant_runs import LEAST_SAMPLES, constant_runs

PIECES = st.lists(st.tuples(st.integers(-1, 1), st.integers(1, 120)), max_size=20)


def one_by_one(samples: list[int]) -> list[tuple[int, int]]:
    found, at = [], 0
    for _, run in groupby(samples):
        length = len(list(run))
        if length >= LEAST_SAMPLES:
            found.append((at, at + length))
        at += length
    return found


@given(PIECES)
def test_all_are_found_from_end_to_end(pieces: list[tuple[int, int]]) -> None:
    samples = [value for value, length in pieces for _ in range(length)]
    runs = constant_runs(np.array(samples, np.int16))
    assert list(zip(runs.starts.tolist(), runs.stops.tolist(), strict=True)) == one_by_one(samples)


def test_a_run_is_found_wherever_it_begins() -> None:
    for start in range(100):
        samples = np.arange(300, dtype=np.int16)
        samples[start : start + LEAST_SAMPLES] = -1
        runs = constant_runs(samples)
        assert (runs.starts.tolist(), runs.stops.tolist()) == ([start], [start + LEAST_SAMPLES])


def test_one_sample_less_is_none() -> None:
    samples = np.arange(300, dtype=np.int16)
    samples[57 : 57 + LEAST_SAMPLES - 1] = -1
    assert not constant_runs(samples).starts.size
