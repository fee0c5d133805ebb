"""What a finding is, and what a row of the table that makes them looks at."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from voipbin_cli.analysis.closing import Closing
from voipbin_cli.analysis.conversation.conversation import Talk
from voipbin_cli.analysis.conversation.limits import DEFAULT_LIMITS, TalkLimits
from voipbin_cli.analysis.findings.sides import Side
from voipbin_cli.analysis.metrics import Measured
from voipbin_cli.analysis.sent import SentSide
from voipbin_cli.analysis.severity import Severity
from voipbin_cli.analysis.words import NO_WORDS, Words
from voipbin_cli.codec.encapsulation import Direction
from voipbin_cli.finding_ids import FindingId

INFO, WARNING, ERROR = Severity

Evidence = dict[str, Any]

# Ids that a cause may explain away together.
SIGNAL = frozenset(
    (
        FindingId.CLIPPING,
        FindingId.LOW_LEVEL,
        FindingId.DC_OFFSET,
        FindingId.NOISE,
        FindingId.SILENCE,
        FindingId.UPSTREAM_LOSS,
        FindingId.REPEATED_AUDIO,
        FindingId.CLICKS,
        FindingId.HUM,
    )
)
TIMING = frozenset(
    (
        FindingId.SENDER_PACE,
        FindingId.NETWORK_STALL,
        FindingId.UNDERRUN,
        FindingId.LOST_AUDIO,
        FindingId.JITTER,
        FindingId.CLOCK_DRIFT,
    )
)
# What the sender says in the headers of its packets.
SIGNALLED = frozenset(
    (FindingId.STREAM_RESTART, FindingId.TELEPHONE_EVENTS, FindingId.SILENCE_SUPPRESSION)
)
LABELS = frozenset((FindingId.PAYLOAD_LABEL, FindingId.TIMESTAMP_RATE))
ALL_AUDIO = (
    SIGNAL | TIMING | LABELS | {FindingId.FRAME_SIZE, FindingId.WRONG_RATE, FindingId.SEQUENCE}
)


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What is known beside the frames. `refused` is the finding of what failed before them.

    `words` are those of whoever was refused: what an error says is told alike by every command.
    `mute_direction` and `members` are the API's; `lost_for_good`: the link was not won back.
    `look_up` is what became of asking the API about the call, where it gave no answer to that.
    `call_status` is what the API said last, empty where it said nothing. `closings` are the ends
    of the connections, in order. `silent_ms` is the time between the last message and the end,
    where nobody had hung up; `pinged`: whether a ping that was sent in that time was answered,
    None where none was sent, or none ever answered. `is_cut`: the capture of it ends inside of a
    record. `way` is which way the packets of a capture went, None where nothing tells.
    """

    refused: FindingId | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    words: Words = NO_WORDS
    mute_direction: str = ""
    members: int | None = None
    look_up: str = ""
    is_conference: bool = False
    lost_for_good: bool = False
    call_status: str = ""
    closings: tuple[Closing, ...] = ()
    silent_ms: float = 0.0
    pinged: bool | None = None
    is_cut: bool = False
    way: Direction | None = None

    @property
    def may_be_silent(self) -> bool:
        """A conference passes on the frames of its only member, whose phone may send none.

        Where nobody said how many there are it may be one.
        """
        return self.members == 1 or (self.is_conference and self.members is None)

    @property
    def is_mix(self) -> bool:
        """What is received may hold several parties."""
        return self.is_conference and self.members != 1


@dataclass(frozen=True, slots=True)
class Case:
    """Everything that a row may look at."""

    measured: Measured
    around: Circumstances
    sent: SentSide | None = None
    """Of what is sent: what the far end makes of it. None of what is received."""
    declared: str | None = None
    """Of a recording: what its header says that its bytes are (`s16le`, `mulaw`, `u8`, …)."""
    talk: Talk | None = None
    """What both tracks come to; None where there are not two that sound."""
    limits: TalkLimits = DEFAULT_LIMITS


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is wrong. `evidence` holds JSON values; `symptom` is how it shows."""

    id: FindingId
    severity: Severity
    confidence: float
    title: str
    evidence: Mapping[str, Any]
    side: Side
    remedy: str
    symptom: str = ""
    direction: Direction | None = None
    """Of what is received or of what is sent; None where it is of the way to both."""

    def as_fields(self) -> dict[str, Any]:
        """The fields that the command line promises, whose side it is, and the symptom."""
        direction = {} if self.direction is None else {"direction": self.direction.value}
        return {
            "id": self.id.value,
            **direction,
            "severity": self.severity.value,
            "confidence": round(self.confidence, 2),
            "title": self.title,
            "evidence": dict(self.evidence),
            "side": self.side.value,
            "remedy": self.remedy,
            "symptom": self.symptom,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingRow:
    """One id. `judge` returns a confidence from 0 (not found) to 1.

    `rests_on` says in words what is looked at for that.

    `specify` says what is known better of a case than of the row: another title or remedy.
    `blame` says whose side it is, where a case tells more of that than the id does.
    `grave` says when a warning is an error, `mild` when it is but an info. `explains` are ids
    that are not told beside it, `explains_here` those of one case, `follows` those that are told
    before it where they are errors.
    """

    id: FindingId
    severity: Severity
    title: str
    judge: Callable[[Case], float]
    prove: Callable[[Case], Evidence]
    remedy: str
    rests_on: str = ""
    symptom: str = ""
    specify: Callable[[Case], Words] = lambda _facts: NO_WORDS
    explains: frozenset[FindingId] = field(default_factory=frozenset)
    explains_here: Callable[[Case], frozenset[FindingId]] = lambda _facts: frozenset()
    follows: frozenset[FindingId] = field(default_factory=frozenset)
    blame: Callable[[Case], Side | None] = lambda _facts: None
    grave: Callable[[Case], bool] = lambda _facts: False
    mild: Callable[[Case], bool] = lambda _facts: False

    def finding(
        self,
        case: Case,
        confidence: float,
        direction: Direction | None = None,
        side: Side = Side.UNKNOWN,
    ) -> Finding:
        """What this row has found, and on whose side it is."""
        severity = INFO if self.mild(case) else ERROR if self.grave(case) else self.severity
        words = self.specify(case)
        return Finding(
            id=self.id,
            severity=severity,
            confidence=min(1.0, confidence),
            title=words.title or self.title,
            evidence=self.prove(case),
            side=side,
            remedy=words.remedy or self.remedy,
            symptom=self.symptom,
            direction=direction,
        )


def sure(value: float, limit: float, certain: float) -> float:
    """0.5 at the limit, rising to 1 at `certain`; 0 below."""
    if value < limit:
        return 0.0
    return min(1.0, 0.5 + 0.5 * (value - limit) / (certain - limit))


def tenths(value: float) -> float:
    """As evidence shows it."""
    return round(value, 1)
