"""Before and around the frames: what was refused, what never came, what broke."""

from __future__ import annotations

from collections.abc import Callable

from voipbin_cli.analysis.closing import NO_CLOSE_FRAME, Closing, explain, says_why, telling
from voipbin_cli.analysis.findings.row import (
    ALL_AUDIO,
    ERROR,
    WARNING,
    Case,
    Evidence,
    FindingRow,
    tenths,
)
from voipbin_cli.analysis.findings.sides import Side
from voipbin_cli.analysis.words import NO_WORDS, Words
from voipbin_cli.finding_ids import FindingId

# A call's frames never pause for so long.
DEAD_MS = 2000.0
# What the API calls a call or conference that is up.
PROGRESSING = "progressing"
# So many ages of connections are told, the latest.
_AGES_TOLD = 10
_DISCONNECTED = "connection refused"


def refusal(case: Case) -> Evidence:
    """What an error said; where the credential was refused in mid-call, how that came, too."""
    refused = (FindingId.AUTH, FindingId.FORBIDDEN)
    is_later = case.around.refused in refused and case.measured.frames > 0
    return {**case.around.details, **(closing_evidence(case) if is_later else {})}


def refused_as(case: Case) -> Words:
    """What the error said; a credential that was good when the call was heard first is another."""
    if case.around.refused == FindingId.AUTH and case.measured.frames:
        told = telling(case.around.closings)
        expired = told and told.token_expired_at
        how = f"the token expired at {expired}" if expired else "it expired or was revoked"
        return Words(
            f"the credential was accepted at first and is refused now: {how} in mid-call",
            "get a new token (voipbin login, or VOIPBIN_TOKEN) and connect again with it; a login "
            "token is good for 7 days, a delegate's for 8 hours, a direct one for 4",
        )
    if _is_gone(case):
        return Words(
            "the stream ended, and is not to be had again: the call is over, or the server forgot "
            "it",
            "nothing is wrong where the call was over then; if it went on, give support its id",
        )
    return case.around.words


def _is_gone(case: Case) -> bool:
    """It was heard, and later there was no such call, or none that is up."""
    gone = (FindingId.NOT_FOUND, FindingId.CALL_NOT_PROGRESSING)
    return case.around.refused in gone and case.measured.frames > 0


def blamed(case: Case) -> Side | None:
    """The platform, where it says itself that it failed (RFC 9110 15.6), and no proxy does."""
    details = case.around.details
    has_failed = details.get("http_status", 0) >= 500 and details.get("reason")
    return Side.PLATFORM if has_failed else None


def judge_muted(case: Case) -> float:
    return 0.99 if case.around.mute_direction else 0.0


def muted(case: Case) -> Evidence:
    return {
        "mute_direction": case.around.mute_direction,
        "silence_ratio": round(case.measured.signal.silence_ratio, 3),
    }


def judge_no_audio(case: Case) -> float:
    """No frame of audio; text, or frames that are none, in their place is another matter."""
    measured = case.measured
    if measured.frames or measured.is_only_text or measured.framing or measured.said.events:
        return 0.0
    return 0.0 if measured.malformed * 2 > measured.messages else 0.99


def asked(case: Case) -> Evidence:
    """What the API said of the call, or what became of asking it; empty where nobody asked."""
    told = {"call_status": case.around.call_status, "look_up_of_the_call": case.around.look_up}
    return {name: value for name, value in told.items() if value}


def no_audio(case: Case) -> Evidence:
    measured = case.measured
    told: Evidence = {
        "frames": 0,
        "members": case.around.members,
        **asked(case),
    }
    if measured.messages:
        told |= {"messages": measured.messages, "text_messages": measured.texts}
    return told


def no_audio_as(case: Case) -> Words:
    """A call that ended meanwhile is told as one."""
    if case.around.call_status in ("", PROGRESSING):
        return NO_WORDS
    return Words("the call was up and ended, and no frame of audio had come")


def is_silent_on_purpose(case: Case) -> bool:
    """One who sends nothing says so by comfort noise, or is a conference's only member."""
    return case.around.members == 1 or case.measured.said.noises > 0


def judge_connection_lost(case: Case) -> float:
    if case.measured.outages or case.around.lost_for_good:
        return 0.95 if _is_known_to_go_on(case) else 0.6
    if not _fell_dead(case):
        return 0.0
    return 0.7 if case.around.pinged is None else 0.95


