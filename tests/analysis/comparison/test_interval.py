"""The intervals hold what they should as often as they say, and no two that are alike differ."""

from __future__ import annotations

import numpy as np
import pytest

from voipbin_cli.analysis.comparison.interval import difference, rate, share, student, within


def test_none_of_a_hundred_is_up_to_six_percent() -> None:
    # Wilson with z = 2.576: z^2 / (n + z^2) = 6.636 / 106.636.
    assert share(0, 100) == pytest.approx((0.0, 0.0, 0.0622), abs=1e-4)


def test_a_share_and_what_is_left_of_it_are_mirrored() -> None:
    some, others = share(30, 100), share(70, 100)
    assert (some.low, some.high) == pytest.approx((1 - others.high, 1 - others.low))


def test_a_run_of_losses_is_the_news_of_one() -> None:
    alone, in_runs = share(40, 1000), share(40, 1000, run_length=10)
    assert in_runs.high - in_runs.low > 3 * (alone.high - alone.low)


def test_nothing_in_ten_minutes_and_in_none() -> None:
    # Byar, n = 0: (1 - 1/9 + 2.576/3)^3 = 5.34 events; Poisson's own is -ln 0.005 = 5.30.
    assert rate(0, 10).high == pytest.approx(0.534, abs=0.001)
    assert rate(0, 0).high == float("inf")


@pytest.mark.parametrize(("freedom", "t"), [(3, 5.841), (6, 3.707), (10, 3.169), (60, 2.660)])
def test_students_t_is_that_of_the_tables(freedom: int, t: float) -> None:
    assert student(freedom) == pytest.approx(t, rel=0.02)


@pytest.mark.parametrize("mean", [2.0, 20.0])
def test_the_intervals_hold_the_truth_as_often_as_they_say(mean: float) -> None:
    rng = np.random.default_rng(7)
    counts = rng.poisson(mean, 4000).tolist()
    held = [rate(n, 1.0).low <= mean <= rate(n, 1.0).high for n in counts]
    assert np.mean(held) >= 0.985
    hits = rng.binomial(500, 0.03, 4000).tolist()
    assert np.mean([share(n, 500).low <= 0.03 <= share(n, 500).high for n in hits]) >= 0.985


@pytest.mark.parametrize("mean", [0.5, 3.0, 20.0])
def test_two_that_are_alike_are_told_apart_once_in_a_hundred(mean: float) -> None:
    rng = np.random.default_rng(7)
    pairs = rng.poisson(mean, (4000, 2)).tolist()
    told = [difference(rate(a, 1.0), rate(b, 1.0)) for a, b in pairs]
    assert np.mean([one.low > 0 or one.high < 0 for one in told]) <= 0.015


def test_a_difference_is_of_both_uncertainties() -> None:
    # 3-4-5: sqrt(3^2 + 4^2).
    assert difference(within(10, 3), within(20, 4)) == (10, 5, 15)
