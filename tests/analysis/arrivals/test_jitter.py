"""Reference values of RFC 3550 A.8, each worked out or named."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voipbin_cli.analysis.arrivals.jitter import JitterFold

MS = 1_000_000


def after(packets, arrivals_ns, timestamps, clock_hz=8000):
    fold = JitterFold(clock_hz)
    fold.add(arrivals_ns[: packets + 1], timestamps[: packets + 1])
    return fold.result().last_ms


def loop(arrivals_ns, timestamps, clock_hz):
    """A.8 word for word, in exact integers where it can be."""
    values, jitter = [], 0.0
    packets = list(zip(arrivals_ns, timestamps, strict=True))
    for (arrival, stamp), (next_arrival, next_stamp) in itertools.pairwise(packets):
        step = (next_stamp - stamp + 2**31) % 2**32 - 2**31
        jitter += (abs((next_arrival - arrival) * (clock_hz / 1e9) - step) - jitter) / 16
        values.append(jitter * 1000 / clock_hz)
    return values


def test_wireshark_example():
    arrivals = [348_411_000, 418_358_000, 421_891_000]
    stamps = [1240, 1400, 1560]
    # 69.947 ms instead of 20: |D| = 49.947 ms, and a sixteenth of it.
    assert after(1, arrivals, stamps) == pytest.approx(3.1216875, abs=1e-12)
    assert after(2, arrivals, stamps) == pytest.approx(3.95576953125, abs=1e-12)


@pytest.mark.parametrize(("n", "ms"), [(1, 0.625), (2, 1.2109), (16, 6.4393), (50, 9.6032)])
def test_gaps_alternating_10_and_30_ms(n, ms):
    arrivals = np.concatenate([[0], np.cumsum(np.tile([10 * MS, 30 * MS], 30))])
    assert after(n, arrivals, np.arange(61) * 160) == pytest.approx(ms, abs=5e-5)


@pytest.mark.parametrize(("n", "ms"), [(5, 9.2661), (50, 32.2635), (100, 33.5437)])
def test_five_frames_at_once_each_100_ms(n, ms):
    arrivals = np.arange(101) // 5 * 100 * MS
    assert after(n, arrivals, np.arange(101) * 160) == pytest.approx(ms, abs=5e-5)


@pytest.mark.parametrize(("n", "ms"), [(1, 1.25), (16, 12.8785), (50, 19.2064), (100, 19.9685)])
def test_a_perfect_stream_that_counts_bytes_read_at_the_wrong_rate(n, ms):
    arrivals, stamps = np.arange(101) * 20 * MS, np.arange(101) * 320
    assert after(n, arrivals, stamps) == pytest.approx(ms, abs=5e-5)
    assert after(n, arrivals, stamps, clock_hz=16000) == 0.0


def test_a_packet_16_ms_late_across_the_timestamp_wrap():
    # 16 ms late at 8 kHz: |D| = 128 units, J = 8 units = 1 ms, whatever the timestamps were.
    stamps = (2**32 - 80 + np.arange(2) * 160) % 2**32
    assert after(1, np.array([0, 36 * MS]), stamps) == pytest.approx(1.0, abs=1e-12)


def test_timestamps_that_step_back_across_the_wrap():
    # The second packet left 20 ms before the first and came 20 ms after: D = 40 ms.
    assert after(1, np.array([0, 20 * MS]), np.array([80, 2**32 - 80])) == pytest.approx(2.5)


def test_float_arrivals_count_as_integer_ones():
    stamps = np.arange(3) * 160
    assert after(2, np.array([0.0, 25e6, 40e6]), stamps) == after(2, [0, 25 * MS, 40 * MS], stamps)


def test_mean_and_max_run_over_every_packet_but_the_first():
    fold = JitterFold(8000)
    arrivals, stamps = [0, 36 * MS, 56 * MS], [0, 160, 320]
    fold.add(arrivals, stamps)
    got = fold.result()
    # 1 ms after the late one, then 15/16 of it.
    assert got.max_ms == pytest.approx(1.0)
    assert got.mean_ms == pytest.approx((1 + 15 / 16) / 2)
    assert got.packets == 3


def test_one_packet_has_no_jitter():
    fold = JitterFold(8000)
    fold.add_one(5, 7)
    assert fold.result().last_ms is None
    assert fold.result().packets == 1


@given(st.integers(0, 2**32 - 1), st.integers(1, 900), st.lists(st.integers(0, 900)), st.data())
def test_any_cut_gives_identical_figures_and_the_loop_to_1e_12(first, packets, cuts, data):
    seed = data.draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    arrivals = np.cumsum(rng.integers(0, 80 * MS, packets))
    stamps = (first + np.cumsum(rng.choice([160, 160, 160, 320, -160], packets))) % 2**32
    whole, cut = JitterFold(8000), JitterFold(8000)
    whole.add(arrivals, stamps)
    edges = sorted(cuts)
    for part, part_stamps in zip(np.split(arrivals, edges), np.split(stamps, edges), strict=True):
        cut.add(part, part_stamps)
    assert cut.result() == whole.result()
    values = loop(arrivals.tolist(), stamps.tolist(), 8000)
    if values:
        assert whole.result().last_ms == pytest.approx(values[-1], rel=1e-12, abs=1e-12)
        assert whole.result().max_ms == pytest.approx(max(values), rel=1e-12, abs=1e-12)
        assert whole.result().mean_ms == pytest.approx(np.mean(values), rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("packets", [2, 100, 257, 1000])
def test_a_perfect_stream_has_none_at_all(packets):
    fold = JitterFold(8000)
    fold.add(np.arange(packets) * 20_000_000, np.arange(packets) * 160)
    got = fold.result()
    assert (got.mean_ms, got.max_ms, got.last_ms) == (0, 0, 0)


def test_arrivals_between_two_nanoseconds_are_rounded():
    fold, exact = JitterFold(1_000_000_000), JitterFold(1_000_000_000)
    fold.add([0.0, 0.6], [0, 0])  # 1 ns late, D = 1, J = 1/16
    exact.add([0, 1], [0, 0])
    assert fold.result() == exact.result()
    assert fold.result().last_ms == pytest.approx(1 / 16 / 1e6)


def test_nothing_taken_changes_nothing():
    fold, plain = JitterFold(8000), JitterFold(8000)
    for each in (fold, plain):
        each.add([0, 36_000_000], [0, 160])
    fold.add([], [])
    assert fold.result() == plain.result()


def test_each_arrival_has_a_timestamp():
    with pytest.raises(ValueError, match="as many arrivals as timestamps"):
        JitterFold(8000).add([0, 1], [0])
