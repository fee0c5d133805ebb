"""How connections end: what a close code, its reason and the ages of several connections mean.

The codes are those of RFC 6455 section 7.4.1 and of IANA's registry; from 4000 on they are the
server's own, and 44xx and 45xx by custom those of HTTP behind a 4.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from voipbin_cli.analysis.words import Words
from voipbin_cli.finding_ids import FindingId

NORMAL_CLOSURE, GOING_AWAY = 1000, 1001
# 7.1.5: a close frame without a code, and no close frame at all; neither is ever sent.
NO_CODE, NO_CLOSE_FRAME = 1005, 1006
POLICY = 1008
# The server's clock and ours differ, and its timer is not exact (RFC 7519 4.1.4 allows a leeway).
TOKEN_LEEWAY_S = 5.0
# Ends of which the code says nothing, so that equal ages do.
_SAYS_LITTLE = frozenset((NORMAL_CLOSURE, GOING_AWAY, NO_CODE, NO_CLOSE_FRAME))
# Two that are as old may be so by chance; three hardly, nor two that the far end itself ended.
_EQUAL_COUNT, _EQUAL_COUNT_GOING_AWAY = 3, 2
# Timers of proxies are exact to a second or to some per cent. What ends at once has no age.
_EQUAL_RATIO, _EQUAL_S, _YOUNGEST_S = 0.05, 0.2, 1.0

_NEW_TOKEN = (
    "get a new token (voipbin login, or VOIPBIN_TOKEN) and connect again with it before it expires"
)
_BACK_OFF = "reconnect with exponential backoff"
_ITS_LOG = "the server's log of that time says why"


class Closing(NamedTuple):
    """How one connection ended.

    `code` and `reason` are of the close frame, NO_CLOSE_FRAME where there was none. `lasted_s` is
    its age, None where it is not known. `is_local`: this side ended it, for what the far end did.
    `token_expires_at` is the token's own word, in seconds since 1970, and `token_left_s` how long
    after the end that was, negative where it was before; None where there is no such token.
    """

    code: int
    reason: str = ""
    lasted_s: float | None = None
    is_local: bool = False
    token_expires_at: float | None = None
    token_left_s: float | None = None

    @property
    def is_of_token(self) -> bool:
        """Whether it ended as the token expired, and for no other reason that its code names."""
        if self.is_local or self.token_left_s is None:
            return False
        is_open = self.code in _SAYS_LITTLE or self.code == POLICY or self.code in _REFUSED
        return is_open and abs(self.token_left_s) <= TOKEN_LEEWAY_S

    @property
    def token_expired_at(self) -> str | None:
        """When the token expired that it ended with (ISO 8601, UTC); None where it did not."""
        if not self.is_of_token or self.token_expires_at is None:
            return None
        return utc(self.token_expires_at)


def utc(seconds: float) -> str:
    """A time in seconds since 1970 in ISO 8601, to the second."""
    return datetime.fromtimestamp(round(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


# The credential is refused, and would be again: IANA's registry, and HTTP's statuses behind a 4.
_REFUSED: Mapping[int, FindingId] = {
    3000: FindingId.AUTH,
    4401: FindingId.AUTH,
    3003: FindingId.FORBIDDEN,
    4403: FindingId.FORBIDDEN,
}


def refusal_of(closing: Closing) -> FindingId | None:
    """What the far end refused with a close frame; None where another connection may be had.

    A breach of policy (1008) is one where its reason, or the token itself, says that it expired.
    """
    if closing.is_local:
        return None
    if closing.code == POLICY:
        words = _by_reason(closing.reason)
        is_told = words is _EXPIRED or words is _BY_FAR_END[3000]
        left_s = closing.token_left_s
        is_over = words is None and left_s is not None and left_s <= TOKEN_LEEWAY_S
        return FindingId.AUTH if is_told or is_over else None
    return _REFUSED.get(closing.code)


_BY_FAR_END: Mapping[int, Words] = {
    NORMAL_CLOSURE: Words(
        "the far end closed the stream in order while the call went on",
        f"the server meant to end it: {_ITS_LOG}; {_BACK_OFF}",
    ),
    GOING_AWAY: Words(
        "the far end went away: a server that stops, or a proxy that ends connections",
        f"{_BACK_OFF}; where connections end at equal ages, raise the limit of the hop that has "
        "it (proxy, load balancer)",
    ),
    1002: Words(
        "the far end says that this side broke the WebSocket protocol",
        f"look for what changes frames on the way (a proxy, a library); {_ITS_LOG}",
    ),
    1003: Words(
        "the far end does not take this kind of message",
        "send audio in binary messages, one frame in each, and no text",
    ),
    NO_CODE: Words(
        "the far end closed the stream and gave no reason",
        f"{_ITS_LOG}; {_BACK_OFF}",
    ),
    1007: Words(
        "the far end says that a message does not hold what its type promises",
        "send audio in binary messages; text has to be UTF-8",
    ),
    1008: Words(
        "the far end closed the stream by its policy",
        f"most often that is the token: {_NEW_TOKEN}; else {_ITS_LOG}",
    ),
    1009: Words(
        "a message was too large for the far end",
        "send smaller messages: one frame of 20 ms in each (160 to 332 bytes), or raise the "
        "server's limit",
    ),
    1011: Words(
        "an error inside the server ended the stream",
        f"{_ITS_LOG}; some servers say this of pings that were not answered, too: answer each at "
        f"once; {_BACK_OFF}",
    ),
    1012: Words("the server restarts", f"{_BACK_OFF}: it comes back"),
    1013: Words(
        "the server has too much to do and turns connections away",
        f"try again later: {_BACK_OFF}, and open fewer streams at once",
    ),
    1014: Words(
        "a gateway got no good answer from the server behind it",
        f"{_BACK_OFF}, then ask whoever runs the gateway",
    ),
    3000: Words("the far end no longer takes the credential", _NEW_TOKEN),
    3003: Words(
        "this credential has no right to open the stream",
        "check the account's permissions: another may be due",
    ),
    3008: Words("something took longer than the far end waits", f"{_ITS_LOG}; {_BACK_OFF}"),
}
# By custom: HTTP's statuses with a 4 before them.
_OF_HTTP: Mapping[int, Words] = {
    4401: _BY_FAR_END[3000],
    4403: _BY_FAR_END[3003],
    4404: Words("the far end does not know this call", "check the id: voipbin calls list"),
    4408: _BY_FAR_END[3008],
    4409: Words(
        "the call or conference is not up",
        "the call or conference must be active and progressing: voipbin calls list",
    ),
    4429: Words("too many connections or requests", f"wait, then {_BACK_OFF}"),
    4500: _BY_FAR_END[1011],
    4503: _BY_FAR_END[1013],
}
# What this side ends a connection for (7.4.1), and why it may.
_BY_THIS_SIDE: Mapping[int, Words] = {
    1002: Words(
        "the far end broke the WebSocket protocol",
        "update the server or the proxy that sends such frames; the reason says what is wrong",
    ),
    1007: Words("the far end sent text that is not UTF-8", "send audio in binary messages"),
    1009: Words(
        "the far end sent a message too large for a media stream",
        "send smaller messages: one frame of 20 ms in each (160 to 332 bytes)",
    ),
    NO_CLOSE_FRAME: Words(
        "the link went dead: nothing came any more, not even answers to pings",
        f"check the network (Wi-Fi, VPN, a NAT or firewall that forgets connections); {_BACK_OFF}",
    ),
}
_BROKE = Words(
    "the connection broke without a close frame while the call went on",
    f"{_BACK_OFF}; check the network, and whether a proxy on the way was restarted",
)
# Reasons that say more than their code, the most telling first.
_EXPIRED = Words("the far end closed the stream because the token expired", _NEW_TOKEN)
_REASONS: Sequence[tuple[re.Pattern[str], Words]] = (
    (re.compile(r"(?i)\b(token|jwt|credential|session|access ?key)\b.*\bexpir"), _EXPIRED),
    (re.compile(r"(?i)\bexpired?\b.*\b(token|jwt|credential|session|access ?key)"), _EXPIRED),
    (
        re.compile(r"(?i)\b(unauthori[sz]ed|not authenticated|authentication (required|failed))\b"),
        _BY_FAR_END[3000],
    ),
    (
        re.compile(
            r"(?i)\b(invalid|bad|missing|revoked|wrong) (token|jwt|credentials?|access ?key)"
        ),
        _BY_FAR_END[3000],
    ),
    (re.compile(r"(?i)\brate.?limit|\btoo many\b|\bquota\b|\bthrottl"), _OF_HTTP[4429]),
    (re.compile(r"(?i)\btoo (big|large|long)\b"), _BY_FAR_END[1009]),
    (
        re.compile(r"(?i)\b(ping|pong|keep-?alive)"),
        Words(
            "the far end got no answer to its pings in time",
            "answer each ping with a pong at once: a client whose event loop is blocked does not; "
            "else check the link, or raise the server's ping timeout",
        ),
    ),
    (
        re.compile(r"(?i)\b(idle|inactiv\w+)\b"),
        Words(
            "the far end closed the connection as an idle one",
            "send something now and then (--keepalive does), or raise the idle limit of the server "
            "or proxy",
        ),
    ),
)


def telling(closings: Sequence[Closing]) -> Closing | None:
    """Return the end that says most: the latest one that has a close frame, else the latest."""
    framed = [closing for closing in closings if closing.code != NO_CLOSE_FRAME]
    return next(reversed(framed or closings), None)


def equal_age_s(closings: Sequence[Closing]) -> float | None:
    """Return the age at which each of several connections was ended; None where it differs."""
    told = telling(closings)
    far = [closing for closing in closings if not closing.is_local]
    ages = [closing.lasted_s for closing in far if closing.lasted_s is not None]
    is_away = told is not None and told.code == GOING_AWAY
    if len(ages) < (_EQUAL_COUNT_GOING_AWAY if is_away else _EQUAL_COUNT):
        return None
    mean = sum(ages) / len(ages)
    is_equal = max(ages) - min(ages) <= max(_EQUAL_S, _EQUAL_RATIO * mean)
    return mean if is_equal and min(ages) >= _YOUNGEST_S else None


def explain(closings: Sequence[Closing]) -> Words:
    """Return what the ends of these connections mean, and what helps."""
    told = telling(closings)
    if told is None:
        return _BROKE
    if told.token_expired_at is not None:
        title = f"the stream ended as the token expired at {told.token_expired_at}"
        return Words(title, _NEW_TOKEN)
    age_s = equal_age_s(closings)
    if age_s is not None and told.code in _SAYS_LITTLE:
        return Words(
            f"each of {len(closings)} connections was ended at the same age: {age_s:.1f} s",
            f"find the hop that ends them (proxy, load balancer, server) by its limit of "
            f"{age_s:.1f} s, an idle one or one of age, and raise it; --keepalive helps against an "
            "idle one",
        )
    return _of_one(told)


def _of_one(closing: Closing) -> Words:
    code = closing.code
    if closing.is_local:
        return _BY_THIS_SIDE.get(code, _BROKE)
    if code == NO_CLOSE_FRAME:
        return _BROKE
    known = _by_reason(closing.reason) or _BY_FAR_END.get(code) or _OF_HTTP.get(code)
    if known is None:
        known = Words(
            "the far end closed the stream for a reason of its own",
            f"what {code} means is for whoever runs the server to say: {_ITS_LOG}",
        )
    return known if code == NO_CODE else known._replace(title=f"{known.title} ({code})")


def _by_reason(reason: str) -> Words | None:
    return next((words for pattern, words in _REASONS if pattern.search(reason)), None)


def says_why(closing: Closing) -> bool:
    """Whether its end speaks for itself: a code that stands for a problem, or its token's end."""
    return closing.is_of_token or closing.code not in (NORMAL_CLOSURE, NO_CODE, NO_CLOSE_FRAME)