def fell_silent(case: Case) -> bool:
    """A call's frames never pause: silence is sent as frames. Only a lone member's may."""
    came = case.measured.frames > 0 and not case.around.may_be_silent
    return came and case.around.silent_ms >= DEAD_MS


def _fell_dead(case: Case) -> bool:
    """Nothing came any more, and no answer to a ping shows that the link is alive."""
    return fell_silent(case) and not case.around.pinged


def _is_known_to_go_on(case: Case) -> bool:
    """More of it came later, or the end of the last connection tells."""
    return any(outage.after_ns is not None for outage in case.measured.outages) or _is_fault(case)


def _is_fault(case: Case) -> bool:
    """The last connection did not end with its call, as far as anybody says.

    The API says that the call goes on, the far end said what was wrong, or is not there any more.

    The platform ends a stream alike at the end of its call and on a fault: with no close frame.
    """
    told = telling(case.around.closings)
    return (
        case.around.call_status == PROGRESSING
        or "last_attempt" in case.around.details
        or (told is not None and says_why(told))
    )


def connection_lost(case: Case) -> Evidence:
    outages = case.measured.outages
    back = [outage.after_ns / 1e6 for outage in outages if outage.after_ns is not None]
    return {
        "count": max(1, len(outages)),
        "won_back": len(back),
        "longest_ms": tenths(max(back, default=0.0)),
        "silent_at_the_end_ms": case.around.silent_ms if _fell_dead(case) else None,
        **_last_attempt(case),
        **closing_evidence(case),
    }


def _last_attempt(case: Case) -> Evidence:
    failed = case.around.details.get("last_attempt")
    return {"last_attempt": failed} if failed else {}


def closing_evidence(case: Case) -> Evidence:
    """How connections ended: the close frame that says most, by whom, and at which ages."""
    closings = case.around.closings
    told = telling(closings)
    if told is None:
        return {}
    ages = [tenths(closing.lasted_s) for closing in closings if closing.lasted_s is not None]
    return {
        "close_code": told.code,
        **({"close_reason": told.reason} if told.reason else {}),
        **({"token_expired_at": told.token_expired_at} if told.is_of_token else {}),
        "ended_by": _ended_by(told),
        "connection_ages_s": ages[-_AGES_TOLD:],
        **asked(case),
    }


def _ended_by(closing: Closing) -> str:
    if closing.is_local:
        return "this side"
    return "the far end or the network" if closing.code == NO_CLOSE_FRAME else "the far end"


def lost_as(case: Case) -> Words:
    """What the ends of the connections say; or that there was none, and nothing came any more."""
    if case.around.closings:
        words, last = explain(case.around.closings), case.around.details.get("last_attempt")
        if last and case.around.closings[-1].code == NO_CLOSE_FRAME:
            return Words(
                "the connection broke, and no attempt to get another one succeeded",
                "see whether the server runs and can be reached: what the last attempt met with "
                "is in the evidence",
            )
        if _is_known_to_go_on(case):
            return words
        title = "the connection ended, and nobody can say whether the call went on"
        remedy = "no API tells the state of this call, and the platform ends a call's stream alike"
        return Words(title, f"{remedy}; if the call goes on: {words.remedy}")
    if not _fell_dead(case):
        return NO_WORDS
    if case.around.pinged is None:
        return Words(
            "nothing came any more, and no pings tell whether the link or the sender stopped",
            "reconnect with exponential backoff; check the network and what feeds the stream",
        )
    return Words(
        "the link went dead: nothing came any more, not even answers to pings",
        "check the network (Wi-Fi, VPN, a NAT or firewall that forgets connections); reconnect "
        "with exponential backoff",
    )


def closed_early_evidence(case: Case) -> Evidence:
    return {**refusal(case), **closing_evidence(case), **asked(case)}


def closed_early_as(case: Case) -> Words:
    """What the close frame says, where there is one."""
    told = telling(case.around.closings)
    if told is None or not says_why(told):
        return NO_WORDS
    words = explain(case.around.closings)
    return Words(
        f"the connection was accepted, then closed before any audio: {words.title}", words.remedy
    )


def is_not_won_back(case: Case) -> bool:
    return _fell_dead(case) or (case.around.lost_for_good and _is_fault(case))


