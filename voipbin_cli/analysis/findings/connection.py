"""Before and around the frames: what was refused, what never came, what broke."""

from __future__ import annotations

from collections.abc import Callable

from voipbin_cli.analysis.findings.row import (
    ALL_AUDIO,
    ERROR,
    WARNING,
    Case,
    Evidence,
    FindingRow,
    tenths,
)
from voipbin_cli.analysis.pauses import PauseKind

# A call's frames never pause for so long.
DEAD_MS = 2000.0
# This process was late by so much at least, to be worth blaming: three frames, as for any pause.
LAG_MS = 60.0
_DISCONNECTED = "connection refused"


def refusal(facts: Case) -> Evidence:
    return dict(facts.around.details)


def judge_muted(facts: Case) -> float:
    return 0.99 if facts.around.mute_direction else 0.0


def muted(facts: Case) -> Evidence:
    return {
        "mute_direction": facts.around.mute_direction,
        "silence_ratio": round(facts.measured.signal.silence_ratio, 3),
    }


def judge_no_audio(facts: Case) -> float:
    """No frame of audio; messages that are none are another matter, unless they are text."""
    measured = facts.measured
    return 0.0 if measured.frames or measured.malformed * 2 > measured.messages else 0.99


def no_audio(facts: Case) -> Evidence:
    measured = facts.measured
    told: Evidence = {"frames": 0, "members": facts.around.members}
    if measured.messages:
        told |= {"messages": measured.messages, "text_messages": measured.texts}
    return told


def is_lone_member(facts: Case) -> bool:
    """A conference passes the frames of its only member on; one that sends none is heard so."""
    return facts.around.members == 1


def judge_connection_lost(facts: Case) -> float:
    if facts.measured.outages or facts.around.lost_for_good:
        return 0.95
    return 0.7 if _fell_dead(facts) else 0.0


def _fell_dead(facts: Case) -> bool:
    """A call's frames never pause: silence is sent as frames. Only a lone member's may."""
    came = facts.measured.frames > 0 and facts.around.members != 1
    return came and facts.around.silent_ms >= DEAD_MS


def connection_lost(facts: Case) -> Evidence:
    outages = facts.measured.outages
    back = [outage.after_ns / 1e6 for outage in outages if outage.after_ns is not None]
    return {
        "count": max(1, len(outages)),
        "won_back": len(back),
        "longest_ms": tenths(max(back, default=0.0)),
        "silent_at_the_end_ms": facts.around.silent_ms if _fell_dead(facts) else None,
    }


def is_not_won_back(facts: Case) -> bool:
    return facts.around.lost_for_good or _fell_dead(facts)


def judge_local_lag(facts: Case) -> float:
    """It was late, and gaps fell into it."""
    measured = facts.measured
    excused = sum(pause.excused_ns for pause in measured.paused(PauseKind.EXCUSED)) / 1e6
    guilty = sum(pause.late_ns for pause in measured.stalls) / 1e6
    if measured.lag.max_ms < LAG_MS or not excused or guilty > excused:
        return 0.0
    return 0.9


def local_lag(facts: Case) -> Evidence:
    measured = facts.measured
    return {
        "late_ms_max": tenths(measured.lag.max_ms),
        "late_ms_p99": tenths(measured.lag.p99_ms),
        "gaps_excused": len(measured.paused(PauseKind.EXCUSED)),
    }


def _before_upgrade(
    finding_id: str, title: str, remedy: str, symptom: str, judge: Callable[[Case], float]
) -> FindingRow:
    return FindingRow(
        finding_id,
        ERROR,
        title,
        judge,
        refusal,
        remedy,
        symptom,
        ALL_AUDIO | {"no-audio", "closed-early", "connection-lost"},
    )


def _refused(finding_id: str) -> Callable[[Case], float]:
    return lambda facts: 1.0 if facts.around.refused == finding_id else 0.0


ROWS: tuple[FindingRow, ...] = (
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
    FindingRow(
        "closed-early",
        ERROR,
        "accepted, then closed before any audio",
        _refused("closed-early"),
        refusal,
        "the call's media could not be set up: try again, then give support the call's id",
        "connection drops",
        ALL_AUDIO | {"no-audio", "connection-lost"},
    ),
    FindingRow(
        "muted",
        WARNING,
        "the API says that the call is muted",
        judge_muted,
        muted,
        "unmute the call through the API (mute_direction must be empty)",
        "no audio received",
        frozenset(("silence", "low-level", "no-audio")),
    ),
    FindingRow(
        "no-audio",
        ERROR,
        "connected, and no frame of audio arrived",
        judge_no_audio,
        no_audio,
        "the call must be answered and audio flowing; check the encapsulation; leave --keepalive "
        "on, as some far ends send nothing before they hear something",
        "no audio received",
        frozenset(("silence",)),
        mild=is_lone_member,
    ),
    FindingRow(
        "connection-lost",
        WARNING,
        "the link broke while the call went on",
        judge_connection_lost,
        connection_lost,
        "reconnect with exponential backoff; check the network",
        "connection drops",
        # What held much of the stream back is also what kept a link silent until it was given up.
        follows=frozenset(("network-stall",)),
        grave=is_not_won_back,
    ),
    FindingRow(
        "local-lag",
        WARNING,
        "this machine read late; its gaps are not the network's",
        judge_local_lag,
        local_lag,
        "check CPU: give the reader its own process, or this machine less to do",
        "choppy",
        frozenset(("jitter", "network-stall", "lost-audio")),
    ),
)
