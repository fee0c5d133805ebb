from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voipbin_cli.analysis.arrivals.drift import DriftFold

MS = 1_000_000
FRAME = 20 * MS


def measured(arrivals):
    fold = DriftFold()
    fold.add(arrivals, np.arange(arrivals.size) * FRAME)
    return fold.result()


def clock(frames, ppm):
    """Arrivals of frames sent by a clock `ppm` faster than ours."""
    return np.rint(np.arange(frames) * FRAME / (1 + ppm * 1e-6)).astype(np.int64)


@pytest.mark.parametrize("ppm", [-500.0, -20.0, 0.0, 100.0, 3000.0])
def test_a_bare_drift_is_told_exactly(ppm):
    got = measured(clock(1500, ppm))
    assert got.ppm == pytest.approx(ppm, abs=abs(ppm) * 0.004 + 0.01)
    assert got.uncertainty_ppm < 1


@pytest.mark.parametrize("ppm", [-200.0, 0.0, 200.0])
@pytest.mark.parametrize("seed", range(4))
def test_jitter_widens_the_interval_and_hardly_moves_the_value(ppm, seed):
    late = np.random.default_rng(seed).gamma(1.0, 8.0, 3000) * MS
    got = measured(np.maximum.accumulate(clock(3000, ppm) + late.astype(np.int64)))
    assert got.ppm == pytest.approx(ppm, abs=40)
    assert abs(got.ppm - ppm) < 3 * got.uncertainty_ppm


@pytest.mark.parametrize("seed", range(4))
def test_stalls_do_not_count(seed):
    rng = np.random.default_rng(seed)
    arrivals = clock(3000, 150.0)
    for start in rng.integers(0, 3000, 20):
        arrivals[start:] = np.maximum(arrivals[start:], arrivals[start] + 700 * MS)
    assert measured(arrivals).ppm == pytest.approx(150, abs=5)


@pytest.mark.parametrize("at", [300, 750, 1200])
def test_audio_that_never_came_is_no_drift(at):
    arrivals = clock(1500, 50.0) + np.random.default_rng(1).integers(0, 2 * MS, 1500)
    arrivals[at:] += 260 * MS
    assert measured(arrivals).ppm == pytest.approx(50, abs=15)


def test_many_holes_are_no_drift():
    rng = np.random.default_rng(4)
    arrivals = clock(3000, 0.0) + rng.integers(0, 2 * MS, 3000)
    for at in range(200, 3000, 250):
        arrivals[at:] += 100 * MS
    assert abs(measured(arrivals).ppm) < 25


def test_a_stream_twice_too_fast_is_one_million_ppm():
    got = measured(np.arange(1500) * FRAME // 2)
    assert got.ppm == pytest.approx(1_000_000)


def test_a_day_is_measured_to_a_hundredth():
    late = np.random.default_rng(0).integers(0, 20 * MS, 4_320_000)
    got = measured(clock(4_320_000, 12.5) + late)
    assert got.ppm == pytest.approx(12.5, abs=0.01)
    assert got.windows <= 400


def test_everything_at_once_shows_no_clock():
    assert measured(np.zeros(1500, np.int64)).ppm is None


def test_too_little_says_nothing():
    got = measured(clock(199, 0.0))
    assert (got.ppm, got.uncertainty_ppm, got.windows) == (None, None, 7)


@given(st.integers(0, 2**32), st.integers(0, 900), st.lists(st.integers(0, 900), max_size=8))
def test_any_cut_gives_identical_figures(seed, frames, cuts):
    rng = np.random.default_rng(seed)
    arrivals = np.cumsum(rng.integers(0, 40 * MS, frames))
    media = np.arange(frames) * FRAME
    whole, cut = DriftFold(), DriftFold()
    whole.add(arrivals, media)
    edges = sorted(cuts)
    for part, part_media in zip(np.split(arrivals, edges), np.split(media, edges), strict=True):
        cut.add(part, part_media)
    assert cut.result() == whole.result()
