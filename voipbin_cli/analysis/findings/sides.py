"""Whose side a cause is on: who has to do something about it.

A stream that is heard through the platform has five of them. Of a phone's leg, captured somewhere,
and of a recording less is known: neither which end is ours nor how the audio got there.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from voipbin_cli.codec.encapsulation import Direction
from voipbin_cli.finding_ids import FindingId


class Side(StrEnum):
    """As `side` in JSON; `words` are what a person reads."""

    PROGRAM = "program"
    SETTINGS = "settings"
    MACHINE = "machine"
    LINK = "link"
    PLATFORM = "platform"
    PHONE = "phone"
    UPSTREAM = "upstream"
    SENDER = "sender"
    NETWORK = "network"
    CAPTURE = "capture"
    RECORDED = "recorded"
    CALL = "call"
    UNKNOWN = "unknown"

    @property
    def words(self) -> str:
        """Where that is."""
        return _WORDS[self]


_WORDS: Mapping[Side, str] = MappingProxyType(
    {
        Side.PROGRAM: "your program",
        Side.SETTINGS: "your settings: target, credentials, options",
        Side.MACHINE: "this machine",
        Side.LINK: "the link between this machine and the platform",
        Side.PLATFORM: "the platform",
        Side.PHONE: "the phone's side",
        Side.UPSTREAM: "before this link: the platform or the phone's side",
        Side.SENDER: "whoever sent these packets",
        Side.NETWORK: "the network before the place of the capture",
        Side.CAPTURE: "how the capture was made",
        Side.RECORDED: "before or in what made the recording",
        Side.CALL: "the call itself",
        Side.UNKNOWN: "cannot be told from here",
    }
)

_RECEIVED: Mapping[FindingId, Side] = MappingProxyType(
    {
        FindingId.CANNOT_CONNECT: Side.LINK,
        FindingId.TLS: Side.LINK,
        FindingId.AUTH: Side.SETTINGS,
        FindingId.FORBIDDEN: Side.SETTINGS,
        FindingId.NOT_FOUND: Side.SETTINGS,
        FindingId.RATE_LIMITED: Side.SETTINGS,
        FindingId.ENCAPSULATION_MISMATCH: Side.SETTINGS,
        FindingId.CALL_NOT_PROGRESSING: Side.CALL,
        FindingId.MUTED: Side.CALL,
        FindingId.TELEPHONE_EVENTS: Side.CALL,
        FindingId.CLOSED_EARLY: Side.PLATFORM,
        FindingId.NO_AUDIO: Side.UPSTREAM,
        FindingId.CONNECTION_LOST: Side.UNKNOWN,
        FindingId.LOCAL_LAG: Side.MACHINE,
        FindingId.CAPTURE_CUT: Side.CAPTURE,
        FindingId.ENCRYPTED: Side.CAPTURE,
        FindingId.UNJUDGED_CODEC: Side.CAPTURE,
        FindingId.NETWORK_STALL: Side.LINK,
        FindingId.JITTER: Side.LINK,
        FindingId.CLOCK_DRIFT: Side.UPSTREAM,
        FindingId.UPSTREAM_LOSS: Side.PHONE,
        FindingId.CLIPPING: Side.PHONE,
        FindingId.DC_OFFSET: Side.PHONE,
        FindingId.NOISE: Side.PHONE,
        FindingId.LOW_LEVEL: Side.PHONE,
        FindingId.HUM: Side.PHONE,
        FindingId.CLICKS: Side.PHONE,
        FindingId.SILENCE: Side.PHONE,
        FindingId.ECHO: Side.PHONE,
        FindingId.SLOW_RESPONSE: Side.PROGRAM,
        FindingId.SLOW_BARGE_IN: Side.PROGRAM,
        FindingId.TALK_OVER: Side.PROGRAM,
        FindingId.DEAD_AIR: Side.UNKNOWN,
    }
)
"""What is not here is of what comes over the link, and was so before it: `UPSTREAM`."""

_ON_THE_WAY = frozenset(
    (FindingId.NETWORK_STALL, FindingId.JITTER, FindingId.SEQUENCE, FindingId.LOST_AUDIO)
)
_OF_NO_SENDER = frozenset(
    (Side.SETTINGS, Side.CALL, Side.CAPTURE, Side.MACHINE, Side.PROGRAM, Side.UNKNOWN)
)


def side_of(finding: FindingId, direction: Direction | None, *, is_datagrams: bool) -> Side:
    """Whose side it is, by what is judged: a media stream, or packets that somebody captured."""
    if direction is Direction.OUT:
        return Side.PROGRAM
    side = _RECEIVED.get(finding, Side.UPSTREAM)
    if not is_datagrams or side in _OF_NO_SENDER:
        return side
    return Side.NETWORK if finding in _ON_THE_WAY else Side.SENDER
