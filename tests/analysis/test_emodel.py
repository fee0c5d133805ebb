"""The reference tables of ITU-T G.107 (narrowband, G.711)."""

from __future__ import annotations

import pytest

from voipbin_cli.analysis import emodel


@pytest.mark.parametrize(
    ("r_factor", "value"),
    [(93.2, 4.4093), (90, 4.339), (80, 4.024), (70, 3.597), (60, 3.1), (50, 2.575), (0, 1)],
)
def test_mos_of_r(r_factor, value):
    assert emodel.mos(r_factor) == pytest.approx(value, abs=5e-4)


@pytest.mark.parametrize(
    ("loss", "concealment", "r_factor", "value"),
    [
        (0.01, True, 89.5602, 4.3281),
        (0.02, True, 86.1889, 4.2348),
        (0.05, True, 77.4193, 3.9228),
        (0.10, True, 66.1345, 3.4109),
        (0.01, False, 75.2755, 3.8337),
        (0.02, False, 63.0413, 3.2560),
        (0.05, False, 42.1247, 2.1693),
        (0.10, False, 26.7664, 1.4808),
    ],
)
def test_random_loss(loss, concealment, r_factor, value):
    got = emodel.assess(loss, listening_only=True, concealment=concealment)
    assert got.r_factor == pytest.approx(r_factor, abs=5e-5)
    assert got.value == pytest.approx(value, abs=5e-5)


def test_loss_in_bursts_costs_more():
    # BurstR 2 = mean burst length x (1 - 0.05).
    got = emodel.assess(0.05, mean_burst_frames=2 / 0.95, listening_only=True)
    assert got.r_factor == pytest.approx(75.9899, abs=5e-5)
    assert got.value == pytest.approx(3.8639, abs=5e-5)


@pytest.mark.parametrize(
    ("one_way_ms", "value"), [(100, 4.409), (150, 4.406), (200, 4.343), (300, 3.964), (400, 3.556)]
)
def test_delay_alone(one_way_ms, value):
    assert emodel.assess(0.0, one_way_ms=one_way_ms).value == pytest.approx(value, abs=5e-4)


@pytest.mark.parametrize("r_factor", [-50.0, 0.5, 3.0, 6.4, 99.999, 100.0, 200.0])
def test_mos_stays_in_its_range(r_factor):
    assert 1.0 <= emodel.mos(r_factor) <= 4.5


def test_loss_and_discard_combine_as_one_after_the_other():
    assert emodel.combined_loss(0.1, 0.2) == pytest.approx(0.28)
    both = emodel.assess(0.1, discard_ratio=0.2, listening_only=True)
    assert both.r_factor == pytest.approx(emodel.assess(0.28, listening_only=True).r_factor)


def test_nothing_is_told_without_the_delay():
    got = emodel.assess(0.01)
    assert got.value is None
    assert got.r_factor is None
    assert got.reason == "unknown one-way delay"


def test_nothing_is_told_without_the_loss():
    assert emodel.assess(None, one_way_ms=50).value is None


def test_every_score_names_its_model_and_assumptions():
    got = emodel.assess(0.02, one_way_ms=150, mean_burst_frames=1.5)
    assert got.model == "ITU-T G.107 narrowband"
    assert "loss 2.00 %, BurstR 1.47" in got.assumptions
    assert "one-way delay 150 ms" in got.assumptions


def test_everything_lost_is_the_worst_there_is():
    assert emodel.assess(1.0, mean_burst_frames=500, listening_only=True).value == 1.0


def test_the_impairment_by_codec_and_loss_as_the_formula_has_it():
    # G.107 7.5: Ie + (95 - Ie) Ppl / (Ppl / BurstR + Bpl), with 5 % of loss and Bpl 25.1.
    assert emodel.equipment_impairment(0.05, bpl=25.1) == pytest.approx(95 * 5 / 30.1)
    assert emodel.equipment_impairment(0.05, ie=10, bpl=25.1) == pytest.approx(10 + 85 * 5 / 30.1)
    assert emodel.equipment_impairment(0.0, ie=10, bpl=25.1) == 10
    # Nothing but loss has no bursts to speak of: as bad as it can be.
    assert emodel.equipment_impairment(1.0, burst_ratio=0.0, bpl=4.3) == 95


def test_without_loss_there_are_no_bursts():
    assert emodel.burst_ratio(3.0, 0.0) == 1.0
    assert emodel.burst_ratio(3.0, 0.25) == 2.25


def test_what_is_left_out_has_no_say():
    told = emodel.assess(0.01, one_way_ms=400, listening_only=True)
    assert told.r_factor == emodel.assess(0.01, listening_only=True).r_factor


@pytest.mark.parametrize(("concealment", "name"), [(True, "G.711 appendix I"), (False, "none")])
def test_the_assumptions_name_the_concealment(concealment, name):
    told = emodel.assess(0.01, listening_only=True, concealment=concealment)
    assert f"packet loss concealment: {name}" in told.assumptions
