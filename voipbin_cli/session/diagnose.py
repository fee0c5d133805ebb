"""`diagnose` on a live stream: the way to it, then what it brings, measured as it comes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from voipbin_cli.analysis.diagnosis import KEPT_ROWS, KEPT_SAMPLES, Diagnosis, DiagnosisFold
from voipbin_cli.analysis.stream import StreamFold
from voipbin_cli.errors import MachineError, UsageError, VoipbinError
from voipbin_cli.session.listening import ListeningSession, ListenRequest, ListenStatus, Tell
from voipbin_cli.session.live import Cause, Close
from voipbin_cli.session.logbook import refusal_fields
from voipbin_cli.session.measuring import Measuring
from voipbin_cli.session.preflight import Preflight, Step
from voipbin_cli.transport.connection import ConnectionEnded, MediaConnection, Message
from voipbin_cli.transport.resources import CallState, ConferenceState, ResourceState

# A view looks a few times a second, and ten frames cost little more to measure than one.
LINGER_S = 0.2
# Every wake-up late by so much has to be seen, and a frame comes each 20 ms.
LAG_INTERVAL_S = 0.02
# A queue that grows shows in the round trips, within ten seconds.
PING_INTERVAL_S = 1.0
# A stream that is mute for so long will stay so.
PATIENCE_S = 10.0


@dataclass(frozen=True, slots=True)
class DiagnosisStatus(ListenStatus):
    """Where a diagnosis is, and its folds for a view to look into."""

    steps: tuple[Step, ...]
    stream: StreamFold
    events: tuple[str, ...]


def api_fields(state: ResourceState | None) -> dict[str, Any]:
    """What a diagnosis uses of a call's or conference's state."""
    if isinstance(state, CallState):
        return {"status": state.status, "mute_direction": state.mute_direction}
    if isinstance(state, ConferenceState):
        return {"status": state.status, "members": state.members}
    return {}


class LiveDiagnosis(ListeningSession):
    """Listens for a while and measures. What is refused or lost is a finding, and no error."""

    def __init__(
        self, request: ListenRequest, tell: Tell, *, rng: Random | None = None, **edges: Any
    ) -> None:
        live = replace(
            request.live,
            linger_s=LINGER_S,
            lag_interval_s=LAG_INTERVAL_S,
            ping_interval_s=PING_INTERVAL_S,
        )
        super().__init__(replace(request, live=live), tell, rng=rng, **edges)
        self._measuring = Measuring(
            live.encapsulation, rng, keep_samples=KEPT_SAMPLES, keep_rows=KEPT_ROWS
        )
        self.fold = self._measuring.fold
        self.story = DiagnosisFold(self.fold)
        self.steps: list[Step] = []
        self.events: list[str] = []
        self._connection: MediaConnection | None = None
        self._trips_told = 0
        self._opened_ns = 0

    async def run(self) -> Close:
        """Take the preflight, then listen; return how it ended, errors that are findings apart."""
        preflight = Preflight(self._request.live, self._step, clock=self.clock)
        self._started_ns = self.clock()
        try:
            passed = await preflight.run()
            if fields := api_fields(preflight.state):
                self.story.told(fields)
                self.logbook.told(self.clock(), fields)
            if not passed and preflight.error is not None:
                return self._grounded(preflight.error)
            return await self._listen()
        finally:
            self._tell_round_trips()
            self._measuring.flush()

    def _grounded(self, error: VoipbinError) -> Close:
        """There is no use in an attempt to connect."""
        close = self._refused(error)
        self.logbook.ended(self.clock(), replace(close, error=error))
        self.logbook.finish()
        return close

    async def _listen(self) -> Close:
        try:
            close = await super().run()
        except (UsageError, MachineError):
            raise
        except VoipbinError as error:
            return self._refused(error)
        if close.error is not None:
            self._take(close.error)
            close = replace(close, error=None)
        self._measuring.flush()
        self.story.closed(self._ended_ns, close.as_fields())
        return close

    def _refused(self, error: VoipbinError) -> Close:
        self._take(error)
        close = Close(Cause.REFUSED)
        self.story.closed(self.clock(), close.as_fields())
        return close

    def _take(self, error: VoipbinError) -> None:
        """Make a finding of an error; raise what is none."""
        fields = refusal_fields(error)
        if not fields:
            raise error
        self.story.told(fields)

    def _step(self, step: Step) -> None:
        self.steps.append(step)
        self.tell("step", step.as_fields())

    # What the stream tells

    def opened(self, at_ns: int, connection: MediaConnection) -> None:
        """Measure on, across connections."""
        if not self.story.connections:
            took_ms = (at_ns - self._started_ns) / 1e6
            self._step(Step("upgrade", True, took_ms, "WebSocket is open"))
        self._opened_ns = at_ns
        self.story.opened()
        self._connection, self._trips_told = connection, 0
        super().opened(at_ns, connection)

    def received(self, messages: Sequence[Message]) -> None:
        """Measure what has come, as far as it was asked for."""
        if not self.listener.messages:
            # It may come in one piece with the upgrade's answer.
            took_ms = max(0, messages[0].arrival_ns - self._opened_ns) / 1e6
            self._step(Step("first frame", True, took_ms, f"{len(messages[0].data)} bytes"))
        before = self.listener.messages
        super().received(messages)
        self._measuring.take(messages[: self.listener.messages - before])

    def lost(self, at_ns: int, ended: ConnectionEnded) -> None:
        """Note the outage."""
        self._tell_round_trips()
        self._connection = None
        self._measuring.broke(at_ns)
        self.events.append("the connection is lost")
        super().lost(at_ns, ended)

    def ticked(self, at_ns: int, late_ns: int) -> None:
        """Note this machine's own lateness."""
        self.story.lagged(at_ns, round(late_ns / 1e6, 3))
        super().ticked(at_ns, late_ns)
        waiting = self.story.connections and not self.listener.messages
        if waiting and at_ns - self._opened_ns > PATIENCE_S * 1e9:
            self.stream.stop(Cause.DURATION)

    def _tell_round_trips(self) -> None:
        if self._connection is not None:
            trips = self._connection.rtts_ms[self._trips_told :]
            self._trips_told += len(trips)
            self.fold.round_trips([round(ms, 3) for ms in trips])

    # What it came to

    def problem(self, close: Close) -> VoipbinError | None:
        """What is wrong is told as findings, all of it."""
        return None

    def diagnosis(self) -> Diagnosis:
        """What it came to so far."""
        return self.story.diagnosis()

    def status(self) -> DiagnosisStatus:
        """Return where it is now."""
        self._measuring.look()
        listening = super().status()
        return DiagnosisStatus(
            **{name: getattr(listening, name) for name in ListenStatus.__slots__},
            steps=tuple(self.steps),
            stream=self.fold,
            events=tuple(self.events[-3:]),
        )

    def summary(self, close: Close) -> dict[str, Any]:
        """Return the fields of the summary; a capture of this run gives the same."""
        return self.story.summary(self._request.live.label)
