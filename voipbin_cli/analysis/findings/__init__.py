"""What is wrong, how sure that is, and what to do: one table, a row for each finding id.

The rows stand in the order of causes, a module for each kind of them. A row that is found explains
away those that it names: a stall is not reported as jitter too. What is left is told gravest
first; the first is the root cause. Symptom wordings are the platform's own where it has one.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from voipbin_cli.analysis.conversation.conversation import Talk
from voipbin_cli.analysis.conversation.limits import DEFAULT_LIMITS, TalkLimits
from voipbin_cli.analysis.findings import (
    arrival,
    artefacts,
    connection,
    conversation,
    holes,
    pace,
    payload,
    recorded,
    running_dry,
    signalled,
    sound,
    unheard,
)
from voipbin_cli.analysis.findings import mislabelled as labels
from voipbin_cli.analysis.findings import sent as sent_rows
from voipbin_cli.analysis.findings.row import Case, Circumstances, Finding, FindingRow
from voipbin_cli.analysis.findings.sides import Side, side_of
from voipbin_cli.analysis.metrics import Measured
from voipbin_cli.analysis.sent import SentSide
from voipbin_cli.analysis.severity import Severity
from voipbin_cli.codec.encapsulation import Direction
from voipbin_cli.finding_ids import FindingId

__all__ = [
    "BY_ID",
    "ROWS",
    "Circumstances",
    "Finding",
    "FindingRow",
    "Side",
    "Verdict",
    "find",
    "find_in_both",
    "find_recorded",
    "find_sent",
    "gravest_first",
    "verdict",
]

ROWS: tuple[FindingRow, ...] = (
    *connection.ROWS,
    *unheard.ROWS,
    *payload.ROWS,
    *pace.ROWS,
    *running_dry.ROWS,
    *arrival.ROWS,
    holes.UPSTREAM_LOSS,
    *artefacts.ROWS,
    *sound.ROWS,
    holes.SILENCE,
    *signalled.ROWS,
    *conversation.ROWS,
    *labels.ROWS,
)

BY_ID: Mapping[FindingId, FindingRow] = MappingProxyType({row.id: row for row in ROWS})


class Verdict(StrEnum):
    """`bad` with an error, `degraded` with a warning, else `ok`."""

    OK = "ok"
    DEGRADED = "degraded"
    BAD = "bad"


_VERDICTS = {
    Severity.INFO: Verdict.OK,
    Severity.WARNING: Verdict.DEGRADED,
    Severity.ERROR: Verdict.BAD,
}


# Of the way to a stream, and of neither direction of it.
_OF_NEITHER = {row.id for row in connection.ROWS} - {FindingId.NO_AUDIO} | {FindingId.LOCAL_LAG}
_OF_NEITHER |= {row.id for row in conversation.ROWS}


def find(
    measured: Measured,
    around: Circumstances,
    talk: Talk | None = None,
    limits: TalkLimits = DEFAULT_LIMITS,
) -> tuple[Finding, ...]:
    """What is wrong, gravest first, in each severity by cause; what another explains left out."""
    direction = around.way if measured.is_datagrams else Direction.IN
    return tuple(_found(ROWS, Case(measured, around, talk=talk, limits=limits), direction))


def find_sent(sent: SentSide) -> tuple[Finding, ...]:
    """The same of what is sent."""
    case = Case(sent.measured, Circumstances(), sent)
    return tuple(_found(sent_rows.ROWS, case, Direction.OUT))


def find_recorded(
    measured: Measured, declared: str | None, direction: Direction | None
) -> tuple[Finding, ...]:
    """The same of one channel of a recording, whose header says that its bytes are `declared`."""
    case = Case(measured, Circumstances(), declared=declared)
    return tuple(_found(recorded.ROWS, case, direction, Side.RECORDED))


def find_in_both(
    measured: Measured, talk: Talk | None, back: Talk | None, limits: TalkLimits = DEFAULT_LIMITS
) -> tuple[Finding, ...]:
    """The same of both channels of a recording together: `talk`, and `back` the other way round."""
    first, second = (
        Case(measured, Circumstances(), talk=each, limits=limits) for each in (talk, back)
    )
    return (*_found(recorded.OF_BOTH, first, None), *_found(recorded.BACK, second, None))


def gravest_first(*found: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """The findings of several directions in one order."""
    together = (finding for findings in found for finding in findings)
    return tuple(sorted(together, key=lambda finding: -finding.severity.rank))


def _found(
    rows: tuple[FindingRow, ...], case: Case, direction: Direction | None, side: Side | None = None
) -> list[Finding]:
    """What the rows find; all of it on `side`, where that is known before."""
    explained: set[FindingId] = set()
    found: list[Finding] = []
    for row in rows:
        confidence = row.judge(case)
        if confidence > 0 and row.id not in explained:
            explained |= row.explains | row.explains_here(case)
            way = None if row.id in _OF_NEITHER else direction
            of_id = side_of(row.id, way, is_datagrams=case.measured.is_datagrams)
            found.append(row.finding(case, confidence, way, side or row.blame(case) or of_id))
    errors = {finding.id for finding in found if finding.severity is Severity.ERROR}

    def place(finding: Finding) -> tuple[int, bool]:
        return -finding.severity.rank, bool(BY_ID[finding.id].follows & errors)

    return sorted(found, key=place)


def verdict(findings: tuple[Finding, ...]) -> Verdict:
    """The worst of them in a word."""
    severities = [finding.severity for finding in findings]
    return _VERDICTS[max(severities, key=lambda severity: severity.rank, default=Severity.INFO)]
