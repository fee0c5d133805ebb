"""What the API says about calls and conferences, read from JSON that may be anything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any, Self

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
