"""The table of findings: its ids, its order, what explains what."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from tests.corpus.runs import Run, arrivals, fold
from voipbin_cli.analysis.findings import (
    BY_ID,
    ROWS,
    Circumstances,
    Row,
    Verdict,
    find,
    verdict,
)
from voipbin_cli.analysis.metrics import Measured, Outage
from voipbin_cli.analysis.severity import Severity
from voipbin_cli.analysis.stream import StreamFold
from voipbin_cli.codec.encapsulation import Encapsulation
from voipbin_cli.simulator.catalog import SCENARIOS

# The command line's contract.
IDS = [
    "cannot-connect",
    "tls",
    "auth",
    "forbidden",
    "not-found",
    "rate-limited",
    "call-not-progressing",
    "closed-early",
    "no-audio",
    "silence",
    "muted",
    "network-stall",
    "lost-audio",
    "upstream-loss",
    "jitter",
    "clock-drift",
    "wrong-rate",
    "frame-size",
    "sequence",
    "timestamp-rate",
    "payload-label",
    "byte-order",
    "misaligned",
    "codec-mismatch",
    "not-audio",
    "clipping",
    "low-level",
    "dc-offset",
    "noise",
    "local-lag",
    "connection-lost",
]
NONE: frozenset[str] = frozenset()


def _measured(scenario: str = "clean", **how: object) -> Measured:
    run = Run(scenario, scenario, NONE, **how)  # type: ignore[arg-type]
    return fold(run, arrivals(run), 500).measured()


def test_every_id_of_the_contract_has_one_row_and_no_other_has() -> None:
    assert sorted(row.id for row in ROWS) == sorted(IDS)


def test_every_scenario_names_an_id_of_the_table() -> None:
    assert {row.finding for row in SCENARIOS.values()} - {None} <= set(BY_ID)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_a_row_speaks_to_a_person_and_explains_only_what_exists(row: Row) -> None:
    assert row.title
    assert row.remedy
    assert row.explains <= set(BY_ID)
    assert row.id not in row.explains
    assert re.fullmatch(r"[a-z-]+", row.id)


def test_what_a_row_explains_stands_below_it() -> None:
    """Else it would be told before its cause was looked for."""
    place = {row.id: n for n, row in enumerate(ROWS)}
    for row in ROWS:
        assert all(place[other] > place[row.id] for other in row.explains), row.id


@pytest.mark.parametrize(
    "refused",
    [
        "cannot-connect",
        "tls",
        "auth",
        "forbidden",
        "not-found",
        "rate-limited",
        "call-not-progressing",
        "closed-early",
    ],
)
def test_what_failed_before_the_frames_is_the_only_finding(refused: str) -> None:
    around = Circumstances(refused=refused, details={"http_status": 401})
    (found,) = find(StreamFold(Encapsulation.RTP).measured(), around)
    assert (found.id, found.severity, found.evidence) == (refused, "error", {"http_status": 401})


def test_no_frame_is_no_audio_but_not_in_a_conference_of_one() -> None:
    empty = StreamFold(Encapsulation.RTP).measured()
    (found,) = find(empty, Circumstances())
    assert (found.id, found.severity) == ("no-audio", Severity.ERROR)
    (alone,) = find(empty, Circumstances(members=1))
    assert (alone.id, alone.severity) == ("no-audio", Severity.INFO)


def test_mute_explains_silence() -> None:
    measured = _measured("silence")
    assert [f.id for f in find(measured, Circumstances())] == ["silence"]
    around = Circumstances(mute_direction="both")
    assert [f.id for f in find(measured, around)] == ["muted"]


def test_a_lost_link_is_graver_when_it_is_not_won_back() -> None:
    measured = _measured()
    assert find(measured, Circumstances()) == ()
    outage = Outage(0, 700_000_000)
    lost = replace(measured, outages=(outage,))
    (found,) = find(lost, Circumstances())
    assert (found.id, found.severity) == ("connection-lost", Severity.WARNING)
    assert found.evidence["longest_ms"] == 700.0
    (grave,) = find(lost, Circumstances(lost_for_good=True))
    assert grave.severity is Severity.ERROR


def test_the_gravest_comes_first_then_the_cause() -> None:
    found = find(_measured("byte-order+stall", options={"dialect": "linear"}), Circumstances())
    ranks = [finding.severity.rank for finding in found]
    assert ranks == sorted(ranks, reverse=True)
    assert found[0].id in ("byte-order", "network-stall")


def test_the_verdict_is_the_worst_of_them() -> None:
    info = find(_measured("silence"), Circumstances())
    warning = find(_measured("clock-drift"), Circumstances())
    error = find(_measured("not-audio"), Circumstances())
    assert verdict(()) is verdict(info) is Verdict.OK
    assert verdict(warning) is verdict((*warning, *info)) is Verdict.DEGRADED
    assert verdict(error) is Verdict.BAD
