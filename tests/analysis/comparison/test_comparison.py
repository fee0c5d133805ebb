"""What is told of two runs, and what is not."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.corpus.runs import Run, arrivals, fold
from voipbin_cli.analysis.comparison.comparison import Comparison, Effect, compare
from voipbin_cli.analysis.comparison.figures import FIGURES, FigureId
from voipbin_cli.analysis.diagnosis import DiagnosisFold
from voipbin_cli.finding_ids import FindingId

TALK = {
    "response_ms": {"p50": 800.0, "p50_low": 700.0, "p50_high": 900.0},
    "barge_in_ms": None,
    "uncertainty_ms": 40.0,
    "untold": None,
}


def summary(scenario: str, seed: int = 1, seconds: float = 10.0) -> dict[str, Any]:
    run = Run("", scenario, frozenset(), seconds=seconds, seed=seed)
    told = DiagnosisFold(fold(run, arrivals(run))).summary("sim")
    return json.loads(json.dumps(told))


HEALTHY = summary("clean")


def changed(path: str, value: Any, of: dict[str, Any] = HEALTHY) -> dict[str, Any]:
    """The same with another value at a.b.c."""
    told = copy.deepcopy(of)
    *way, last = path.split(".")
    inner = told
    for name in way:
        inner = inner[name]
    inner[last] = value
    return told


def told(comparison: Comparison) -> dict[str, str]:
    return {row.id: row.outcome for row in comparison.figures if row.outcome is not Effect.SAME}


def test_a_run_beside_itself_is_the_same() -> None:
    found = compare(HEALTHY, HEALTHY)
    assert found.outcome is Effect.SAME
    assert {row.change.value for row in found.figures} == {0.0}
    assert not found.findings
    assert not found.differs


@pytest.mark.parametrize("seed", [2, 3, 4])
def test_healthy_runs_are_the_same(seed: int) -> None:
    assert compare(HEALTHY, summary("clean", seed)).outcome is Effect.SAME


def test_what_went_wrong_is_worse_and_what_was_mended_better() -> None:
    jittery = summary("jitter")
    worse, better = compare(HEALTHY, jittery), compare(jittery, HEALTHY)
    assert (worse.outcome, better.outcome) == (Effect.WORSE, Effect.BETTER)
    assert told(worse)[FigureId.JITTER] == "worse"
    assert [(row.id, row.is_new) for row in worse.findings] == [("jitter", True)]
    assert [(row.id, row.is_new) for row in better.findings] == [("jitter", False)]


def test_one_stall_more_may_be_chance_and_its_finding_as_well() -> None:
    stall = {"id": "network-stall", "direction": "in", "severity": "warning", "title": "a stall"}
    after = changed("metrics.stalls.count", 1, changed("findings", [stall]))
    found = compare(HEALTHY, after)
    assert found.outcome is Effect.SAME
    (row,) = found.findings
    assert (row.rests_on, row.is_certain) == (FigureId.STALLS, False)
    assert compare(HEALTHY, changed("metrics.stalls.count", 30, after)).outcome is Effect.WORSE


def test_a_finding_that_rests_on_no_figure_is_certain_and_an_info_is_no_change() -> None:
    hum = {"id": "hum", "direction": "in", "severity": "warning", "title": "a hum"}
    assert compare(HEALTHY, changed("findings", [hum])).outcome is Effect.WORSE
    assert compare(changed("findings", [hum]), HEALTHY).outcome is Effect.BETTER
    noted = compare(HEALTHY, changed("findings", [hum | {"severity": "info"}]))
    assert noted.outcome is Effect.SAME
    assert len(noted.findings) == 1


def test_better_here_and_worse_there_is_changed() -> None:
    hum = {"id": "hum", "direction": "in", "severity": "warning", "title": "a hum"}
    before = changed("metrics.stalls.count", 30)
    assert compare(before, changed("findings", [hum])).outcome is Effect.CHANGED


def test_what_nobody_would_notice_is_no_change() -> None:
    sure = changed("metrics.interarrival_jitter_ms", {"mean": 1.0, "uncertainty": 0.01})
    near = changed("metrics.interarrival_jitter_ms.mean", 2.9, sure)
    far = changed("metrics.interarrival_jitter_ms.mean", 3.1, sure)
    assert not told(compare(sure, near))
    assert told(compare(sure, far)) == {"jitter": "worse"}


def test_this_machines_own_lateness_is_part_of_the_doubt_of_jitter() -> None:
    sure = changed("metrics.interarrival_jitter_ms", {"mean": 1.0, "uncertainty": 0.01})
    late = changed("metrics.local_lag_ms", {"p99": 30.0, "max": 90.0}, sure)
    assert not told(compare(sure, changed("metrics.interarrival_jitter_ms.mean", 15.0, late)))


def test_a_level_is_neither_better_nor_worse() -> None:
    sure = changed("metrics.level_dbfs", {"rms": -26.0, "uncertainty_db": 1.0})
    assert told(compare(sure, changed("metrics.level_dbfs.rms", -40.0, sure))) == {
        "level": "changed"
    }


def test_answers_are_compared_by_their_median_and_what_is_known_of_it() -> None:
    before = changed("conversation", TALK)
    slow = {"p50": 1500.0, "p50_low": 1400.0, "p50_high": 1600.0}
    after = changed("conversation", TALK | {"response_ms": slow})
    assert told(compare(before, after)) == {"response": "worse"}
    # 800 ± 140 and 950 ± 140 ms: 150 is less than sqrt(140^2 + 140^2) = 198.
    near = {"p50": 950.0, "p50_low": 850.0, "p50_high": 1050.0}
    assert not told(compare(before, changed("conversation", TALK | {"response_ms": near})))


@pytest.mark.parametrize(
    ("after", "figure", "reason"),
    [
        (changed("conversation", TALK | {"response_ms": None}), "response", "never happened"),
        (changed("conversation", TALK | {"response_ms": {"p50": 1.0}}), "response", "too seldom"),
        (
            changed("conversation", TALK | {"response_ms": None, "untold": "it is a mix"}),
            "response",
            "it is a mix",
        ),
        (changed("metrics.mos", {"value": None, "reason": "it is silent"}), "mos", "it is silent"),
        (changed("metrics.buffers", None), "late", "not told of this run"),
        (changed("metrics.interarrival_jitter_ms", {"mean": 1.0}), "jitter", "too short"),
    ],
)
def test_what_cannot_be_compared_is_told_with_its_reason(
    after: dict[str, Any], figure: str, reason: str
) -> None:
    before = changed("conversation", TALK)
    rows = {row.id: row.reason for row in compare(before, after).not_compared}
    assert reason in rows[FigureId(figure)]


def test_what_neither_run_has_is_no_question() -> None:
    asked = {row.id for row in compare(HEALTHY, HEALTHY).not_compared}
    assert not asked & {FigureId.RESPONSE, FigureId.BARGE_IN, FigureId.HOLES}


def test_a_summary_of_nothing_compares_nothing() -> None:
    found = compare({}, HEALTHY)
    assert not found.figures
    assert {row.reason for row in found.not_compared} == {"it is not told of the run before"}


def test_another_codec_is_told() -> None:
    assert compare(HEALTHY, changed("codec", "s16le")).differs == {"codec": ("mulaw", "s16le")}


def test_every_finding_that_a_row_decides_is_one() -> None:
    assert {finding for row in FIGURES for finding in row.findings} <= set(FindingId)


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(["count", "lost", "p50", "id", "value"]), inner, max_size=3
        )
    ),
    max_leaves=6,
)
PARTS = st.sampled_from(["stalls", "bursts", "buffers", "mos", "local_lag_ms", "level_dbfs"])


@given(
    st.dictionaries(
        st.sampled_from(["metrics", "findings", "conversation", "far_end", "codec"]), ANY
    ),
    st.dictionaries(PARTS, ANY),
)
@settings(max_examples=60, deadline=None)
def test_whatever_somebody_has_written_is_compared_or_not(
    before: dict[str, Any], metrics: dict[str, Any]
) -> None:
    for one in (before, HEALTHY | {"metrics": HEALTHY["metrics"] | metrics}):
        json.dumps(compare(one, HEALTHY).as_fields("x"), allow_nan=False)
