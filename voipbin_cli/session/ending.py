"""How a stream ended: by whom, and what that amounts to."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from voipbin_cli.analysis.closing import (
    NO_CLOSE_FRAME,
    NORMAL_CLOSURE,
    Closing,
    explain,
    refusal_of,
)
from voipbin_cli.errors import ConnectionFailed, Refused, VoipbinError
from voipbin_cli.finding_ids import FindingId
from voipbin_cli.transport.connection import ConnectionEnded
from voipbin_cli.transport.resources import ResourceState, not_progressing

# Media that cannot be set up is closed within milliseconds of the upgrade: a stream that stayed
# open for so long was one, even where nobody spoke to it.
UP_S = 1.0


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

    `error` is what made it end where that was no normal end. `lasted_s` and `local` are of the
    last connection: its age, and whether this side ended it; `token_…` as ConnectionEnded has it.
    """

    cause: Cause
    code: int | None = None
    reason: str = ""
    error: VoipbinError | None = None
    lasted_s: float | None = field(default=None, compare=False)
    local: bool = field(default=False, compare=False)
    token_expires_at: float | None = field(default=None, compare=False)
    token_left_s: float | None = field(default=None, compare=False)

    @classmethod
    def of(cls, cause: Cause, ended: ConnectionEnded, error: VoipbinError | None = None) -> Close:
        """Return the end of a stream with that of its last connection."""
        token = (ended.token_expires_at, ended.token_left_s)
        return cls(cause, ended.code, ended.reason, error, ended.lasted_s, ended.local, *token)

    def as_fields(self) -> dict[str, Any]:
        """Return the `close` object of a summary."""
        return {"code": self.code, "reason": self.reason, "cause": self.cause.value}


class EndJudge:
    """Says what the end of a connection means for its stream.

    The platform closes the socket alike at the end of a call and on a fault, with no close frame,
    so that only the call's own state tells the two apart. `is_heard`: a message has come, on
    whichever connection. `was_up`: the API has said that the call goes on. `reconnects`: a lost
    link is tried again.
    """

    def __init__(self, *, reconnects: bool) -> None:
        self.is_heard = False
        self.was_up = False
        self._reconnects = reconnects

    def judge(self, ended: ConnectionEnded, state: ResourceState | None) -> Close | None:
        """Return how the stream ended, or None when it is worth another connection.

        `state` is the call's or conference's, None where the API cannot be asked.
        """
        if state is not None and (state.is_over or not (self.is_heard or state.is_progressing)):
            return self.call_over(ended, state)
        if (finding := refusal_of(_closing(ended))) is not None:
            return Close.of(Cause.REFUSED, ended, self._refused(finding, ended))
        if state is None and ended.code == NORMAL_CLOSURE:
            error = None if self.is_heard else self._lost(str(ended), ended)
            return Close.of(Cause.PEER, ended, error)
        return None if self._reconnects else self.not_won_back(ended)

    def call_over(self, ended: ConnectionEnded, state: ResourceState) -> Close:
        """Return the end of a call that is over, or that never was up."""
        is_over_now = state.is_over and (self.was_up or (ended.lasted_s or 0.0) >= UP_S)
        if self.is_heard or is_over_now:
            return Close.of(Cause.CALL_ENDED, ended)
        error = not_progressing(state)
        cause = Cause.CALL_ENDED if state.is_over else Cause.REFUSED
        return Close.of(cause, ended, error)

    def _refused(self, finding: FindingId, ended: ConnectionEnded) -> Refused:
        """Return the error: the same credential would be refused again."""
        words = explain([_closing(ended)])
        return Refused(
            f"the stream is refused, and is not tried again with this credential: {ended}",
            hint=words.remedy,
            finding=finding if self.is_heard else FindingId.CLOSED_EARLY,
            cause=words.title,
        )

    def not_won_back(self, ended: ConnectionEnded, error: VoipbinError | None = None) -> Close:
        """Return the end of a link that is gone; `error` is what the last attempt failed of."""
        if isinstance(error, Refused):
            return Close.of(Cause.REFUSED, ended, error)
        return Close.of(Cause.NETWORK, ended, self._lost(str(error or ended), ended, error))

    def stopped(self, cause: Cause, *, outage_s: float | None) -> Close:
        """Return the end by a stop while there was no connection, for `outage_s` where it was lost.

        A time that is over during an outage ends it as a lost link.
        """
        if cause is Cause.DURATION and outage_s is not None:
            error = self._lost("time is up", outage_s=round(outage_s, 1))
            return Close(Cause.NETWORK, NO_CLOSE_FRAME, "", error)
        return Close(cause)

    def _lost(
        self,
        how: str,
        ended: ConnectionEnded | None = None,
        last: VoipbinError | None = None,
        *,
        outage_s: float | None = None,
    ) -> ConnectionFailed:
        """Return the error: a close frame that says why also says what helps."""
        helps = ""
        if ended is not None and ended.code != NO_CLOSE_FRAME:
            helps = explain([_closing(ended)]).remedy
        if not self.is_heard:
            return ConnectionFailed(
                f"the stream was accepted and closed again before any audio: {how}",
                hint=helps
                or "the media of this call could not be set up: try again, then ask support",
                finding=FindingId.CLOSED_EARLY,
            )
        return ConnectionFailed(
            f"the connection was lost and not won back: {how}",
            hint="what came before is kept; " + (helps or self._try_again),
            finding=FindingId.CONNECTION_LOST,
            outage_s=outage_s,
            last_attempt=last.message if last else None,
        )

    @property
    def _try_again(self) -> str:
        return (
            "--give-up-after tries for longer"
            if self._reconnects
            else "without --no-reconnect it is tried again"
        )


def _closing(ended: ConnectionEnded) -> Closing:
    token = (ended.token_expires_at, ended.token_left_s)
    return Closing(ended.code, ended.reason, ended.lasted_s, ended.local, *token)
