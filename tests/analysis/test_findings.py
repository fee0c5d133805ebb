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
    FindingRow,
    Verdict,
    find,
    verdict,
)
from voipbin_cli.analysis.messages import TimedMessage, from_messages
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
    "sender-pace",
    "underrun",
    "network-stall",
    "lost-audio",
    "upstream-loss",
    "repeated-audio",
    "clicks",
    "hum",
    "jitter",
    "clock-drift",
    "wrong-rate",
    "frame-size",
    "sequence",
    "timestamp-rate",
    "payload-label",
    "stream-restart",
    "telephone-events",
    "silence-suppression",
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
    "encapsulation-mismatch",
    "unjudged-codec",
    "encrypted",
    "capture-cut",
    "echo",
    "slow-response",
    "slow-barge-in",
    "talk-over",
    "dead-air",
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
def test_a_row_speaks_to_a_person_and_explains_only_what_exists(row: FindingRow) -> None:
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


@pytest.mark.parametrize(
    ("text", "look"),
    [
        ("MEDIA_START", "words"),
        ('{"event": "media", "media": {"payload": "//79"}}', "JSON: event, media"),
        ("//79/f39" * 20 + "==", "base64"),
        ("<html><p>no</p></html>", "HTML or XML"),
    ],
)
@pytest.mark.parametrize("encapsulation", Encapsulation)
def test_text_messages_alone_are_not_audio_and_told_by_their_look(
    encapsulation: Encapsulation, text: str, look: str
) -> None:
    stream = StreamFold(encapsulation)
    stream.add(from_messages(TimedMessage(text, n * 20_000_000) for n in range(50)))
    (found,) = find(stream.measured(), Circumstances())
    assert (found.id, found.severity, found.evidence["found"]) == ("not-audio", "error", look)
    assert found.title.endswith(look)
    assert (found.evidence["messages"], found.evidence["text_messages"]) == (50, 50)
    # Of several the first one tells, and chunks make no difference.
    stream.add(from_messages([TimedMessage("[1]", 9_000_000_000)]))
    (again,) = find(stream.measured(), Circumstances())
    assert again.evidence["found"] == look


def test_a_text_beside_audio_is_no_finding() -> None:
    run = Run("clean", "clean", NONE)
    stream = StreamFold(Encapsulation.RTP)
    stream.add(from_messages([TimedMessage('{"event": "start"}', 0)]))
    stream.add(from_messages(arrivals(run)))
    stream.flush()
    assert find(stream.measured(), Circumstances()) == ()


def _slow(trips_ms: list[float], interval_ms: int = 32) -> Measured:
    """20 ms of speech each 32 ms: 5000 samples a second."""
    run = Run("clean", "clean", NONE)
    stream = StreamFold(Encapsulation.RTP)
    stream.add(
        from_messages(
            TimedMessage(message.data, n * interval_ms * 1_000_000)
            for n, message in enumerate(arrivals(run))
        )
    )
    stream.round_trips(trips_ms)
    stream.flush()
    return stream.measured()


def test_a_slow_stream_has_a_slow_sender_unless_pings_queue_as_it_does() -> None:
    (pace, *_) = find(_slow([2.0, 2.1, 1.9]), Circumstances())
    assert pace.id == "sender-pace"
    # 37.5 % of the audio is still on its way: after 10 s a ping waits for nearly 4.
    (stall, *_) = find(_slow([2.0, 1900.0, 3700.0]), Circumstances())
    assert (stall.id, stall.severity) == ("network-stall", Severity.ERROR)
    assert stall.evidence["link_carries"] == pytest.approx(20 / 32, abs=0.01)
    assert stall.evidence["pings_queued_ms"] == 3698.0
    # 500 frames take 16 s, and hold 10 s.
    assert stall.evidence["behind_ms"] == pytest.approx(6000, abs=50)


def test_audio_is_not_lost_that_waits_where_pings_wait_too() -> None:
    def measured(trips_ms: list[float]) -> Measured:
        run = Run("", "clean", NONE)
        stream = StreamFold(Encapsulation.RTP)
        late_ns = 100_000_000  # from the fifth second on a queue has 100 ms in it
        stream.add(
            from_messages(
                message._replace(time_ns=message.time_ns + late_ns * (n >= 250))
                for n, message in enumerate(arrivals(run))
            )
        )
        stream.round_trips(trips_ms)
        stream.flush()
        return stream.measured()

    assert measured([1.0, 1.5]).lost_ms == pytest.approx(100, abs=20)
    assert measured([1.0, 101.0]).lost_ms == 0
    # A wait of a third as long explains nothing.
    assert measured([1.0, 45.0]).lost_ms == pytest.approx(100, abs=20)


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
    (grave,) = find(lost, Circumstances(lost_for_good=True, call_status="progressing"))
    assert grave.severity is Severity.ERROR


def test_the_gravest_comes_first_then_the_cause() -> None:
    found = find(_measured("byte-order+stall", options={"dialect": "linear"}), Circumstances())
    ranks = [finding.severity.rank for finding in found]
    assert ranks == sorted(ranks, reverse=True)
    assert found[0].id in ("byte-order", "network-stall")


def test_the_verdict_is_the_worst_of_them() -> None:
    info = find(_measured("timestamp-rate"), Circumstances())
    warning = find(_measured("clock-drift"), Circumstances())
    error = find(_measured("not-audio"), Circumstances())
    assert verdict(()) is verdict(info) is Verdict.OK
    assert verdict(warning) is verdict((*warning, *info)) is Verdict.DEGRADED
    assert verdict(error) is Verdict.BAD
