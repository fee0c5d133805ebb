"""The states of a connection, as the platform's documents name them, in one table."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class State(StrEnum):
    """connecting → open → streaming → closing → closed."""

    CONNECTING = "connecting"
    OPEN = "open"
    STREAMING = "streaming"
    CLOSING = "closing"
    CLOSED = "closed"


class Event(StrEnum):
    """What moves a connection on."""

    UPGRADED = "upgraded"
    MESSAGE = "message"
    CLOSE = "close"  # a close frame, from either side
    LOST = "lost"  # TCP is gone, or the handshake failed


TRANSITIONS: Mapping[tuple[State, Event], State] = {
    (State.CONNECTING, Event.UPGRADED): State.OPEN,
    (State.CONNECTING, Event.CLOSE): State.CLOSING,
    (State.CONNECTING, Event.LOST): State.CLOSED,
    (State.OPEN, Event.MESSAGE): State.STREAMING,
    (State.OPEN, Event.CLOSE): State.CLOSING,
    (State.OPEN, Event.LOST): State.CLOSED,
    (State.STREAMING, Event.MESSAGE): State.STREAMING,
    (State.STREAMING, Event.CLOSE): State.CLOSING,
    (State.STREAMING, Event.LOST): State.CLOSED,
    # What was under way when the close frame went out still arrives.
    (State.CLOSING, Event.MESSAGE): State.CLOSING,
    (State.CLOSING, Event.CLOSE): State.CLOSING,
    (State.CLOSING, Event.LOST): State.CLOSED,
    (State.CLOSED, Event.CLOSE): State.CLOSED,
    (State.CLOSED, Event.LOST): State.CLOSED,
}


def next_state(state: State, event: Event) -> State:
    """The state after `event`.

    Raises:
        ValueError: `event` cannot happen in `state`; a bug of ours, whatever the peer sends.
    """
    try:
        return TRANSITIONS[state, event]
    except KeyError:
        raise ValueError(f"{event.value} cannot happen while {state.value}") from None
