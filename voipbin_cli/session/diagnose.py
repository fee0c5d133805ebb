"""`diagnose` on a live stream: the way to it, then what it brings, measured as it comes."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from random import Random
from typing import Any

from voipbin_cli.analysis.certainty import LOOK_S, Certainty
from voipbin_cli.analysis.diagnosis import KEPT_ROWS, KEPT_SAMPLES, DiagnosisFold, StreamDiagnosis
from voipbin_cli.analysis.sound.codec_judge import BLOCK_FRAMES
from voipbin_cli.clock import now_ns
from voipbin_cli.errors import MachineError, UsageError, VoipbinError
from voipbin_cli.events import Tell
from voipbin_cli.session.capture_log import closing_fields, refusal_fields
from voipbin_cli.session.ending import Cause, Close
from voipbin_cli.session.hearer import Hearer
from voipbin_cli.session.live import LiveRequest
from voipbin_cli.session.measuring import Measuring
from voipbin_cli.session.preflight import Preflight, Step
from voipbin_cli.session.session import Goal, Session, SessionRequest
from voipbin_cli.transport.connection import ConnectionEnded, MediaConnection, Message, Pings
from voipbin_cli.transport.resources import CallState, ConferenceState, ResourceState

# A view looks a few times a second, and ten frames cost little more to measure than one.
LINGER_S = 0.2
# Every wake-up late by so much has to be seen, and a frame comes each 20 ms.
LAG_INTERVAL_S = 0.02
# A queue that grows shows in the round trips, within ten seconds.
PING_INTERVAL_S = 1.0
# A stream that is mute for so long will stay so.
PATIENCE_S = 10.0


def api_fields(state: ResourceState | None) -> dict[str, Any]:
    """What a diagnosis uses of a call's or conference's state."""
    if isinstance(state, CallState):
        return {"status": state.status, "mute_direction": state.mute_direction}
    if isinstance(state, ConferenceState):
        return {"status": state.status, "members": state.members}
    return {}


class LiveDiagnosis(Hearer):
    """Takes the way to a stream step by step, then measures what comes.

    What is refused or lost is a finding. `tell` hears of the steps. With `until_sure` the stream
    ends as soon as its cause is certain.
    """

    def __init__(
        self,
        live: LiveRequest,
        tell: Tell,
        *,
        until_sure: bool = False,
        clock: Callable[[], int] = now_ns,
        rng: Random | None = None,
    ) -> None:
        self.so_far: StreamDiagnosis | None = None
        self._certainty = Certainty() if until_sure else None
        self._looked_ns = 0
        self.measuring = Measuring(
            live.encapsulation, rng, keep_samples=KEPT_SAMPLES, keep_rows=KEPT_ROWS
        )
        self.diagnosis = DiagnosisFold(self.measuring.fold, live.label)
        self.steps: list[Step] = []
        self.events: list[str] = []
        self._live = live
        self._tell = tell
        self._clock = clock
        self._messages = 0
        self._connecting_ns = self._opened_ns = 0
        self._was_over = False

    @contextlib.asynccontextmanager
    async def beside(self) -> AsyncIterator[None]:
        """Take the preflight. Raises what it ends with: there is no use in connecting then."""
        preflight = Preflight(self._live, self._step, clock=self._clock)
        await preflight.run()
        if fields := api_fields(preflight.state):
            self.session.api_told(fields)
        elif preflight.refused is not None and preflight.error is None:
            self.session.api_told({"look_up": preflight.refused.message})
        self._was_over = preflight.state is not None and preflight.state.is_over
        if preflight.error is not None:
            raise preflight.error
        self._connecting_ns = self._clock()
        yield

    def _step(self, step: Step) -> None:
        self.steps.append(step)
        self._tell("step", step.as_fields())

    @property
    def is_call_over(self) -> bool:
        """Whether the call has ended, now or before: there is a BYE."""
        close = self.diagnosis.close
        ended = close is not None and close["cause"] == Cause.CALL_ENDED
        return ended or self._was_over

    def look(self) -> StreamDiagnosis | None:
        """Return what all that came so far amounts to, at most `LOOK_S` old; None of too little."""
        at_ns = self._clock()
        if self._messages >= 2 * BLOCK_FRAMES and at_ns - self._looked_ns >= LOOK_S * 1e9:
            self._looked_ns = at_ns
            self.measuring.look()
            self.so_far = self.diagnosis.diagnosis()
        return self.so_far

    def _stop_where_sure(self, certainty: Certainty) -> None:
        before, now = self.so_far, self.look()
        if now is None or now is before:
            return
        if certainty.is_sure(now.measured.duration_s, now.findings):
            self.session.stop(Cause.FINISHED)

    # What it hears

    def api_told(self, at_ns: int, fields: dict[str, Any]) -> None:
        """Note whether the call is up, and muted."""
        self.diagnosis.told(fields)

    def opened(self, at_ns: int, connection: MediaConnection) -> None:
        """Measure on, across connections."""
        if not self.diagnosis.connections:
            took_ms = (at_ns - self._connecting_ns) / 1e6
            self._step(Step("upgrade", True, took_ms, "WebSocket is open"))
        self._opened_ns = at_ns
        self.diagnosis.opened()

    def hear_messages(self, messages: Sequence[Message]) -> None:
        """Measure what has come."""
        if not self._messages:
            # It may come in one piece with the upgrade's answer.
            took_ms = max(0, messages[0].arrival_ns - self._opened_ns) / 1e6
            first = messages[0].data
            name, unit = (
                ("first text", "characters") if isinstance(first, str) else ("first frame", "bytes")
            )
            self._step(Step(name, True, took_ms, f"{len(first)} {unit}"))
        self._messages += len(messages)
        self.measuring.add_messages(messages)

    def hear_pings(self, at_ns: int, pings: Pings) -> None:
        """Measure the pings."""
        self.diagnosis.pinged(at_ns, pings._asdict())

    def lost(self, at_ns: int, ended: ConnectionEnded) -> None:
        """Note the outage."""
        self.measuring.broke(at_ns)
        self.diagnosis.ended(closing_fields(ended))
        self.events.append("the connection is lost")

    def ticked(self, at_ns: int, late_ns: int) -> None:
        """Note this machine's own lateness; wait no longer for a stream that is mute."""
        self.diagnosis.lagged(at_ns, round(late_ns / 1e6, 3))
        if self._certainty is not None:
            self._stop_where_sure(self._certainty)
        waiting = self.diagnosis.connections and not self._messages
        if waiting and at_ns - self._opened_ns > PATIENCE_S * 1e9:
            self.session.stop(Cause.DURATION)

    def failed(self, at_ns: int, error: VoipbinError) -> None:
        """Make a finding of it, where it is one."""
        if self._connecting_ns and not self.diagnosis.connections:
            took_ms = (at_ns - self._connecting_ns) / 1e6
            self._step(Step("upgrade", False, took_ms, error.message))
        if fields := refusal_fields(error):
            self.diagnosis.told(fields)

    def ended(self, at_ns: int, close: Close) -> None:
        """Measure the rest."""
        if close.error is not None:
            self.failed(at_ns, close.error)
        self.measuring.flush()
        self.diagnosis.closed(at_ns, close.as_fields() | closing_fields(close))


