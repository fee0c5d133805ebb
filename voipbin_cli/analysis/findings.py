"""What is wrong, how sure that is, and what to do: one table, a row for each finding id.

The rows stand in the order of causes. A row that is found explains away those that it names: a
stall is not reported as jitter too. What is left is told gravest first; the first is the root
cause. Symptom wordings are the platform's own where it has one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from voipbin_cli.analysis import evidence
from voipbin_cli.analysis.evidence import Circumstances, Facts
from voipbin_cli.analysis.metrics import Measured


class Severity(StrEnum):
    """`error`: it cannot be used as it is. `warning`: it is heard. `info`: it does no harm."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"

    @property
    def rank(self) -> int:
        """0 is the gravest."""
        return list(Severity).index(self)


class Verdict(StrEnum):
    """`bad` with an error, `degraded` with a warning, else `ok`."""

    OK = "ok"
    DEGRADED = "degraded"
    BAD = "bad"


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
class Row:
    """One id. `judge` returns a confidence from 0 (not found) to 1.

    `grave` says when a warning is an error. `explains` are ids that are not told beside it.
    """

    id: str
    severity: Severity
    title: str
    judge: Callable[[Facts], float]
    prove: Callable[[Facts], dict[str, Any]]
    remedy: str
    symptom: str = ""
    explains: frozenset[str] = field(default_factory=frozenset)
    grave: Callable[[Facts], bool] = lambda _facts: False
    mild: Callable[[Facts], bool] = lambda _facts: False


ERROR, WARNING, INFO = Severity

_SIGNAL = frozenset(("clipping", "low-level", "dc-offset", "noise", "silence", "upstream-loss"))
_TIMING = frozenset(("network-stall", "lost-audio", "jitter", "clock-drift"))
_LABELS = frozenset(("payload-label", "timestamp-rate"))
_ALL_AUDIO = _SIGNAL | _TIMING | _LABELS | {"frame-size", "wrong-rate", "sequence"}
_DISCONNECTED = "connection refused"


def _before_upgrade(
    finding_id: str, title: str, remedy: str, symptom: str, judge: Callable[[Facts], float]
) -> Row:
    return Row(
        finding_id,
        ERROR,
        title,
        judge,
        evidence.refusal,
        remedy,
        symptom,
        _ALL_AUDIO | {"no-audio", "closed-early", "connection-lost"},
    )


def _refused(finding_id: str) -> Callable[[Facts], float]:
    return lambda facts: 1.0 if facts.around.refused == finding_id else 0.0


