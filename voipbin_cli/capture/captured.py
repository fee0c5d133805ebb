"""What a capture holds, as values: messages, events, and what it says about itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple

from voipbin_cli import __version__
from voipbin_cli.codec.encapsulation import Direction, Encapsulation
from voipbin_cli.documents import (
    Shape,
    are_durations,
    are_scalars,
    is_duration,
    is_flag,
    is_number,
    is_text,
    is_whole,
)


class CaptureEventName(StrEnum):
    """The events a live run writes; a reader passes on others as they are.

    Their fields, all JSON values (beside them `client` where a proxy's client is meant):
        OPEN: `connection` (0, 1, …).
        CLOSE: `connection`, `code`, `reason`, `cause`; `lasted_s`, the age of the connection;
            `local`, whether this side ended it; `abrupt` where another connection was tried;
            `token_expires_at` (seconds since 1970) and `token_left_s` of a token that says it.
        RTT: `ms`, a list of round-trip times; `answered_ago_ms`, how long ago the latest ping was
            sent that was answered; `waiting_ms`, how long the oldest waits that was not.
        LOCAL_LAG: `ms`, a list: how late this process was, measured apart from the network.
        DIALECT: `dialect`, `codec`, `timestamp_step`, `timestamp_hz`, `confidence`, `reason`.
        API: `status`, `is_over`, … of the call as the REST API told.
        END: `cause`; the run ended in order, nothing is missing behind it.
    """

    OPEN = "open"
    CLOSE = "close"
    RTT = "rtt"
    LOCAL_LAG = "local-lag"
    DIALECT = "dialect"
    API = "api"
    END = "end"


EVENT_SHAPES: Mapping[str, Shape] = {
    **dict.fromkeys(("reason", "cause", "status", "mute_direction", "look_up"), is_text),
    **dict.fromkeys(("finding", "remedy", "dialect", "codec"), is_text),
    **dict.fromkeys(("local", "abrupt", "is_over"), is_flag),
    **dict.fromkeys(("connection", "client", "code", "members", "timestamp_step"), is_whole),
    **dict.fromkeys(("lasted_s", "token_expires_at", "token_left_s"), is_number),
    **dict.fromkeys(("answered_ago_ms", "waiting_ms"), is_duration),
    "ms": are_durations,
    "confidence": is_number,
    "details": are_scalars,
}
"""What the fields of the events have to be; a capture is a file that anybody may have written."""


@dataclass(frozen=True, slots=True)
class CaptureMeta:
    """What the section comment says.

    `target` is the label without secrets; `fields` is free (JSON values).
    """

    encapsulation: Encapsulation
    target: str
    version: str = __version__
    fields: Mapping[str, Any] = field(default_factory=dict)


class CapturedMessage(NamedTuple):
    """One WebSocket message; `data` is str for a text message. `time_ns` is Unix time.

    `client` is the number of the proxy's client whose message it is.
    """

    time_ns: int
    direction: Direction
    data: bytes | str
    client: int = 0


class CapturedEvent(NamedTuple):
    """Something a live run knew that is in no message. `time_ns` is Unix time."""

    time_ns: int
    name: str
    fields: Mapping[str, Any]
