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
    Words,
    tenths,
)
from voipbin_cli.finding_ids import FindingId

# A call's frames never pause for so long.
DEAD_MS = 2000.0
_DISCONNECTED = "connection refused"


def refusal(case: Case) -> Evidence:
    return dict(case.around.details)


def refused_as(case: Case) -> Words:
    """What the error said; a credential that was good when the call was heard first is another."""
    if case.around.refused == FindingId.AUTH and case.measured.frames:
        return Words(
            "the credential was accepted at first and is refused now: it expired or was revoked "
            "in mid-call",
            "get a new token (voipbin login, or VOIPBIN_TOKEN) and connect again with it; a login "
            "token is good for 7 days, a delegate's for 8 hours, a direct one for 4",
        )
    return case.around.words


def judge_muted(case: Case) -> float:
    return 0.99 if case.around.mute_direction else 0.0


def muted(case: Case) -> Evidence:
    return {
        "mute_direction": case.around.mute_direction,
        "silence_ratio": round(case.measured.signal.silence_ratio, 3),
    }


def judge_no_audio(case: Case) -> float:
    """No frame of audio; messages that are none are another matter, unless they are text."""
    measured = case.measured
    return 0.0 if measured.frames or measured.malformed * 2 > measured.messages else 0.99


def no_audio(case: Case) -> Evidence:
    measured = case.measured
    told: Evidence = {
        "frames": 0,
        "members": case.around.members,
        "look_up_of_the_call": case.around.look_up or None,
    }
    if measured.messages:
        told |= {"messages": measured.messages, "text_messages": measured.texts}
    return told


def is_lone_member(case: Case) -> bool:
    """A conference passes the frames of its only member on; one that sends none is heard so."""
    return case.around.members == 1


def judge_connection_lost(case: Case) -> float:
    if case.measured.outages or case.around.lost_for_good:
        return 0.95
    return 0.7 if _fell_dead(case) else 0.0


def _fell_dead(case: Case) -> bool:
    """A call's frames never pause: silence is sent as frames. Only a lone member's may."""
    came = case.measured.frames > 0 and case.around.members != 1
    return came and case.around.silent_ms >= DEAD_MS


def connection_lost(case: Case) -> Evidence:
    outages = case.measured.outages
    back = [outage.after_ns / 1e6 for outage in outages if outage.after_ns is not None]
    return {
        "count": max(1, len(outages)),
        "won_back": len(back),
        "longest_ms": tenths(max(back, default=0.0)),
        "silent_at_the_end_ms": case.around.silent_ms if _fell_dead(case) else None,
    }


def is_not_won_back(case: Case) -> bool:
    return case.around.lost_for_good or _fell_dead(case)


def _before_upgrade(*, finding: FindingId, title: str, remedy: str, symptom: str) -> FindingRow:
    return FindingRow(
        id=finding,
        severity=ERROR,
        title=title,
        judge=_refused(finding),
        prove=refusal,
        remedy=remedy,
        symptom=symptom,
        specify=refused_as,
        explains=ALL_AUDIO
        | {FindingId.NO_AUDIO, FindingId.CLOSED_EARLY, FindingId.CONNECTION_LOST},
    )


def _refused(finding: FindingId) -> Callable[[Case], float]:
    return lambda case: 1.0 if case.around.refused == finding else 0.0


ROWS: tuple[FindingRow, ...] = (
    _before_upgrade(
        finding=FindingId.CANNOT_CONNECT,
        title="no connection to the platform",
        remedy="check the address, the network and the proxy settings, then try again",
        symptom=_DISCONNECTED,
    ),
    _before_upgrade(
        finding=FindingId.TLS,
        title="the TLS connection is not trusted",
        remedy="check this machine's clock and the certificate; --ca-file names a private "
        "authority",
        symptom=_DISCONNECTED,
    ),
    _before_upgrade(
        finding=FindingId.AUTH,
        title="the credential is not accepted",
        remedy="check the token and its permissions: a token in VOIPBIN_TOKEN, an access key in "
        "VOIPBIN_ACCESSKEY, or voipbin login again",
        symptom="401",
    ),
    _before_upgrade(
        finding=FindingId.FORBIDDEN,
        title="the credential may not hear this",
        remedy="check the account's permissions; a direct token cannot open a media stream",
        symptom="403",
    ),
    _before_upgrade(
        finding=FindingId.NOT_FOUND,
        title="there is no such call or conference",
        remedy="check the id, and that it belongs to this API (--api-url): voipbin calls list",
        symptom="404",
    ),
    _before_upgrade(
        finding=FindingId.RATE_LIMITED,
        title="too many requests",
        remedy="wait as long as the server says, then reconnect with exponential backoff",
        symptom="429",
    ),
    _before_upgrade(
        finding=FindingId.CALL_NOT_PROGRESSING,
        title="the call or conference is not up",
        remedy="the call or conference must be active and progressing: voipbin calls list",
        symptom=_DISCONNECTED,
    ),
    FindingRow(
        id=FindingId.CLOSED_EARLY,
        severity=ERROR,
        title="accepted, then closed before any audio",
        judge=_refused(FindingId.CLOSED_EARLY),
        prove=refusal,
        remedy="the call's media could not be set up: try again, then give support the call's id",
        symptom="connection drops",
        explains=ALL_AUDIO | {FindingId.NO_AUDIO, FindingId.CONNECTION_LOST},
    ),
    FindingRow(
        id=FindingId.MUTED,
        severity=WARNING,
        title="the API says that the call is muted",
        judge=judge_muted,
        prove=muted,
        remedy="unmute the call through the API (mute_direction must be empty)",
        symptom="no audio received",
        explains=frozenset((FindingId.SILENCE, FindingId.LOW_LEVEL, FindingId.NO_AUDIO)),
    ),
    FindingRow(
        id=FindingId.NO_AUDIO,
        severity=ERROR,
        title="connected, and no frame of audio arrived",
        judge=judge_no_audio,
        prove=no_audio,
        remedy="the call must be answered and audio flowing; check the encapsulation; leave "
        "--keepalive on, as some far ends send nothing before they hear something",
        symptom="no audio received",
        explains=frozenset((FindingId.SILENCE,)),
        mild=is_lone_member,
    ),
    FindingRow(
        id=FindingId.CONNECTION_LOST,
        severity=WARNING,
        title="the link broke while the call went on",
        judge=judge_connection_lost,
        prove=connection_lost,
        remedy="reconnect with exponential backoff; check the network",
        symptom="connection drops",
        # What held much of the stream back is also what kept a link silent until it was given up.
        follows=frozenset((FindingId.NETWORK_STALL,)),
        grave=is_not_won_back,
    ),
)