ROWS: tuple[Row, ...] = (
    _before_upgrade(
        "cannot-connect",
        "no connection to the platform",
        "check the address, the network and the proxy settings, then try again",
        _DISCONNECTED,
        _refused("cannot-connect"),
    ),
    _before_upgrade(
        "tls",
        "the TLS connection is not trusted",
        "check this machine's clock and the certificate; --ca-file names a private authority",
        _DISCONNECTED,
        _refused("tls"),
    ),
    _before_upgrade(
        "auth",
        "the credential is not accepted",
        "check the token and its permissions: a token in VOIPBIN_TOKEN, an access key in "
        "VOIPBIN_ACCESSKEY, or voipbin login again",
        "401",
        _refused("auth"),
    ),
    _before_upgrade(
        "forbidden",
        "the credential may not hear this",
        "check the account's permissions; a direct token cannot open a media stream",
        "403",
        _refused("forbidden"),
    ),
    _before_upgrade(
        "not-found",
        "there is no such call or conference",
        "check the id, and that it belongs to this API (--api-url): voipbin calls list",
        "404",
        _refused("not-found"),
    ),
    _before_upgrade(
        "rate-limited",
        "too many requests",
        "wait as long as the server says, then reconnect with exponential backoff",
        "429",
        _refused("rate-limited"),
    ),
    _before_upgrade(
        "call-not-progressing",
        "the call or conference is not up",
        "the call or conference must be active and progressing: voipbin calls list",
        _DISCONNECTED,
        _refused("call-not-progressing"),
    ),
    Row(
        "closed-early",
        ERROR,
        "accepted, then closed before any audio",
        _refused("closed-early"),
        evidence.refusal,
        "the call's media could not be set up: try again, then give support the call's id",
        "connection drops",
        _ALL_AUDIO | {"no-audio", "connection-lost"},
    ),
    Row(
        "muted",
        WARNING,
        "the API says that the call is muted",
        evidence.judge_muted,
        evidence.muted,
        "unmute the call through the API (mute_direction must be empty)",
        "no audio received",
        frozenset(("silence", "low-level", "no-audio")),
    ),
    Row(
        "no-audio",
        ERROR,
        "connected, and no frame of audio arrived",
        evidence.judge_no_audio,
        evidence.no_audio,
        "the call must be answered and audio flowing; check the encapsulation; leave --keepalive "
        "on, as some far ends send nothing before they hear something",
        "no audio received",
        frozenset(("silence",)),
        mild=evidence.is_lone_member,
    ),
    Row(
        "connection-lost",
        WARNING,
        "the link broke while the call went on",
        evidence.judge_connection_lost,
        evidence.connection_lost,
        "reconnect with exponential backoff; check the network",
        "connection drops",
        grave=evidence.is_not_won_back,
    ),
    Row(
        "local-lag",
        WARNING,
        "this machine read late; its gaps are not the network's",
        evidence.judge_local_lag,
        evidence.local_lag,
        "check CPU: give the reader its own process, or this machine less to do",
        "choppy",
        frozenset(("jitter", "network-stall", "lost-audio")),
    ),
    Row(
        "not-audio",
        ERROR,
        "the payload is not audio",
        evidence.judge_not_audio,
        evidence.not_audio,
        "send samples only: parse a file's header and send what comes after it, and no text",
        "poor quality: check the audio format",
        _SIGNAL | _LABELS | {"codec-mismatch", "byte-order", "misaligned", "wrong-rate"},
    ),
    Row(
        "wrong-rate",
        ERROR,
        "the audio is not sampled at 8000 Hz",
        evidence.judge_wrong_rate,
        evidence.wrong_rate,
        "resample to 8 kHz with a low-pass before it is sent",
        "poor quality: check the audio format",
        _TIMING | _LABELS | {"frame-size", "clipping", "upstream-loss"},
    ),
    Row(
        "misaligned",
        ERROR,
        "samples are shifted by a byte",
        evidence.judge_misaligned,
        evidence.misaligned,
        "carry an odd byte over to the next frame; never pad or drop one in mid-stream",
        "poor quality: check the audio format",
        _SIGNAL | _LABELS | {"byte-order", "codec-mismatch"},
    ),
    Row(
        "byte-order",
        ERROR,
        "samples are byte-swapped",
        evidence.judge_byte_order,
        evidence.codec,
        "this platform's linear audio is little-endian, in RTP too: swap the bytes",
        "poor quality: check the audio format",
        _LABELS | {"codec-mismatch"},
    ),
    Row(
        "codec-mismatch",
        ERROR,
        "the audio is in no codec that is due here, or changed its codec",
        evidence.judge_codec_mismatch,
        evidence.codec,
        "send what the encapsulation takes: mu-law or little-endian linear, and stay with it",
        "poor quality: check the audio format",
        _LABELS | {"noise"},
    ),
    Row(
        "frame-size",
        WARNING,
        "frames are not 20 ms long",
        evidence.judge_frame_size,
        evidence.frame_size,
        "send steady 20 ms chunks; on this side take any size and re-frame",
        "choppy",
        frozenset(("jitter",)),
    ),
    Row(
        "sequence",
        WARNING,
        "RTP sequence numbers are missing, repeated or out of order",
        evidence.judge_sequence,
        evidence.sequence,
        "packets were lost or reordered on a UDP leg: look there; conceal what is missing",
        "poor quality: watch packet loss",
        frozenset(("jitter", "clock-drift")),
        grave=evidence.is_sequence_grave,
    ),
    Row(
        "network-stall",
        WARNING,
        "the link held frames back, then brought them all at once",
        evidence.judge_stall,
        evidence.stalls,
        "use a jitter buffer, or a better link: TCP repeats what a bad one loses",
        "choppy",
        frozenset(("jitter",)),
        grave=evidence.is_stall_grave,
    ),
    Row(
        "lost-audio",
        WARNING,
        "audio that never came",
        evidence.judge_lost_audio,
        evidence.lost_audio,
        "fill the gaps with silence to keep the call's clock; look for what pauses upstream",
        "choppy",
        frozenset(("jitter", "clock-drift")),
        grave=evidence.is_loss_grave,
    ),
    Row(
        "jitter",
        WARNING,
        "arrival varies more than a 60 ms buffer takes up",
        evidence.judge_jitter,
        evidence.jitter,
        "use a jitter buffer of the size that the evidence names, or an adaptive one",
        "choppy",
        frozenset(("clock-drift",)),
    ),
    Row(
        "clock-drift",
        WARNING,
        "the far clock does not run at our speed",
        evidence.judge_drift,
        evidence.drift,
        "play a few parts in a million faster or slower, or drop to the target delay now and then",
        "poor quality: check latency",
    ),
    Row(
        "upstream-loss",
        WARNING,
        "holes of exact zero are cut into the speech: lost before the platform",
        evidence.judge_upstream_loss,
        evidence.upstream_loss,
        "this link is not to blame: look at the phone's own network and its trunk",
        "poor quality: watch packet loss",
        grave=evidence.is_upstream_grave,
    ),
    Row(
        "clipping",
        WARNING,
        "the sound is driven into the rails",
        evidence.judge_clipping,
        evidence.signal,
        "lower the gain at the source: what is cut off cannot be put back",
        "poor quality",
        frozenset(("noise", "dc-offset")),
    ),
    Row(
        "dc-offset",
        WARNING,
        "the samples' mean is far from zero",
        evidence.judge_dc_offset,
        evidence.signal,
        "a high-pass filter at the source takes it out; check its converter",
        "poor quality",
        frozenset(("low-level", "noise")),
    ),
    Row(
        "noise",
        WARNING,
        "loud noise lies under the speech",
        evidence.judge_noise,
        evidence.signal,
        "look at the microphone, the line and any gain before the platform",
        "poor quality",
        frozenset(("low-level",)),
    ),
    Row(
        "low-level",
        WARNING,
        "the sound is far too soft",
        evidence.judge_low_level,
        evidence.signal,
        "raise the gain at the source, before it is coded to 8 bits",
        "poor quality",
    ),
    Row(
        "silence",
        INFO,
        "frames arrive, and they hold nothing but silence",
        evidence.judge_silence,
        evidence.signal,
        "nobody speaks, or the phone sends no audio: check the phone's microphone and its mute",
        "no audio received",
    ),
    Row(
        "timestamp-rate",
        INFO,
        "RTP timestamps do not count samples at 8 kHz",
        evidence.judge_timestamp_rate,
        evidence.timestamp_rate,
        "harmless here: take the clock named in the evidence when jitter is computed",
    ),
    Row(
        "payload-label",
        INFO,
        "the label does not say what the payload is",
        evidence.judge_label,
        evidence.label,
        "harmless here: decode by what the payload is, never by its payload type or kind",
    ),
)

BY_ID: Mapping[str, Row] = {row.id: row for row in ROWS}


def find(measured: Measured, around: Circumstances) -> tuple[Finding, ...]:
    """What is wrong, gravest first, in each severity by cause; what another explains left out."""
    facts = Facts(measured, around)
    explained: set[str] = set()
    found: list[Finding] = []
    for row in ROWS:
        confidence = row.judge(facts)
        if confidence > 0 and row.id not in explained:
            explained |= row.explains
            found.append(_finding(row, facts, confidence))
    return tuple(sorted(found, key=lambda finding: finding.severity.rank))


def _finding(row: Row, facts: Facts, confidence: float) -> Finding:
    severity = row.severity
    if row.mild(facts):
        severity = INFO
    elif row.grave(facts):
        severity = ERROR
    return Finding(
        row.id,
        severity,
        min(1.0, confidence),
        row.title,
        row.prove(facts),
        row.remedy,
        row.symptom,
    )


def verdict(findings: tuple[Finding, ...]) -> Verdict:
    """The worst of them in a word."""
    ranks = [finding.severity.rank for finding in findings]
    return (Verdict.BAD, Verdict.DEGRADED, Verdict.OK)[min(ranks, default=INFO.rank)]
