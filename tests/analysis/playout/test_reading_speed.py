from __future__ import annotations

import pytest

from voipbin_cli.analysis.playout.reading_speed import DelayControl
from voipbin_cli.analysis.playout.target_delay import ADAPTIVE, FIXED_60, Policy

MS = 1_000_000
PULL_MS = 20.0


def fed(policy: Policy, late_ms=(0,), frames=200):
    control = DelayControl(policy)
    for n in range(frames):
        control.observe(late_ms[n % len(late_ms)] * MS)
    return control


def run(control, lag_ms, seconds, drift_ppm=0.0):
    """Pull for some seconds; the caller's clock pulls the lag down by `drift_ppm`."""
    for _ in range(int(seconds * 1000 / PULL_MS)):
        control.steer(lag_ms, PULL_MS)
        control.set_speed(PULL_MS)
        # Reading faster than real time shortens the lag.
        lag_ms -= PULL_MS * (control.ratio_ppm + drift_ppm) * 1e-6
    return lag_ms


def test_the_target_is_the_need_and_the_pullers_share():
    control = fed(ADAPTIVE)
    control.steer(60.0, PULL_MS)
    # Nothing varies: the pull's 20 ms and the 3 ms that are left alone.
    assert control.target_ms == 23
    assert fed(FIXED_60).target_ms == 60


def test_an_error_within_three_ms_is_left_alone():
    control = fed(FIXED_60)
    assert run(control, 62.9, 60) == 62.9
    assert control.ratio_ppm == 0


@pytest.mark.parametrize("lag_ms", [30.0, 90.0])
def test_an_error_is_gone_within_half_a_minute(lag_ms):
    assert run(fed(FIXED_60), lag_ms, 30) == pytest.approx(60, abs=4)


@pytest.mark.parametrize("drift_ppm", [-500.0, -30.0, 200.0])
def test_a_lasting_drift_is_learned_and_leaves_no_error(drift_ppm):
    control = fed(FIXED_60)
    lag_ms = run(control, 60.0, 300, drift_ppm)
    assert control.drift_ppm == pytest.approx(-drift_ppm, abs=2)
    assert lag_ms == pytest.approx(60, abs=3.2)


def test_the_speed_is_bounded():
    control = fed(FIXED_60)
    control.steer(300.0, PULL_MS)
    control.set_speed(PULL_MS)
    assert control.ratio_ppm == 5000


def test_uneven_pulls_raise_the_target_and_are_forgotten():
    control = fed(ADAPTIVE)
    for n in range(200):
        control.steer(60.0 - 40.0 * (n % 2), PULL_MS)
    high = control.target_ms
    # 20 ms around the mean, 5 of them free, on top of 23.
    assert high == pytest.approx(23 + 15, abs=2)
    run(control, 40.0, 60)
    assert control.target_ms < 25


def test_what_was_put_in_counts_at_once():
    control = fed(FIXED_60)
    control.steer(40.0, PULL_MS)
    assert control.error_ms == -20
    control.moved(15.0)
    assert control.error_ms == -5
    assert control.delay_ms == 55