class FindTheCause(Goal):
    """To diagnose a stream: whatever has an id among the findings is a result, and no error."""

    def __init__(self, diagnosis: LiveDiagnosis, *, is_timed: bool) -> None:
        self._diagnosis = diagnosis
        self._is_timed = is_timed

    def is_unfinished(self, session: Session) -> bool:
        """Whether a time was asked for: who asked for none has the verdict when he wants it."""
        return self._is_timed

    def problem(self, session: Session, close: Close) -> VoipbinError | None:
        """Return what is none of the findings."""
        return close.error if close.error and not refusal_fields(close.error) else None

    def close_for(self, error: VoipbinError) -> Close:
        """Return how a run ended that did not come to a stream."""
        if isinstance(error, UsageError | MachineError) or not refusal_fields(error):
            raise error
        return Close(Cause.REFUSED)

    def summary(self, session: Session, close: Close) -> dict[str, Any]:
        """Return the fields of the summary; a capture of this run gives the same."""
        return self._diagnosis.diagnosis.summary(session.request.live.label)


def diagnose_session(
    request: SessionRequest,
    tell: Tell,
    diagnosis: LiveDiagnosis,
    *,
    is_timed: bool = True,
    **edges: Any,
) -> Session:
    """Return a session that measures a stream, at what `diagnosis` needs of pings and looks.

    `is_timed`: the duration was asked for, and Ctrl-C before its end cuts the run short. `edges`
    are the clock and the like of `Session`.
    """
    live = replace(
        request.live,
        linger_s=LINGER_S,
        lag_interval_s=LAG_INTERVAL_S,
        ping_interval_s=PING_INTERVAL_S,
    )
    goal = FindTheCause(diagnosis, is_timed=is_timed)
    return Session(replace(request, live=live), tell, [diagnosis], goal=goal, **edges)
