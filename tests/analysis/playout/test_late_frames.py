from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.arrivals import foretold
from voipbin_cli.analysis.playout.late_frames import BufferFold
from voipbin_cli.analysis.playout.target_delay import (
    ADAPTIVE,
    BLOCK_FRAMES,
    FIXED_60,
    FIXED_200,
    DelayTarget,
)

MS = 1_000_000
FRAME = 20 * MS


def steady(frames):
    return np.arange(frames, dtype=np.int64) * FRAME


def stalled(frames, starts, length_ms):
    arrivals = steady(frames)
    for start in starts:
        arrivals[start:] = np.maximum(arrivals[start:], start * FRAME + length_ms * MS)
    return arrivals


def test_a_steady_stream_needs_no_more_than_the_margin():
    got = foretold(steady(3000))[ADAPTIVE.name]
    assert got.late == 0
    # 60 ms for the first four blocks of 25 frames, 20 ms after.
    assert got.mean_delay_ms == pytest.approx((100 * 60 + 2900 * 20) / 3000)


def test_a_fixed_buffer_drops_what_a_stall_made_later_than_it_holds():
    # A stall of 160 ms: frames 500 … 507 come 160, 140, … 20 ms late; five of them over 60.
    arrivals = stalled(1000, [500], 160)
    assert foretold(arrivals)[FIXED_60.name].late == 5
    assert foretold(arrivals)[FIXED_200.name].late == 0


def test_the_delay_grows_until_fewer_than_one_frame_in_a_hundred_is_late():
    arrivals = stalled(30_000, range(500, 30_000, 100), 160)
    got = foretold(arrivals)[ADAPTIVE.name]
    assert foretold(arrivals)[FIXED_60.name].late_ratio > 0.04
    assert got.late_ratio < 0.01
    # 160 ms of stall, 20 for the sound card, 5 of rounding.
    assert got.mean_delay_ms < 186


def test_the_delay_comes_down_again_within_half_a_minute():
    arrivals = stalled(6000, range(500, 1500, 100), 160)
    target = DelayTarget()
    offsets = (arrivals - steady(6000)).reshape(-1, BLOCK_FRAMES)
    _, needs = target.add(offsets)
    assert needs[1500 // BLOCK_FRAMES] >= 120 * MS
    assert needs[1500 // BLOCK_FRAMES + 61] == 0


def test_one_stall_a_minute_is_within_the_budget():
    arrivals = stalled(30_000, range(2900, 30_000, 3000), 160)
    got = foretold(arrivals)[ADAPTIVE.name]
    assert got.late_ratio < 0.01
    assert got.mean_delay_ms < 25


def test_audio_that_never_came_makes_no_later_frame_late():
    arrivals = steady(1000)
    arrivals[500:] += 300 * MS
    assert not any(outcome.late for outcome in foretold(arrivals).values())


def test_a_stall_is_not_taken_for_audio_that_never_came():
    arrivals = stalled(1000, [500], 300)
    # 300, 280, … 80 ms late: twelve over 60 ms.
    assert foretold(arrivals)[FIXED_60.name].late == 12


def test_frames_with_a_time_of_their_own_are_placed_by_it():
    media = np.delete(steady(1000), slice(500, 515))
    assert not any(outcome.late for outcome in foretold(media + 5 * MS, media).values())


def test_a_slow_far_clock_makes_nothing_late():
    arrivals = (np.arange(180_000) * FRAME * 1.0003).astype(np.int64)
    got = foretold(arrivals)[ADAPTIVE.name]
    assert got.late == 0
    assert got.mean_delay_ms < 27


def test_a_route_that_grew_longer_is_followed():
    # Everything 400 ms later from one frame on, with jitter that hides the step's pace.
    rng = np.random.default_rng(5)
    arrivals = np.maximum.accumulate(steady(4000) + rng.integers(0, 50 * MS, 4000))
    arrivals[2000:] += 400 * MS
    got = foretold(arrivals)[FIXED_60.name]
    # Late until the base's window has passed at the most: 4 s and a block.
    assert got.late <= 225


def test_nothing_arrived():
    assert foretold(steady(0))[ADAPTIVE.name] == (0, 0, 0.0, 0.0, 0)


def test_one_frame_is_not_late():
    got = foretold(np.array([123]))[FIXED_60.name]
    assert (got.frames, got.late, got.mean_delay_ms) == (1, 0, 60)


@given(st.integers(0, 2**32), st.integers(0, 700), st.lists(st.integers(0, 700), max_size=8))
def test_any_cut_gives_identical_figures(seed, frames, cuts):
    offsets = np.random.default_rng(seed).integers(0, 300 * MS, frames)
    whole, cut = BufferFold(), BufferFold()
    whole.add(offsets)
    for part in np.split(offsets, sorted(cuts)):
        cut.add(part)
    assert cut.result() == whole.result()


@given(st.integers(0, 2**32), st.integers(1, 40))
def test_the_need_is_that_of_a_plain_count(seed, blocks):
    rng = np.random.default_rng(seed)
    offsets = (rng.gamma(1.0, 30.0, (blocks, BLOCK_FRAMES)) * MS).astype(np.int64)
    target = DelayTarget()
    bases, needs = target.add(offsets)
    for last in range(blocks):
        base = offsets[max(0, last - 7) : last + 1].min()
        assert bases[last] == base
        delays = np.concatenate(
            [
                row - offsets[max(0, n - 7) : n + 1].min()
                for n, row in enumerate(offsets[: last + 1])
            ]
        )
        allowed = int(max(delays.size, 500) * 0.007)
        least = next(e for e in range(0, 505, 5) if e == 500 or (delays > e * MS).sum() <= allowed)
        assert needs[last] == least * MS
