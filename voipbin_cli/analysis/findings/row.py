"""What a finding is, and what a row of the table that makes them looks at."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from voipbin_cli.analysis.metrics import Measured
from voipbin_cli.analysis.severity import Severity

INFO, WARNING, ERROR = Severity

Evidence = dict[str, Any]

# Ids that a cause may explain away together.
SIGNAL = frozenset(("clipping", "low-level", "dc-offset", "noise", "silence", "upstream-loss"))
TIMING = frozenset(("network-stall", "lost-audio", "jitter", "clock-drift"))
LABELS = frozenset(("payload-label", "timestamp-rate"))
ALL_AUDIO = SIGNAL | TIMING | LABELS | {"frame-size", "wrong-rate", "sequence"}


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What is known beside the frames. `refused` is the finding of what failed before them.

    `mute_direction` and `members` are the API's; `lost_for_good`: the link was not won back.
    `silent_ms` is the time between the last message and the end, where nobody had hung up.
    """

    refused: str | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    mute_direction: str = ""
    members: int | None = None
    lost_for_good: bool = False
    silent_ms: float = 0.0


@dataclass(frozen=True, slots=True)
class Case:
    """Everything that a row may look at."""

    measured: Measured
    around: Circumstances


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong. `evidence` holds JSON values; `symptom` is how it shows."""

    id: str
    severity: Severity
    confidence: float
    title: str
    evidence: Mapping[str, Any]
    remedy: str
    symptom: str = ""

    def as_fields(self) -> dict[str, Any]:
        """The fields that the command line promises, and the symptom."""
        return {
            "id": self.id,
            "severity": self.severity.value,
            "confidence": round(self.confidence, 2),
            "title": self.title,
            "evidence": dict(self.evidence),
            "remedy": self.remedy,
            "symptom": self.symptom,
        }


@dataclass(frozen=True, slots=True)
class FindingRow:
    """One id. `judge` returns a confidence from 0 (not found) to 1.

    `grave` says when a warning is an error, `mild` when it is but an info. `explains` are ids
    that are not told beside it, `follows` those that are told before it where they are errors.
    """

    id: str
    severity: Severity
    title: str
    judge: Callable[[Case], float]
    prove: Callable[[Case], Evidence]
    remedy: str
    symptom: str = ""
    explains: frozenset[str] = field(default_factory=frozenset)
    follows: frozenset[str] = field(default_factory=frozenset)
    grave: Callable[[Case], bool] = lambda _facts: False
    mild: Callable[[Case], bool] = lambda _facts: False

    def finding(self, facts: Case, confidence: float) -> Finding:
        """What this row has found."""
        severity = INFO if self.mild(facts) else ERROR if self.grave(facts) else self.severity
        return Finding(
            self.id,
            severity,
            min(1.0, confidence),
            self.title,
            self.prove(facts),
            self.remedy,
            self.symptom,
        )


def sure(value: float, limit: float, certain: float) -> float:
    """0.5 at the limit, rising to 1 at `certain`; 0 below."""
    if value < limit:
        return 0.0
    return min(1.0, 0.5 + 0.5 * (value - limit) / (certain - limit))


def tenths(value: float) -> float:
    """As evidence shows it."""
    return round(value, 1)
