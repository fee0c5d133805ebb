from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.analysis.arrivals.links import batches, even, links, mobile
from voipbin_cli.analysis.arrivals.drift import Drift, DriftFold
from voipbin_cli.analysis.arrivals.pause_fold import PauseFold

pytestmark = pytest.mark.slow

MS = 1_000_000
FRAME = 20 * MS


def measured(arrivals) -> Drift:
    """The drift of frames that came at these times, their losses judged by the arrivals."""
    pauses, drift = PauseFold(), DriftFold()
    places = np.arange(arrivals.size) * FRAME
    drift.add(*pauses.add(arrivals, np.full(arrivals.size, FRAME), places))
    drift.add(*pauses.finish())
    return drift.result()


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


@pytest.mark.parametrize("step_ms", [-9.5, -8, 8])
@pytest.mark.parametrize("at", [0.3, 0.5, 0.7])
def test_a_step_of_the_delay_is_no_drift(step_ms, at):
    arrivals = clock(700, 0) + np.random.default_rng(1).normal(50 * MS, 0.6 * MS, 700)
    arrivals[int(700 * at) :] += step_ms * MS
    got = measured(np.maximum.accumulate(arrivals.astype(np.int64)))
    assert abs(got.ppm) < 100 + 3 * got.uncertainty_ppm


@pytest.mark.parametrize("top", [0.3, 0.5, 1.0])
def test_a_queue_that_fills_and_empties_is_no_drift(top):
    run = np.arange(1500) / 1500
    filled = np.interp(run, [0, top / 2, top, 1], [0, 30 * MS, 0, 0])
    got = measured((clock(1500, 0) + filled).astype(np.int64))
    assert abs(got.ppm) < 100 + 3 * got.uncertainty_ppm


def test_a_stream_twice_too_fast_is_one_million_ppm():
    got = measured(np.arange(1500) * FRAME // 2)
    assert got.ppm == pytest.approx(1_000_000)


def test_a_day_is_measured_to_a_hundredth():
    late = np.random.default_rng(0).integers(0, 20 * MS, 4_320_000)
    got = measured(clock(4_320_000, 12.5) + late)
    assert got.ppm == pytest.approx(12.5, abs=0.01)


def test_everything_at_once_shows_no_clock():
    assert measured(np.zeros(1500, np.int64)).ppm is None


def test_too_little_says_nothing():
    got = measured(clock(199, 0.0))
    assert (got.ppm, got.uncertainty_ppm, got.windows) == (None, None, 7)


@given(
    st.integers(0, 2**32),
    st.integers(0, 900),
    st.lists(st.integers(0, 900), max_size=8),
    st.lists(st.integers(0, 899), max_size=8),
)
def test_any_cut_gives_identical_figures(seed, frames, cuts, losses):
    rng = np.random.default_rng(seed)
    places = np.arange(frames) * FRAME
    delays = np.cumsum(rng.integers(0, 40 * MS, frames)) - places
    lost = np.isin(np.arange(frames), losses) * FRAME
    whole, cut = DriftFold(), DriftFold()
    whole.add(delays, places, lost)
    edges = sorted(cuts)
    for part in zip(*(np.split(column, edges) for column in (delays, places, lost)), strict=True):
        cut.add(*part)
    assert cut.result() == whole.result()


def is_told(got: Drift, ppm: float) -> bool:
    """Whether so much and more is certain, as the finding asks."""
    return got.ppm is not None and abs(got.ppm) - 3 * got.uncertainty_ppm > ppm


@pytest.mark.parametrize("seed", [1, 2])
def test_the_error_is_within_three_times_what_is_said_and_no_drift_is_made_up(seed):
    """Over links of every kind, with losses that no number tells of and this machine late."""
    told = [(link, measured(link.arrivals_ns)) for link in links(280, seed=seed)]
    sure = [(link, got) for link, got in told if got.ppm is not None and abs(got.ppm) <= 10_000]
    wrong = [link.name for link, got in sure if abs(got.ppm - link.ppm) > 3 * got.uncertainty_ppm]
    made_up = [
        link.name for link, got in sure if is_told(got, 100) and not link.ppm * got.ppm >= 9_000
    ]
    assert len(sure) > 180
    assert len(wrong) <= 0.01 * len(sure), wrong
    assert len(made_up) <= 1, made_up


@pytest.mark.parametrize("queue", [even, mobile, batches], ids=lambda queue: queue.__name__)
def test_no_drift_is_made_up_on_a_link_that_is_anything_but_quiet(queue):
    told = [measured(link.arrivals_ns) for link in links(120, seed=3, ppms=(0.0,), queues=(queue,))]
    assert sum(is_told(got, 100) for got in told if got.ppm is None or abs(got.ppm) <= 10_000) <= 1


@pytest.mark.parametrize("ppm", [-1000.0, -500.0, 500.0, 1000.0])
@pytest.mark.parametrize("lost", [0.01, 0.05])
def test_a_drift_is_found_among_many_lost_frames(ppm, lost):
    rng = np.random.default_rng(7)
    arrivals = clock(1000, ppm) + (rng.exponential(0.4, 1000) * MS).astype(np.int64)
    got = measured(np.maximum.accumulate(arrivals)[rng.random(1000) > lost])
    assert is_told(got, 100)
    assert got.ppm == pytest.approx(ppm, abs=3 * got.uncertainty_ppm)


@pytest.mark.parametrize("pauses", [1, 3, 9])
def test_pauses_of_a_sender_that_are_no_whole_frames_are_no_drift(pauses):
    rng = np.random.default_rng(pauses)
    arrivals = clock(1000, 0.0) + (rng.exponential(0.4, 1000) * MS).astype(np.int64)
    for at in rng.integers(50, 950, pauses):
        arrivals[at:] += rng.integers(60 * MS, 900 * MS)
    got = measured(np.maximum.accumulate(arrivals))
    assert not is_told(got, 100)
    assert abs(got.ppm) < 3 * got.uncertainty_ppm
