"""The labelled corpus, shortened, and every scenario of the simulator by name."""

from __future__ import annotations

import pytest

from tests.corpus.catalogue import KINDS, faulty, healthy, local, mixed
from tests.corpus.judging import of_run
from tests.corpus.runs import Run, arrivals, diagnosed, fold
from tests.support.spread import LONG
from voipbin_cli.analysis.diagnosis import diagnose
from voipbin_cli.codec.codecs import Codec
from voipbin_cli.codec.encapsulation import Encapsulation
from voipbin_cli.simulator.catalog import SCENARIOS
from voipbin_cli.simulator.scenario import Admission

pytestmark = pytest.mark.slow

NONE: frozenset[str] = frozenset()
STREAMED = [
    row
    for row in SCENARIOS.values()
    if row.admission is Admission.STREAM and not (row.refusal or row.drop) and row.token_life_s > 60
]
# What an encapsulation has no place for cannot be seen in it.
UNSEEN = {
    Encapsulation.SLN: {"sequence", "payload-label", "timestamp-rate"},
    Encapsulation.AUDIOSOCKET: {"sequence", "timestamp-rate"},
    Encapsulation.RTP: set(),
}


@pytest.mark.parametrize("encapsulation", list(Encapsulation))
@pytest.mark.parametrize("scenario", STREAMED, ids=lambda row: row.name)
def test_ten_seconds_tell_every_scenario_by_name(
    scenario: object, encapsulation: Encapsulation
) -> None:
    name, wanted = scenario.name, scenario.finding  # type: ignore[attr-defined]
    found = diagnosed(Run(name, name, NONE, encapsulation)).findings
    if wanted is None or wanted in UNSEEN[encapsulation]:
        assert all(finding.severity == "info" for finding in found)
    else:
        assert found[0].id == wanted
        assert (found[0].severity == "info") is scenario.is_harmless  # type: ignore[attr-defined]


def test_the_root_cause_is_right_in_95_of_100() -> None:
    seeds = range(100, 102)
    outcomes = [*map(of_run, [*faulty(seeds), *mixed(seeds), *local(seeds)])]
    misses = [str(outcome) for outcome in outcomes if not outcome.is_right]
    assert len(outcomes) > 100
    assert len(misses) <= 0.05 * len(outcomes), "\n".join(misses)


def test_healthy_runs_of_every_dialect_and_speaker_are_ok() -> None:
    seeds = range(200, 203 if LONG else 201)
    outcomes = [*map(of_run, healthy(seeds))]
    assert len(outcomes) >= 66 * len(seeds)
    assert [str(outcome) for outcome in outcomes if outcome.alarms] == []


def test_the_corpus_has_every_kind_that_a_stream_can_show() -> None:
    shown = {row.finding for row in STREAMED} - {None}
    assert {kind.finding for kind in KINDS} >= shown


def test_the_fields_are_those_of_the_contract() -> None:
    fields = diagnosed(Run("", "stall", NONE)).as_fields()
    assert fields["verdict"] in ("ok", "degraded", "bad")
    first = fields["findings"][0]
    assert set(first) >= {"id", "severity", "confidence", "title", "evidence", "remedy"}
    assert 0 <= first["confidence"] <= 1
    metrics = fields["metrics"]
    assert set(metrics["frame_interval_ms"]) == {"min", "mean", "p50", "p95", "p99", "max"}
    assert set(metrics["interarrival_jitter_ms"]) == {"mean", "max", "last", "uncertainty"}
    assert set(metrics["sequence"]) >= {"expected", "received", "missing", "duplicate", "reordered"}
    assert set(metrics["stalls"]) == {"count", "total_ms", "longest_ms"}
    assert set(metrics["level_dbfs"]) == {"rms", "peak", "uncertainty_db"}
    assert set(metrics["local_lag_ms"]) == {"p99", "max"}
    assert set(metrics["mos"]) == {"value", "r_factor", "model", "assumptions", "reason"}
    names = "frames duration_seconds jitter_clock_hz lost_audio_ms upstream_loss_ms rtt_ms"
    others = "clock_drift_ppm silence_ratio clipping_ratio"
    assert set(metrics) >= set(f"{names} {others}".split())


def test_without_sequence_numbers_there_is_no_sequence() -> None:
    assert (
        diagnosed(Run("", "clean", NONE, Encapsulation.SLN)).as_fields()["metrics"]["sequence"]
        is None
    )


def test_a_clean_stream_scores_what_the_model_says_of_no_loss() -> None:
    # G.107 with R = 93.2: 4.4093 (quality-measures, section 3).
    quality = diagnosed(Run("", "clean", NONE)).measured.quality
    assert quality.value == pytest.approx(4.4093, abs=1e-4)
    assert "listening only" in " ".join(quality.assumptions)


def test_the_score_of_an_unknown_codec_is_not_told() -> None:
    assert diagnosed(Run("", "silence", NONE)).measured.quality.value is None


def test_a_change_of_codec_is_told_with_its_place() -> None:
    run = Run("", "codec-change", NONE, options={"strength": "5"}, seconds=10.0)
    (change,) = diagnosed(run).measured.changes
    assert (change.before.codec, change.after.codec) == (Codec.MULAW, Codec.ALAW)
    assert 225 <= change.frame <= 275  # 250, by blocks of 25


def test_drift_is_told_in_ppm() -> None:
    run = Run("", "clock-drift", NONE, options={"strength": "-700"}, seconds=30.0)
    drift = diagnosed(run).measured.drift
    assert drift.ppm == pytest.approx(-700, abs=60)


def test_half_a_second_and_one_frame_raise_no_alarm() -> None:
    run = Run("", "clean", NONE, seconds=0.5)
    assert diagnosed(run).verdict == "ok"
    assert diagnose(fold(run, arrivals(run)[:1])).findings == ()
