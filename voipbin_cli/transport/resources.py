"""What the API says about calls and conferences, read from JSON that may be anything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from typing import Any, Self

from voipbin_cli.documents import is_number
from voipbin_cli.errors import Refused
from voipbin_cli.finding_ids import FindingId
from voipbin_cli.text import printable


class CallStatus(StrEnum):
    """Where a call is, in the order in which that happens."""

    DIALING = "dialing"
    RINGING = "ringing"
    PROGRESSING = "progressing"
    TERMINATING = "terminating"
    CANCELING = "canceling"
    HANGUP = "hangup"


class ConferenceStatus(StrEnum):
    """Where a conference is, in the order in which that happens."""

    STARTING = "starting"
    PROGRESSING = "progressing"
    TERMINATING = "terminating"
    TERMINATED = "terminated"


# Ended, or about to.
_OVER = frozenset(
    (
        CallStatus.TERMINATING,
        CallStatus.CANCELING,
        CallStatus.HANGUP,
        ConferenceStatus.TERMINATING,
        ConferenceStatus.TERMINATED,
    )
)


def _text(value: object) -> str:
    """A field as one bounded, printable line; empty for null, absent or of another type.

    Of an address (`{"type": "tel", "target": "+15551234"}`) the target.
    """
    if isinstance(value, dict):
        value = value.get("target")
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        value = str(value)
    return printable(value) if isinstance(value, str) else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceState:
    """What a call and a conference have in common. Empty strings where the API says nothing."""

    id: str = ""
    status: str = ""
    tm_create: str = ""
    tm_update: str = ""
    tm_end: str = ""

    @classmethod
    def from_json(cls, document: object) -> Self:
        """Build from a decoded answer; whatever is missing or of another type is empty."""
        source: Mapping[str, Any] = document if isinstance(document, dict) else {}
        values = {field.name: _text(source.get(field.name)) for field in fields(cls)}
        return cls(**values)

    @property
    def is_over(self) -> bool:
        """Whether it has ended, or is about to: a stream that stops now stopped for that."""
        return self.status in _OVER

    @property
    def is_progressing(self) -> bool:
        """Whether it has media at all."""
        return self.status == CallStatus.PROGRESSING


@dataclass(frozen=True, slots=True, kw_only=True)
class CallState(ResourceState):
    """A call. `status` is a CallStatus, or what the API says instead.

    `mute_direction`: "", in, out, both. `tm_*` are the API's own timestamps, as text.
    """

    direction: str = ""
    source: str = ""
    destination: str = ""
    mute_direction: str = ""
    hangup_by: str = ""
    hangup_reason: str = ""
    tm_ringing: str = ""
    tm_progressing: str = ""
    tm_hangup: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConferenceState(ResourceState):
    """A conference. `status`: starting, progressing, terminating, terminated."""

    type: str = ""
    name: str = ""
    detail: str = ""
    members: int = 0

    @classmethod
    def from_json(cls, document: object) -> Self:
        """As for a call; `members` counts its calls."""
        source: Mapping[str, Any] = document if isinstance(document, dict) else {}
        texts = {f.name: _text(source.get(f.name)) for f in fields(cls) if f.name != "members"}
        calls = source.get("conferencecall_ids")
        return cls(**texts, members=len(calls) if isinstance(calls, list) else 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class PhoneLeg:
    """How the phone's RTP fared, as the platform's gateway counted it up to the BYE.

    Loss is in percent, jitter in milliseconds, the round trip in the gateway's own unit, which is
    not documented. None where it was not said.
    """

    mos: float | None = None
    loss_percent: float | None = None
    jitter_ms: float | None = None
    round_trip: float | None = None
    packets: float | None = None

    @classmethod
    def from_json(cls, document: object) -> Self | None:
        """Read `rtcp_stats` of an answer; None where there are none, or of no packet."""
        source: Mapping[str, Any] = document if isinstance(document, dict) else {}
        stats = source.get("rtcp_stats")
        if not isinstance(stats, dict) or not stats.get("rtp_packets"):
            return None
        keys = ("mos", "packet_loss_pct", "jitter", "rtt", "rtp_packets")
        values = (stats.get(key) if is_number(stats.get(key)) else None for key in keys)
        return cls(**dict(zip((field.name for field in fields(cls)), values, strict=True)))

    def as_fields(self) -> dict[str, float | None]:
        """Return it for scripts."""
        return asdict(self)


PROGRESSING_HINT = "a media stream opens while a call is answered and up: voipbin calls list"


def not_progressing(state: ResourceState) -> Refused:
    """Return the error for a call or conference without media: its state, and what is left of it.

    Of a call that is over: who hung up and why, and where the platform's own record of it is.
    """
    said = f"the call or conference is not progressing: its status is '{state.status}'"
    hint = PROGRESSING_HINT
    if isinstance(state, CallState) and state.is_over:
        ends = (state.hangup_by and f"by {state.hangup_by}", state.hangup_reason)
        if told := ", ".join(part for part in ends if part):
            said += f", hung up {told}"
        hint = (
            f"what is left of it: voipbin stream diagnose --pcap call/{state.id} judges the "
            f"platform's capture, voipbin calls show {state.id} says how the phone's leg fared"
        )
    return Refused(
        said,
        hint=hint,
        finding=FindingId.CALL_NOT_PROGRESSING,
        call_status=state.status,
        hangup_by=getattr(state, "hangup_by", "") or None,
        hangup_reason=getattr(state, "hangup_reason", "") or None,
    )
