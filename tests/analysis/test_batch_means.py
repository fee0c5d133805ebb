"""How sure a mean is: as often right as it says, also where neighbours are alike."""

from __future__ import annotations

import numpy as np
import pytest

from voipbin_cli.analysis.arrivals.jitter import JitterFold
from voipbin_cli.analysis.batch_means import BatchMeans, half_interval
from voipbin_cli.analysis.playout.late_frames import BufferFold
from voipbin_cli.analysis.playout.target_delay import FIXED_60

FRAME_NS = 20_000_000


def test_of_fewer_than_four_nothing_is_told() -> None:
    assert half_interval(3, 3.0, 3.0) is None
    # 1, 2, 3, 4: s^2 = 5/3, s/sqrt(4) = 0.6455; t(3) = 5.84, to 2 %.
    assert half_interval(4, 10.0, 30.0) == pytest.approx(0.6455 * 5.84, rel=0.02)


def test_a_rest_counts_as_if_it_had_been_added() -> None:
    values = np.random.default_rng(1).normal(5, 1, 640)
    whole, parts = BatchMeans(64), BatchMeans(64)
    whole.add(values)
    parts.add(values[:256])
    nothing = np.zeros(0)
    assert parts.uncertainty(values[256:]) == pytest.approx(whole.uncertainty(nothing))


def jitter_of(seed: int) -> tuple[float, float]:
    """Mean and uncertainty over a minute of frames, each up to 10 ms late by chance."""
    rng = np.random.default_rng(seed)
    late_ns = rng.uniform(0, 10e6, 3000)
    fold = JitterFold(8000)
    fold.add(np.arange(3000) * FRAME_NS + late_ns, np.arange(3000) * 160)
    told = fold.result()
    assert told.mean_ms is not None
    assert told.uncertainty_ms is not None
    return told.mean_ms, told.uncertainty_ms


def test_the_uncertainty_of_jitter_holds_what_another_stretch_shows() -> None:
    # Two uniform latenesses differ by a third of their range on average, 10/3 ms; the filter begins
    # at 0, and 16 frames of 3000 are short of that.
    expected_ms = 10 / 3 * (1 - 16 / 3000)
    told = [jitter_of(seed) for seed in range(200)]
    held = [abs(mean - expected_ms) <= uncertainty for mean, uncertainty in told]
    assert np.mean(held) >= 0.965
    assert max(uncertainty for _, uncertainty in told) < 1.0


def test_a_short_stream_has_none() -> None:
    fold = JitterFold(8000)
    fold.add(np.arange(200) * FRAME_NS, np.arange(200) * 160)
    assert fold.result().uncertainty_ms is None


def test_late_frames_in_a_row_are_one_run() -> None:
    offsets = np.zeros(300, np.int64)
    offsets[100:110] = offsets[200:205] = 500_000_000
    fold = BufferFold()
    fold.add(offsets)
    found = fold.result()[FIXED_60.name]
    assert (found.late, found.late_runs) == (15, 2)
