"""The diagnosis of one stream: figures, findings and the verdict, and its summary."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from voipbin_cli.analysis.closing import NO_CLOSE_FRAME, Closing
from voipbin_cli.analysis.conversation.conversation import Conversation, Talk
from voipbin_cli.analysis.conversation.limits import DEFAULT_LIMITS, TalkLimits
from voipbin_cli.analysis.farend.far_queue import queue_of
from voipbin_cli.analysis.findings import (
    Circumstances,
    Finding,
    Verdict,
    find,
    find_sent,
    gravest_first,
    verdict,
)
from voipbin_cli.analysis.findings.unscored import scored
from voipbin_cli.analysis.metrics import Measured
from voipbin_cli.analysis.sent import SentFold, SentSide
from voipbin_cli.analysis.severity import Severity
from voipbin_cli.analysis.stream import StreamFold
from voipbin_cli.analysis.words import Words
from voipbin_cli.finding_ids import FindingId

# What a report can show in full: ten minutes of frames, two of sound.
KEPT_ROWS = 30_000
KEPT_SAMPLES = 120 * 8000
# A ping that waits for so long for its answer will get none: a link that is slow answers sooner.
UNANSWERED_MS = 2000
# An outage that began so shortly before the end was not given the time to be mended.
UNDECIDED_S = 2.0
# The causes of a close that the far end had no part in, as session.live names them.
_STOPPED_HERE = ("duration", "finished", "interrupted")


@dataclass(frozen=True, slots=True)
class StreamDiagnosis:
    """What was measured, what that means, and how bad it is."""

    measured: Measured
    findings: tuple[Finding, ...]
    verdict: Verdict
    sent: SentSide | None = None
    """What was sent, where it was more than silence now and then."""
    talk: Talk | None = None
    """What both tracks come to, where both sound."""

    @property
    def has_errors(self) -> bool:
        """Whether a script has to stop here: exit status 6."""
        return any(finding.severity is Severity.ERROR for finding in self.findings)

    def as_fields(self) -> dict[str, Any]:
        """The part of a summary that is the same live and from a capture."""
        measured = self.measured
        is_known = measured.is_sound_known
        reading = measured.reading if is_known else None
        dialect = measured.dialect if is_known else None
        return {
            "encapsulation": measured.encapsulation.value,
            "dialect": dialect.value if dialect else None,
            "codec": reading.codec.value if reading and not measured.told.is_transcoded else None,
            "verdict": self.verdict.value,
            "findings": [finding.as_fields() for finding in self.findings],
            "metrics": measured.as_fields(),
            "metrics_sent": self.sent.measured.as_fields() if self.sent else None,
            "far_end": self.sent.heard.as_fields() if self.sent else None,
            "conversation": self.talk.as_fields() if self.talk else None,
        }


def diagnose(
    stream: StreamFold,
    around: Circumstances | None = None,
    sent: SentFold | None = None,
    conversation: Conversation | None = None,
    limits: TalkLimits = DEFAULT_LIMITS,
    talk: Talk | None = None,
) -> StreamDiagnosis:
    """Diagnose what a stream has brought so far, what was sent into it, and what both come to.

    `talk` is what it comes to beside another stream of a capture.
    """
    around = around or Circumstances()
    measured = stream.measured(may_be_silent=around.may_be_silent)
    side = sent.result() if sent is not None else None
    if conversation is not None and side is not None and are_heard(measured, side.measured):
        talk = conversation.result(is_mix=around.is_mix)
    findings = find(measured, around, talk, limits)
    measured = replace(measured, quality=scored(measured.quality, findings))
    if side is not None:
        found = find_sent(side)
        quality = scored(side.quality, found)
        side = replace(side, measured=replace(side.measured, quality=quality))
        findings = gravest_first(findings, found)
    return StreamDiagnosis(measured, findings, verdict(findings), side, talk)


def are_heard(*sides: Measured) -> bool:
    """Whether what each sounds like is known."""
    return all(side.is_sound_known and side.is_settled for side in sides)


class DiagnosisFold:
    """What is known of a stream beside its frames; told alike by a live run and by a capture.

    The connection, its losses and its round trips go to the folds, the rest into
    `circumstances`. `target` is what the stream is of, as its label says. `sending` measures what
    is sent into it, as `stream` does what comes; without it that is not judged. `limits` are those
    of the conversation of both; without `has_turns` whoever sends does not listen, and there is
    none.
    """

    def __init__(
        self,
        stream: StreamFold,
        target: str | None = None,
        sending: StreamFold | None = None,
        limits: TalkLimits = DEFAULT_LIMITS,
        *,
        has_turns: bool = True,
    ) -> None:
        self._limits = limits
        self.stream = stream
        self.sent: SentFold | None = None
        self._conversation: Conversation | None = None
        if sending is not None:
            self.sent = SentFold(sending, stream, queue_of(target))
        if sending is not None and has_turns:
            self._conversation = talk = Conversation(queue_of(target))
            stream.sound.listener, sending.sound.listener = talk.receive, talk.send
        self._is_conference = (target or "").startswith("conference/")
        self.connections = 0
        self.is_cut = False  # a capture that ends inside of a record
        self.close: dict[str, Any] | None = None
        self._closings: list[Closing] = []
        self._silent_ms = 0.0
        self._answered_ns: int | None = None
        self._waiting_ms = 0.0
        self._pinged: bool | None = None
        self._api: dict[str, Any] = {}
        self._refusal: dict[str, Any] = {}

    def flush(self) -> None:
        """Let nothing wait any longer: the stream is over."""
        self.stream.flush()
        if self.sent is not None:
            self.sent.flush()
        self.finish_conversation()

    def finish_conversation(self) -> None:
        """Both directions are flushed: what was said was said."""
        if self._conversation is not None:
            self.stream.when_heard(self._conversation.finish)

    def told(self, fields: Mapping[str, Any]) -> None:
        """What the API said: `status`, `mute_direction`, `members`; or `finding` and why."""
        if "finding" in fields:
            self._refusal = dict(fields)
        else:
            self._api |= fields

    def opened(self) -> None:
        """A connection is up."""
        self.connections += 1
        if self.connections > 1:
            if self.sent is not None:
                self.sent.reopened()
            self.stream.reopened()

    def ended(self, fields: Mapping[str, Any]) -> None:
        """A connection is over: `code`, `reason`, `lasted_s`, `local`, `token_…`."""
        code = fields.get("code")
        self._closings.append(
            Closing(
                code if isinstance(code, int) else NO_CLOSE_FRAME,
                _text(fields.get("reason")),
                _number(fields.get("lasted_s")),
                bool(fields.get("local")),
                _seconds(fields.get("token_expires_at")),
                _number(fields.get("token_left_s")),
            )
        )

    def pinged(self, at_ns: int, fields: Mapping[str, Any]) -> None:
        """A connection's pings: how long each took, and what of the latest ones."""
        self.stream.round_trips(list(_numbers(fields.get("ms"))))
        ago_ms, waiting_ms = fields.get("answered_ago_ms"), fields.get("waiting_ms")
        self._answered_ns = (
            at_ns - round(ago_ms * 1e6) if isinstance(ago_ms, (int, float)) else None
        )
        self._waiting_ms = round(waiting_ms) if isinstance(waiting_ms, (int, float)) else 0

    def closed(self, at_ns: int, fields: Mapping[str, Any]) -> None:
        """The run is over; `fields` are those of its `close`, and of its connection's end."""
        self.close = {name: fields.get(name) for name in ("code", "reason", "cause")}
        if fields.get("cause") not in _STOPPED_HERE:
            if len(self._closings) < self.connections:
                self.ended(fields)
            return
        last_ns = self.stream.last_ns
        if last_ns is not None:
            # A capture was told the end a moment later.
            self._silent_ms = round((at_ns - last_ns) / 1e8) * 100.0
            self._pinged = self._is_answered(last_ns)

    def _is_answered(self, last_ns: int) -> bool | None:
        """Whether a ping was answered that was sent after the last frame; None: nobody knows."""
        if self._answered_ns is None:
            return None
        if self._answered_ns > last_ns:
            return True
        return False if self._waiting_ms >= UNANSWERED_MS else None

    def lagged(self, at_ns: int, late_ms: float) -> None:
        """This process woke up late."""
        self.stream.lagged(at_ns, round(late_ms * 1e6))

    @property
    def circumstances(self) -> Circumstances:
        """For the findings."""
        finding = _finding_id(self._refusal.get("finding"))
        members = self._api.get("members")
        return Circumstances(
            refused=finding if finding != FindingId.CONNECTION_LOST else None,
            details=self._refusal.get("details") or {},
            words=Words(_text(self._refusal.get("cause")), _text(self._refusal.get("remedy"))),
            mute_direction=str(self._api.get("mute_direction") or ""),
            members=members if isinstance(members, int) else None,
            look_up=_text(self._api.get("look_up")),
            is_conference=self._is_conference,
            lost_for_good=finding == FindingId.CONNECTION_LOST and not self._is_undecided,
            call_status=_text(self._api.get("status")),
            closings=tuple(self._closings),
            pinged=self._pinged,
            silent_ms=self._silent_ms,
            is_cut=self.is_cut,
        )

    @property
    def is_ended(self) -> bool:
        """Whether it was told how it ended: a run, or the attempt to connect."""
        return self.close is not None or bool(self._refusal)

    @property
    def _is_undecided(self) -> bool:
        """Time was up before a lost connection could have been won back."""
        details = self._refusal.get("details")
        outage_s = _number(details.get("outage_s")) if isinstance(details, dict) else None
        return outage_s is not None and outage_s < UNDECIDED_S

    def diagnosis(self) -> StreamDiagnosis:
        """What all of it comes to."""
        return diagnose(
            self.stream, self.circumstances, self.sent, self._conversation, self._limits
        )

    def summary(self, target: str | None) -> dict[str, Any]:
        """The fields of the summary."""
        fields = self.diagnosis().as_fields()
        return {
            "target": target,
            **fields,
            "reconnects": max(0, self.connections - 1),
            "close": self.close,
        }


def _numbers(told: object) -> Iterator[float]:
    """The numbers in what a capture calls a list of them."""
    listed = told if isinstance(told, list) else []
    return (float(value) for value in listed if isinstance(value, (int, float)))


def _number(told: object) -> float | None:
    """What a capture says, where that is a number."""
    return float(told) if isinstance(told, (int, float)) else None


def _seconds(told: object) -> float | None:
    """What a capture says, where that is a time from 1970 to 9999."""
    at = _number(told)
    return at if at is not None and 0 <= at < 2.5e11 else None


def _text(told: object) -> str:
    """What a capture says, where that is text."""
    return told if isinstance(told, str) else ""


def _finding_id(told: object) -> FindingId | None:
    """What a capture says went wrong, None for an id that is none of ours."""
    try:
        return FindingId(str(told))
    except ValueError:
        return None
