"""The rows about a conversation at their thresholds, and a run of both directions."""

from __future__ import annotations

import numpy as np
import pytest

from tests.analysis.conversation.scenes import FRAME, MS, Scene, scene
from tests.corpus.wires import START_NS, mulaw, s16le
from voipbin_cli.analysis.conversation.conversation import MIX, OWN_VOICE, Talk
from voipbin_cli.analysis.conversation.echo import Echo
from voipbin_cli.analysis.conversation.limits import DEFAULT_LIMITS, TalkLimits
from voipbin_cli.analysis.conversation.turns import Turns
from voipbin_cli.analysis.diagnosis import DiagnosisFold, StreamDiagnosis
from voipbin_cli.analysis.findings import BY_ID, Circumstances
from voipbin_cli.analysis.findings.row import Case
from voipbin_cli.analysis.messages import Messages, TimedMessage, from_messages
from voipbin_cli.analysis.stream import StreamFold
from voipbin_cli.codec.encapsulation import Encapsulation

CALM = Turns(6, (400.0, 600.0, 800.0), (200.0, 300.0), (), 0, 100.0, 20_000.0, 3000.0, 0.0, 0.0)


def sure(
    finding: str,
    *,
    echo: Echo | None = None,
    untold: str = "",
    limits: TalkLimits = DEFAULT_LIMITS,
    **changes: object,
) -> float:
    measured = StreamFold(Encapsulation.SLN).measured()
    talk = Talk(CALM._replace(**changes), echo, untold)  # type: ignore[arg-type]
    return BY_ID[finding].judge(Case(measured, Circumstances(), talk=talk, limits=limits))  # type: ignore[index]


IDS = ("echo", "slow-response", "slow-barge-in", "talk-over", "dead-air")


@pytest.mark.parametrize("finding", IDS)
def test_of_a_calm_conversation_and_of_none_nothing_is_told(finding: str) -> None:
    measured = StreamFold(Encapsulation.SLN).measured()
    assert sure(finding) == 0
    assert BY_ID[finding].judge(Case(measured, Circumstances())) == 0  # type: ignore[index]


@pytest.mark.parametrize(
    ("finding", "changes", "confidence"),
    [
        ("slow-response", {"response": (1999.0,) * 3}, 0),
        ("slow-response", {"response": (2000.0,) * 3}, 0.5),
        ("slow-response", {"response": (2080.0,) * 3}, 1),
        ("slow-response", {"response": (9000.0,) * 2}, 0),  # one or two may be questions
        ("slow-response", {"response": (9000.0,) * 3, "untold": MIX}, 0),
        ("slow-response", {"response": (9000.0,) * 3, "talk_over_ms": 1500.0}, 0),  # by chance
        ("slow-barge-in", {"barge_in": (1000.0, 1000.0)}, 0.5),
        ("slow-barge-in", {"barge_in": (3000.0,)}, 0),
        ("slow-barge-in", {"barge_in": (3000.0,) * 2, "untold": OWN_VOICE}, 0),
        ("talk-over", {"talk_over_ms": 4000.0, "spoken_ms": 24_000.0}, 0.5),
        ("talk-over", {"talk_over_ms": 2999.0, "spoken_ms": 9000.0}, 0),
        ("talk-over", {"talk_over_ms": 13_000.0, "spoken_ms": 27_000.0}, 0),  # two recordings
        ("talk-over", {"talk_over_ms": 8000.0, "untold": OWN_VOICE}, 0),
        ("dead-air", {"dead_air_longest_ms": 4999.0}, 0),
        ("dead-air", {"dead_air_longest_ms": 5500.0}, 0.75),
        ("echo", {"echo": Echo(24.0, -12.0)}, 0),
        ("echo", {"echo": Echo(30.0, -40.0)}, 0.95),
        ("echo", {"echo": Echo(300.0, -44.0)}, 0),
    ],
)
def test_each_row_at_its_threshold(finding: str, changes: dict, confidence: float) -> None:
    assert sure(finding, **changes) == pytest.approx(confidence)


def test_the_thresholds_are_options() -> None:
    strict = TalkLimits(300, 100, 0.001, 1000)
    assert sure("slow-response", limits=strict) == 1
    assert sure("slow-barge-in", limits=strict) == 1
    assert sure("dead-air", limits=strict, dead_air_longest_ms=2000.0) == 1
    assert sure("talk-over", limits=strict, talk_over_ms=4000.0, spoken_ms=40_000.0) == 1


def messages(frames: bytes, size: int) -> Messages:
    return from_messages(
        TimedMessage(frames[at : at + size], START_NS + at // size * 20 * MS)
        for at in range(0, len(frames) - size + 1, size)
    )


def run(told: Scene, target: str) -> StreamDiagnosis:
    fold = DiagnosisFold(
        StreamFold(Encapsulation.SLN), target, StreamFold(Encapsulation.SLN), TalkLimits(300.0)
    )
    assert fold.sent is not None
    fold.opened()
    fold.stream.add(messages(mulaw(told.received), FRAME))
    fold.sent.add(messages(s16le(told.sent), 2 * FRAME))
    fold.flush()
    return fold.diagnosis()


def test_a_run_of_both_directions_tells_its_conversation() -> None:
    told = scene(3, turns=3)
    diagnosis = run(told, "call/1")
    fields = diagnosis.as_fields()["conversation"]
    assert fields["response_ms"]["max"] == pytest.approx(max(told.responses), abs=20)
    assert [finding.id for finding in diagnosis.findings] == ["slow-response"]
    assert "direction" not in diagnosis.findings[0].as_fields()


def test_of_a_conference_it_says_that_it_cannot_tell() -> None:
    diagnosis = run(scene(3, turns=3), "conference/1")
    fields = diagnosis.as_fields()["conversation"]
    assert (fields["untold"], fields["response_ms"]) == (MIX, None)
    assert diagnosis.findings == ()


def test_where_a_side_is_silent_there_is_none() -> None:
    told = scene(3, turns=2)
    silent = told._replace(sent=np.zeros_like(told.sent))
    assert run(silent, "call/1").as_fields()["conversation"] is None
