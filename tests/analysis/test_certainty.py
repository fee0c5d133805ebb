"""When no more need be heard: what stays the first cause for a while, and what never is certain."""

from __future__ import annotations

import pytest

from voipbin_cli.analysis.certainty import EVENTFUL_S, LOOK_S, STEADY_S, Certainty
from voipbin_cli.analysis.findings.row import Finding
from voipbin_cli.analysis.findings.sides import Side
from voipbin_cli.analysis.severity import Severity
from voipbin_cli.finding_ids import FindingId


def found(
    finding: str, confidence: float = 1.0, severity: Severity = Severity.WARNING
) -> tuple[Finding, ...]:
    return (
        Finding(
            id=FindingId(finding),
            severity=severity,
            confidence=confidence,
            title="",
            evidence={},
            side=Side.UNKNOWN,
            remedy="",
        ),
    )


def heard_s(*looks: tuple[Finding, ...]) -> float | None:
    """When it was sure, of looks at a steady pace; the last of them goes on for a minute."""
    certainty = Certainty()
    for number in range(120):
        seconds = 2.0 + number * LOOK_S
        if certainty.is_sure(seconds, looks[min(number, len(looks) - 1)]):
            return seconds - 2.0
    return None


@pytest.mark.parametrize(
    ("finding", "seconds"),
    [
        ("byte-order", STEADY_S),
        ("muted", STEADY_S),
        ("network-stall", EVENTFUL_S),
        ("upstream-loss", EVENTFUL_S),
        ("silence", None),
        ("clock-drift", None),
        ("slow-response", None),
    ],
)
def test_a_cause_that_stays_is_certain_unless_time_alone_tells(
    finding: str, seconds: float | None
) -> None:
    assert heard_s(found(finding)) == seconds


def test_what_is_healthy_harmless_or_doubtful_is_heard_to_the_end() -> None:
    assert heard_s(()) is None
    assert heard_s(found("frame-size", severity=Severity.INFO)) is None
    assert heard_s(found("network-stall", 0.9)) is None


def test_another_cause_is_waited_for_anew() -> None:
    assert (
        heard_s(found("jitter"), found("jitter"), found("network-stall")) == 2 * LOOK_S + EVENTFUL_S
    )
    assert heard_s(found("jitter"), (), found("jitter")) == 2 * LOOK_S + EVENTFUL_S