def _before_upgrade(
    *, finding: FindingId, title: str, rests_on: str, remedy: str, symptom: str
) -> FindingRow:
    return FindingRow(
        id=finding,
        severity=ERROR,
        title=title,
        rests_on=rests_on,
        judge=_refused(finding),
        prove=refusal,
        remedy=remedy,
        symptom=symptom,
        specify=refused_as,
        blame=blamed,
        explains=ALL_AUDIO
        | {FindingId.NO_AUDIO, FindingId.CLOSED_EARLY, FindingId.CONNECTION_LOST},
        mild=_is_gone,
    )


def _refused(finding: FindingId) -> Callable[[Case], float]:
    def judge(case: Case) -> float:
        if case.around.refused != finding:
            return 0.0
        return 0.7 if _is_gone(case) else 1.0

    return judge


ROWS: tuple[FindingRow, ...] = (
    _before_upgrade(
        finding=FindingId.CANNOT_CONNECT,
        title="no connection to the platform",
        rests_on="the attempt to connect: name, address, proxy, HTTP status",
        remedy="check the address, the network and the proxy settings, then try again",
        symptom=_DISCONNECTED,
    ),
    _before_upgrade(
        finding=FindingId.TLS,
        title="the TLS connection is not trusted",
        rests_on="the handshake, and what it says of the certificate",
        remedy="check this machine's clock and the certificate; --ca-file names a private "
        "authority",
        symptom=_DISCONNECTED,
    ),
    _before_upgrade(
        finding=FindingId.AUTH,
        title="the credential is not accepted",
        rests_on="HTTP 401, or a close code that refuses the credential (3000, 4401, 1008)",
        remedy="check the token and its permissions: a token in VOIPBIN_TOKEN, an access key in "
        "VOIPBIN_ACCESSKEY, or voipbin login again",
        symptom="401",
    ),
    _before_upgrade(
        finding=FindingId.FORBIDDEN,
        title="this credential has no right to open the stream",
        rests_on="HTTP 403, or a close code that says so (3003, 4403)",
        remedy="check the account's permissions; a direct token cannot open a media stream",
        symptom="403",
    ),
    _before_upgrade(
        finding=FindingId.NOT_FOUND,
        title="there is no such call or conference",
        rests_on="HTTP 404",
        remedy="check the id, and that it belongs to this API (--api-url): voipbin calls list",
        symptom="404",
    ),
    _before_upgrade(
        finding=FindingId.RATE_LIMITED,
        title="too many requests",
        rests_on="HTTP 429 and its Retry-After",
        remedy="wait as long as the server says, then reconnect with exponential backoff",
        symptom="429",
    ),
    _before_upgrade(
        finding=FindingId.CALL_NOT_PROGRESSING,
        title="the call or conference is not up",
        rests_on="HTTP 409, or the status of the call as the API tells it",
        remedy="the call or conference must be active and progressing: voipbin calls list",
        symptom=_DISCONNECTED,
    ),
    FindingRow(
        id=FindingId.CLOSED_EARLY,
        severity=ERROR,
        title="the connection was accepted, then closed before any audio",
        rests_on="a connection that ended before its first message, and its close code",
        judge=_refused(FindingId.CLOSED_EARLY),
        prove=closed_early_evidence,
        specify=closed_early_as,
        remedy="the call's media could not be set up: try again, then give support the call's id",
        symptom="connection drops",
        explains=ALL_AUDIO | {FindingId.NO_AUDIO, FindingId.CONNECTION_LOST},
    ),
    FindingRow(
        id=FindingId.MUTED,
        severity=WARNING,
        title="the API says that the call is muted",
        rests_on="`mute_direction` of the call as the API tells it",
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
        rests_on="no frame from the first connection to the end",
        judge=judge_no_audio,
        prove=no_audio,
        remedy="the call must be answered and audio flowing; check the encapsulation; leave "
        "--keepalive on, as some far ends send nothing before they hear something",
        specify=no_audio_as,
        symptom="no audio received",
        explains=frozenset((FindingId.SILENCE,)),
        mild=is_silent_on_purpose,
    ),
    FindingRow(
        id=FindingId.CONNECTION_LOST,
        severity=WARNING,
        title="the link broke while the call went on",
        rests_on="close codes and ages of connections, pings that were answered or not, the API",
        judge=judge_connection_lost,
        prove=connection_lost,
        remedy="reconnect with exponential backoff; check the network",
        specify=lost_as,
        symptom="connection drops",
        # What held much of the stream back is also what kept a link silent until it was given up.
        follows=frozenset((FindingId.NETWORK_STALL,)),
        grave=is_not_won_back,
    ),
)
