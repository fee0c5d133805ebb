"""The clock of a stream: what its timestamps count, however the frames arrive."""

from __future__ import annotations

import numpy as np
import pytest

from voipbin_cli.analysis.arrivals.paces import ClockFold
from voipbin_cli.analysis.columns import Ints

MS = 1_000_000
FRAME = 20 * MS


def clock(
    arrivals: Ints, step: int, frame: int = FRAME, *, is_sampled: bool = True, chunk: int = 7
) -> int | None:
    """The clock of frames of `frame` ns whose timestamps go on by `step`."""
    fold = ClockFold(is_sampled=is_sampled)
    numbers = np.arange(arrivals.size)
    for at in range(0, arrivals.size, chunk):
        part = numbers[at : at + chunk]
        fold.add(arrivals[part], part * step, part * frame)
    fold.decide()
    return fold.hz


@pytest.mark.parametrize(
    ("step", "hz"), [(160, 8000), (320, 16_000), (240, 12_000), (80, 4000), (1, 50), (0, 0)]
)
@pytest.mark.parametrize("interval_ms", [19, 20, 21, 25, 40, 60])
def test_timestamps_are_counted_against_samples_whatever_the_pace(
    step: int, hz: int, interval_ms: int
) -> None:
    assert clock(np.arange(300) * interval_ms * MS, step) == hz


@pytest.mark.parametrize("period_ms", [200, 500, 1000, 2000])
def test_batches_and_a_backlog_leave_the_clock_as_it_is(period_ms: int) -> None:
    sent = np.arange(300) * FRAME
    assert clock(-(-sent // (period_ms * MS)) * period_ms * MS, 160) == 8000
    assert clock(np.maximum(sent, 3000 * MS), 320) == 16_000
    assert clock(np.zeros(300, np.int64), 160) == 8000


@pytest.mark.parametrize("rate_hz", [6000, 11_025, 16_000, 24_000, 48_000])
def test_audio_of_another_rate_has_the_clock_of_that_rate(rate_hz: int) -> None:
    # 160 samples take as long as that rate needs for them, and jitter by 2 ms.
    rng = np.random.default_rng(rate_hz)
    arrivals = np.arange(300) * (160_000_000_000 // rate_hz) + rng.integers(0, 2 * MS, 300)
    assert clock(arrivals, 160) == rate_hz


def test_without_the_samples_the_clock_is_the_nearest_that_rtp_has() -> None:
    arrivals = np.arange(300) * FRAME
    assert clock(arrivals, 960, is_sampled=False) == 48_000
    assert clock(arrivals, 1800, is_sampled=False) == 90_000
    assert clock(arrivals, 163, is_sampled=False) == 8000


def test_half_a_sample_in_a_frame_is_no_other_clock() -> None:
    # Frames of 639 and 641 bytes by turns.
    places = np.cumsum(np.tile([40_062_500, 39_937_500], 80)) - 40_062_500
    fold = ClockFold()
    fold.add(places, places // 125_000, places)
    assert fold.hz == 8000


def test_too_little_is_8000() -> None:
    assert clock(np.array([0]), 320) == 8000
    assert clock(np.array([], np.int64), 320) == 8000
    assert ClockFold(90_000).hz == 90_000
