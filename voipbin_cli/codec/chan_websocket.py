"""Control messages of Asterisk's chan_websocket: text frames beside the media, in two forms.

Plain: `MEDIA_START connection_id:… format:ulaw optimal_frame_size:160`, the form that is there
without configuration. JSON: `{"event": "MEDIA_START", …}` from Asterisk, `{"command": "HANGUP"}`
to it. https://docs.asterisk.org/Configuration/Channel-Drivers/WebSocket/
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from voipbin_cli.codec.codecs import Codec
from voipbin_cli.documents import read_json
from voipbin_cli.errors import DecodeError

SUBPROTOCOL = "media"
MAX_TEXT = 65_536


class ControlEventName(StrEnum):
    """What Asterisk tells; others may come."""

    # The first message: what the channel is, its `format`, its `optimal_frame_size` in bytes.
    MEDIA_START = "MEDIA_START"
    # Asterisk's queue of our audio is over its high water mark; what overflows it is dropped.
    MEDIA_XOFF = "MEDIA_XOFF"
    # The queue is down at its low water mark again.
    MEDIA_XON = "MEDIA_XON"
    MEDIA_BUFFERING_COMPLETED = "MEDIA_BUFFERING_COMPLETED"
    MEDIA_MARK_PROCESSED = "MEDIA_MARK_PROCESSED"
    # Once for each REPORT_QUEUE_DRAINED: all that was sent has been played.
    QUEUE_DRAINED = "QUEUE_DRAINED"
    DTMF_END = "DTMF_END"
    STATUS = "STATUS"
    ERROR = "ERROR"


class CommandName(StrEnum):
    """What Asterisk is told."""

    ANSWER = "ANSWER"
    HANGUP = "HANGUP"
    # Between these two Asterisk cuts what it gets into frames by itself, whatever its size.
    START_MEDIA_BUFFERING = "START_MEDIA_BUFFERING"
    STOP_MEDIA_BUFFERING = "STOP_MEDIA_BUFFERING"
    # Throws away what waits to be played.
    FLUSH_MEDIA = "FLUSH_MEDIA"
    PAUSE_MEDIA = "PAUSE_MEDIA"
    CONTINUE_MEDIA = "CONTINUE_MEDIA"
    # Answered by MEDIA_MARK_PROCESSED once what was sent before it has been played.
    MARK_MEDIA = "MARK_MEDIA"
    REPORT_QUEUE_DRAINED = "REPORT_QUEUE_DRAINED"
    GET_STATUS = "GET_STATUS"


# What `format:` says, as far as it is 8 kHz; slin is in the byte order of Asterisk's machine,
# which is little-endian wherever it commonly runs.
FORMATS: Mapping[str, Codec] = {
    "ulaw": Codec.MULAW,
    "alaw": Codec.ALAW,
    "slin": Codec.S16LE,
}
# Plain events whose rest is one value, not `name:value` words.
_BARE_VALUE = {
    ControlEventName.MEDIA_BUFFERING_COMPLETED: "correlation_id",
    ControlEventName.MEDIA_MARK_PROCESSED: "correlation_id",
}


@dataclass(frozen=True, slots=True)
class ControlEvent:
    """One message from Asterisk; all values are text. `is_json` is the form to answer in."""

    name: str
    fields: Mapping[str, str] = field(default_factory=dict)
    is_json: bool = False

    @property
    def codec(self) -> Codec | None:
        """The codec of MEDIA_START's `format`, None for one that is not 8 kHz G.711 or linear."""
        return FORMATS.get(self.fields.get("format", "ulaw").lower())


def parse_event(text: str) -> ControlEvent:
    """Return the event that a text message is.

    Raises DecodeError: `too-long`, `json` (it begins as JSON and is none), `no-event`.
    """
    if len(text) > MAX_TEXT:
        raise DecodeError("too-long", f"control message of {len(text)} characters")
    return _parse_json(text) if text.lstrip().startswith("{") else _parse_plain(text)


def _parse_json(text: str) -> ControlEvent:
    try:
        content = read_json(text)
    except ValueError:
        raise DecodeError("json", "control message begins as JSON and is none") from None
    name = content.get("event") if isinstance(content, dict) else None
    if not isinstance(name, str) or not name:
        raise DecodeError("no-event", "control message without an event")
    fields = {key: _as_text(value) for key, value in content.items() if key != "event"}
    return ControlEvent(name, fields, is_json=True)


def _as_text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _parse_plain(text: str) -> ControlEvent:
    # NAME, then either words of `name:value` or, for two events, one bare value.
    name, _, rest = text.strip().partition(" ")
    if not name or not name.replace("_", "").isalpha() or not name.isupper():
        raise DecodeError("no-event", "control message without an event")
    if name in _BARE_VALUE:
        return ControlEvent(name, {_BARE_VALUE[ControlEventName(name)]: rest} if rest else {})
    pairs = (word.partition(":") for word in rest.split())
    return ControlEvent(name, {key: value for key, colon, value in pairs if colon and key})


def build_command(name: CommandName, *, is_json: bool, correlation_id: str = "") -> str:
    """Return the text message that gives a command.

    `correlation_id` comes back with what STOP_MEDIA_BUFFERING and MARK_MEDIA lead to.
    """
    if not is_json:
        return f"{name} {correlation_id}".strip()
    content = {"command": name.value}
    if correlation_id:
        content["correlation_id"] = correlation_id
    return json.dumps(content)
