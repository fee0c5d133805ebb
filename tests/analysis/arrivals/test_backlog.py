"""What had waited before anybody came, and what only looks like it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voipbin_cli.analysis.arrivals.backlog import BacklogFold
from voipbin_cli.analysis.columns import Ints

MS = 1_000_000
FRAME = 20 * MS


def backlog_ms(arrivals: Ints, cuts: tuple[int, ...] = ()) -> float:
    fold = BacklogFold()
    for part in np.split(arrivals, sorted(cuts)):
        fold.add(part, np.full(part.size, FRAME))
    return fold.backlog_ns / MS


def quiet(frames: int, seed: int = 1) -> Ints:
    late = np.random.default_rng(seed).exponential(0.4, frames) * MS
    return np.maximum.accumulate(np.arange(frames) * FRAME + late.astype(np.int64))


@pytest.mark.parametrize("seconds", [0.5, 1, 3, 12])
def test_what_is_there_at_once_is_told(seconds: float) -> None:
    arrivals = np.maximum(quiet(1000), int(seconds * 1000) * MS)
    assert backlog_ms(arrivals) == pytest.approx(seconds * 1000, abs=25)


def test_it_may_come_in_pieces_a_round_trip_apart() -> None:
    arrivals = np.maximum(quiet(1000), 3000 * MS)
    arrivals[80:150] += 60 * MS
    arrivals[120:150] += 60 * MS
    # All of 3.12 s is there after 120 ms.
    assert backlog_ms(np.maximum.accumulate(arrivals)) == pytest.approx(3000, abs=25)


def test_a_steady_start_has_none() -> None:
    assert backlog_ms(quiet(1000)) < 5
    # A stall later is a stall.
    stalled = quiet(1000)
    assert (
        backlog_ms(np.where((stalled > 1000 * MS) & (stalled < 2000 * MS), 2000 * MS, stalled)) < 5
    )


@pytest.mark.parametrize("interval_ms", [10, 15, 19, 21, 40])
def test_a_fast_sender_is_not_one_that_waited(interval_ms: int) -> None:
    # Ten milliseconds for a frame of twenty gain half of the quarter second after the start.
    assert backlog_ms(np.arange(1000) * interval_ms * MS) <= 260


@pytest.mark.parametrize("most_ms", [60, 150, 300])
@pytest.mark.parametrize("seed", range(4))
def test_jitter_looks_like_no_more_than_it_is(most_ms: int, seed: int) -> None:
    late = np.random.default_rng(seed).uniform(0, most_ms * MS, 1000).astype(np.int64)
    assert backlog_ms(np.maximum.accumulate(np.arange(1000) * FRAME + late)) <= most_ms


def test_each_connection_may_have_one() -> None:
    fold = BacklogFold()
    own = np.full(500, FRAME)
    fold.add(quiet(500), own)
    fold.restart()
    fold.add(np.maximum(quiet(500), 2000 * MS) + 60_000 * MS, own)
    assert fold.backlog_ns / MS == pytest.approx(2000, abs=25)


@given(st.lists(st.integers(0, 300), max_size=8), st.integers(0, 2**32))
def test_any_cut_gives_the_same(cuts: list[int], seed: int) -> None:
    gaps = np.random.default_rng(seed).choice(
        [0, 1, 20, 60, 300], 300, p=[0.5, 0.2, 0.2, 0.09, 0.01]
    )
    arrivals = np.cumsum(gaps) * MS
    assert backlog_ms(arrivals, tuple(cuts)) == backlog_ms(arrivals)
