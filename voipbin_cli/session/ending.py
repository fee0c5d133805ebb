"""How a stream ended: by whom, and what that amounts to."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from voipbin_cli.errors import ConnectionFailed, Refused, VoipbinError
from voipbin_cli.finding_ids import FindingId
from voipbin_cli.transport.connection import ConnectionEnded
from voipbin_cli.transport.resources import ResourceState

# RFC 6455 7.4.1: the purpose of the connection is fulfilled.
NORMAL_CLOSURE = 1000
# RFC 6455 7.1.5: no close frame was received.
NO_CLOSE_FRAME = 1006


class Cause(StrEnum):
    """Why a stream ended; `close.cause` of every summary.

    `finished`: all that was asked for is done. Captures of older versions call that `duration`.
    """

    CALL_ENDED = "call-ended"
    DURATION = "duration"
    FINISHED = "finished"
    INTERRUPTED = "interrupted"
    NETWORK = "network"
    REFUSED = "refused"
    PEER = "peer"


@dataclass(frozen=True, slots=True)
class Close:
    """The end of a stream: the last WebSocket close code, its reason, and what it means.

    `error` is what made it end where that was no normal end.
    """

    cause: Cause
    code: int | None = None
    reason: str = ""
    error: VoipbinError | None = None

    def as_fields(self) -> dict[str, Any]:
        """Return the `close` object of a summary."""
        return {"code": self.code, "reason": self.reason, "cause": self.cause.value}


class EndJudge:
    """Says what the end of a connection means for its stream.

    The platform closes the socket alike at the end of a call and on a fault, with no close frame,
    so that only the call's own state tells the two apart. `is_heard`: a message has come, on
    whichever connection. `reconnects`: a lost link is tried again.
    """

    def __init__(self, *, reconnects: bool) -> None:
        self.is_heard = False
        self._reconnects = reconnects

    def judge(self, ended: ConnectionEnded, state: ResourceState | None) -> Close | None:
        """Return how the stream ended, or None when it is worth another connection.

        `state` is the call's or conference's, None where the API cannot be asked.
        """
        if state is not None and (state.is_over or not (self.is_heard or state.is_progressing)):
            return self.call_over(ended, state)
        if state is None and ended.code == NORMAL_CLOSURE:
            return Close(Cause.PEER, ended.code, ended.reason)
        return None if self._reconnects else self.not_won_back(ended)

    def call_over(self, ended: ConnectionEnded, state: ResourceState) -> Close:
        """Return the end of a call that is over, or that never was up."""
        if self.is_heard:
            return Close(Cause.CALL_ENDED, ended.code, ended.reason)
        error = Refused(
            f"the call or conference is not progressing: its status is '{state.status}'",
            hint="a media stream opens while a call is answered and up: voipbin calls list",
            finding=FindingId.CALL_NOT_PROGRESSING,
        )
        cause = Cause.CALL_ENDED if state.is_over else Cause.REFUSED
        return Close(cause, ended.code, ended.reason, error)

    def not_won_back(self, ended: ConnectionEnded, error: VoipbinError | None = None) -> Close:
        """Return the end of a link that is gone; `error` is what the last attempt failed of."""
        if isinstance(error, Refused):
            return Close(Cause.REFUSED, ended.code, ended.reason, error)
        return Close(Cause.NETWORK, ended.code, ended.reason, self._lost(str(error or ended)))

    def stopped(self, cause: Cause, *, in_outage: bool) -> Close:
        """Return the end by a stop while there was no connection.

        A time that is over during an outage ends it as a lost link.
        """
        if cause is Cause.DURATION and in_outage:
            return Close(Cause.NETWORK, NO_CLOSE_FRAME, "", self._lost("time is up"))
        return Close(cause)

    def _lost(self, how: str) -> ConnectionFailed:
        if not self.is_heard:
            return ConnectionFailed(
                f"the stream was accepted and closed again before any audio: {how}",
                hint="the media of this call could not be set up: try again, then ask support",
                finding=FindingId.CLOSED_EARLY,
            )
        return ConnectionFailed(
            f"the connection was lost and not won back: {how}",
            hint="what came before is kept; "
            + (
                "--give-up-after tries for longer"
                if self._reconnects
                else "without --no-reconnect it is tried again"
            ),
            finding=FindingId.CONNECTION_LOST,
        )
