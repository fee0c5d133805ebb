"""One stream, whoever hears it, and what is said into it: every command that runs a stream."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from random import Random
from typing import Any

from voipbin_cli.analysis.closing import NO_CLOSE_FRAME
from voipbin_cli.clock import now_ns
from voipbin_cli.codec.codecs import SAMPLE_RATE_HZ
from voipbin_cli.codec.dialect import AudioFrame, FrameDecoder
from voipbin_cli.codec.encapsulation import Encapsulation
from voipbin_cli.codec.fingerprint import SendForm
from voipbin_cli.errors import ConnectionFailed, MachineError, VoipbinError
from voipbin_cli.events import Tell
from voipbin_cli.finding_ids import FindingId
from voipbin_cli.session.capture_log import CaptureLog
from voipbin_cli.session.duration import Duration
from voipbin_cli.session.ending import Cause, Close
from voipbin_cli.session.hearer import Hearer, why_left_behind
from voipbin_cli.session.live import LiveRequest, LiveStream
from voipbin_cli.session.message_decoder import MessageDecoder
from voipbin_cli.session.sender import SILENT_FRAME, Voice
from voipbin_cli.session.sending import CODEC_NAMES, Sending
from voipbin_cli.transport.connection import ConnectionEnded, MediaConnection, Message

ROOM_POLL_S = 0.05
_FRAMED = {
    Encapsulation.RTP: "RTP",
    Encapsulation.SLN: "SLN",
    Encapsulation.AUDIOSOCKET: "AudioSocket",
}
# A link on which nothing came for so long is dead; one that is only slow brings something.
DEAD_NS = 2_500_000_000
# RFC 6298 2.4: TCP waits a second, in practice 0.2 s, before it repeats what was lost.
LATE_S = 1.0


@dataclass(frozen=True, slots=True)
class SessionRequest:
    """One stream to hear, for `duration_s` seconds or to its end. `capture` is a path or None."""

    live: LiveRequest
    duration_s: float | None = None
    capture: str | None = None
    overwrite: bool = False


@dataclass(frozen=True, slots=True)
class SessionStatus:
    """Where a stream is, for a view that looks now and then."""

    state: str
    elapsed_s: float
    frames: int
    reconnects: int
    form: str
    latest_pcm: bytes


class Goal:
    """What a run is for. This one: to hear the stream, for as long as was asked.

    It says what an end amounts to, and what stands in the summary.
    """

    def is_unfinished(self, session: Session) -> bool:
        """Whether Ctrl-C now would cut short what was asked for: a duration."""
        return session.request.duration_s is not None

    def problem(self, session: Session, close: Close) -> VoipbinError | None:
        """Return what the run did not achieve: a stream to its end, and to hear anything."""
        return close.error or session.heard_nothing()

    def close_for(self, error: VoipbinError) -> Close:
        """Return how a run ended that failed with `error`; raises it where it is no result."""
        raise error

    def summary(self, session: Session, close: Close) -> dict[str, Any]:
        """Return the fields of the summary: those of the stream, and what each hearer adds."""
        fields = session.stream_fields(close)
        for hearer in session.hearers:
            fields |= hearer.summary()
        return fields


class Session:
    """Runs one stream, decodes what comes and hands it to each of `hearers`, in their order.

    What `source` sends goes into it, and the stream ends when all of that was sent; without one it
    is silence now and then, to keep the far end awake. A capture, where the request wants one,
    hears everything first. `tell(event, fields)` hears of what happens: open, dialect, lost,
    reconnecting. `seconds()` is how much of an asked-for duration there is; unless it is given, all
    audio that was heard. It is the sink of its stream (`StreamSink`).
    """

    def __init__(
        self,
        request: SessionRequest,
        tell: Tell,
        hearers: Sequence[Hearer] = (),
        *,
        source: Sending | None = None,
        goal: Goal | None = None,
        seconds: Callable[[], float] | None = None,
        clock: Callable[[], int] = now_ns,
        rng: Random | None = None,
    ) -> None:
        live = request.live
        self.request = request
        self.listener = MessageDecoder(live.encapsulation)
        self.stream = LiveStream(live, self, clock=clock, rng=rng)
        self.frames_sent = 0
        self._tell = tell
        self._clock = clock
        self._goal = goal or Goal()
        self._seconds = seconds or (lambda: self.listener.samples / SAMPLE_RATE_HZ)
        self._silence = Voice(live.encapsulation, rng)
        self._source = source
        self.hearers: list[Hearer] = [*hearers] if source is None else [source, *hearers]
        if request.capture is not None:
            self.hearers.insert(0, CaptureLog(request.capture, live, overwrite=request.overwrite))
        for hearer in self.hearers:
            hearer.joined(self)
        self._left_behind: dict[Hearer, MachineError] = {}
        self._connection: MediaConnection | None = None
        self._state = "connecting"
        self._duration = Duration(request.duration_s, self._seconds, self._time_is_up)
        self._catching_up: asyncio.Task[None] | None = None
        self._started_ns = self._ended_ns = 0
        self._latest_pcm = b""
        self._latest_ns = 0
        self._form = ""
        self._decided: tuple[object, ...] = ()

    # The run

    async def run(self) -> Close:
        """Run until the stream ends and return how; outputs are finished in any case.

        Raises VoipbinError where there was no first connection, or this machine cannot write, and
        what a hearer or the source raises.
        """
        self._started_ns = self._clock()
        async with contextlib.AsyncExitStack() as beside:
            try:
                close = await self._run_stream(beside)
                self._tell_pings()
                at_ns = self._clock()
                self._each(lambda hearer: hearer.ended(at_ns, close))
                return close
            finally:
                self._ended_ns = self._clock()
                self._state = "closed"
                self._duration.cancel()
                if self._catching_up is not None:
                    self._catching_up.cancel()
                self._finish()

    async def _run_stream(self, beside: contextlib.AsyncExitStack) -> Close:
        try:
            for hearer in self.hearers:
                await beside.enter_async_context(hearer.beside())
            return self._checked(await self.stream.run())
        except VoipbinError as error:
            failure, at_ns = error, self._clock()
            self._each(lambda hearer: hearer.failed(at_ns, failure))
            return self._goal.close_for(error)

    def _finish(self) -> None:
        """Finish each of them even where another cannot be: the capture last of all."""
        with contextlib.ExitStack() as outputs:
            for hearer in self.hearers:
                outputs.callback(self._finish_one, hearer)
            self._hear_frames(self.listener.finish())
        self._tell_warnings()

    def _finish_one(self, hearer: Hearer) -> None:
        try:
            hearer.finish()
        except (MachineError, BrokenPipeError) as error:
            if hearer in self._left_behind:
                return  # said before
            self._leave_behind(hearer, error)

    def _each(self, tell: Callable[[Hearer], None]) -> None:
        """Tell something to each hearer that is still there."""
        for hearer in self.hearers:
            if hearer in self._left_behind:
                continue
            try:
                tell(hearer)
            except (MachineError, BrokenPipeError) as error:
                self._leave_behind(hearer, error)

    def _leave_behind(self, hearer: Hearer, error: MachineError | BrokenPipeError) -> None:
        """Go on without a file that cannot be written, as long as the run is good for more.

        Raises `error` where it is not.
        """
        others = [h for h in self.hearers if h is not hearer and h not in self._left_behind]
        if not (hearer.is_file and any(other.is_worth_a_run for other in others)):
            raise error
        self._left_behind[hearer] = why = why_left_behind(error)
        self._tell("warning", {"message": f"{why.message}; the rest goes on"})

    # What hearers and users know of it, and do to it

    @property
    def decoder(self) -> FrameDecoder:
        """What decodes the stream, and knows what the far end takes."""
        return self.listener.decoder

    @property
    def sent_form(self) -> SendForm | None:
        """The form of what was sent last, None while nothing was."""
        voice = self._silence if self._source is None else self._source.sender.voice
        return voice.form

    @property
    def stopped_by(self) -> Cause | None:
        """What it was stopped for, None when nobody asked it to stop."""
        return self.stream.stopped_by

    @property
    def duration_s(self) -> float | None:
        """How long it is wanted, None to its end."""
        return self.request.duration_s

    def stop(self, cause: Cause) -> None:
        """End the stream as soon as what has arrived is handed over. The first cause counts."""
        self.stream.stop(cause)

    def _time_is_up(self) -> None:
        """Stop, but let audio come first that is only late: TCP may be repeating it."""
        if self._connection is None or not self.listener.frames:
            self.stop(Cause.DURATION)
        else:
            self._catching_up = asyncio.ensure_future(self._stop_behind(self._connection))

    async def _stop_behind(self, connection: MediaConnection) -> None:
        await connection.catch_up(LATE_S)
        self.stop(Cause.DURATION)

    def api_told(self, fields: dict[str, Any]) -> None:
        """Let every hearer know what the API has said about the call."""
        at_ns = self._clock()
        self.stream.api_told(fields)
        self._each(lambda hearer: hearer.api_told(at_ns, fields))

    # What the stream tells

    @property
    def full(self) -> bool:
        """Whether a hearer is so far behind that the stream has to wait for it."""
        return any(hearer.full for hearer in self.hearers)

    async def room(self) -> None:
        """Wait for them; TCP holds the far end back meanwhile."""
        while self.full:
            await asyncio.sleep(ROOM_POLL_S)

    def opened(self, at_ns: int, connection: MediaConnection) -> None:
        """Begin the first stretch of the stream, or another."""
        self._state = "open"
        if self.stream.connections > 1:
            self._hear_frames(self.listener.reopened())
            self._each(lambda hearer: hearer.connection_over())
        self._connection = connection
        self._silence.restart()
        self._each(lambda hearer: hearer.opened(at_ns, connection))
        self._tell("open", {"connection": self.stream.connections})
        if self.stream.connections == 1:
            self._duration.begin()

    def received(self, messages: Sequence[Message]) -> None:
        """Hand on what has come, up to the asked-for duration."""
        began = self.listener.frames > 0
        self._latest_ns = messages[-1].arrival_ns
        if self._duration.includes(messages):
            self._hear(messages)
        else:
            self._hear_until_over(messages)
        if not began and self.listener.frames:
            self._duration.begin()  # once more: not to count the wait for the first frame
        self._state = "streaming"
        self._tell_form()
        if self._duration.is_over:
            self.stop(Cause.DURATION)

    def _hear_until_over(self, messages: Sequence[Message]) -> None:
        """Hand on one by one: any of them may be the last one of a duration."""
        for message in messages:
            if self._duration.is_over:
                return
            self._hear([message])

    def _hear(self, messages: Sequence[Message]) -> None:
        self._each(lambda hearer: hearer.hear_messages(messages))
        frames = self.listener.take_messages(messages)
        if frames:
            self._hear_frames(frames)
            self._latest_pcm = frames[-1].pcm

    def _hear_frames(self, frames: list[AudioFrame]) -> None:
        if frames:
            self._each(lambda hearer: hearer.hear_frames(frames))

    def lost(self, at_ns: int, ended: ConnectionEnded) -> None:
        """Note that the link is gone."""
        self._state = "reconnecting"
        self._tell_pings()
        self._each(lambda hearer: hearer.lost(at_ns, ended))
        self._tell("lost", {"code": ended.code, "reason": ended.reason})

    def _tell_pings(self) -> None:
        connection, self._connection = self._connection, None
        if connection is None:
            return
        at_ns = self._clock()
        pings = connection.pings(at_ns)
        if pings.ms or pings.waiting_ms is not None:
            self._each(lambda hearer: hearer.hear_pings(at_ns, pings))

    def retrying(self, delay_s: float, error: VoipbinError | None) -> None:
        """Tell when the next attempt comes."""
        why = error.message if error else ""
        self._tell("reconnecting", {"delay_seconds": round(delay_s, 3), "error": why})

    def ticked(self, at_ns: int, late_ns: int) -> None:
        """Let everyone know that time passes."""
        self._each(lambda hearer: hearer.ticked(at_ns, late_ns))
        self._tell_warnings()

    def _tell_warnings(self) -> None:
        for hearer in self.hearers:
            for message in hearer.warnings():
                self._tell("warning", {"message": message})

    def silent_message(self) -> bytes | None:
        """Return a frame of silence; None beside a source, which is on a grid of its own."""
        if self._source is not None:
            return None
        return self._silence.message(self.decoder.send_form, SILENT_FRAME)

    def sent(self, at_ns: int, message: bytes) -> None:
        """Count what went out, and let everyone hear it."""
        self.frames_sent += 1
        self._each(lambda hearer: hearer.hear_sent(at_ns, message))

    def _checked(self, close: Close) -> Close:
        """Take a link that was dead when the time was up for what it is.

        Frames are missing, and the far end did not answer the close frame either. Where something
        came until the end the answer was only waiting in a long queue.
        """
        is_silent = self._clock() - self._latest_ns > DEAD_NS
        is_unanswered = self._duration.ran_out and close.code == NO_CLOSE_FRAME
        if not (is_silent and is_unanswered and self.listener.frames):
            return close
        error = ConnectionFailed(
            "the connection was dead when the time was up: nothing came any more",
            hint="what came before is kept; voipbin stream diagnose says more",
            finding=FindingId.CONNECTION_LOST,
        )
        return replace(close, cause=Cause.NETWORK, error=error)

    def _tell_form(self) -> None:
        """Say what the stream speaks once something was heard, and when that changes."""
        decoder = self.listener.decoder
        decided = (decoder.codec, decoder.is_settled, decoder.revisions)
        if decided == self._decided or not self.listener.frames:
            return
        self._decided = decided
        verdict = decoder.verdict
        if verdict is None:
            return
        framed = _FRAMED[self.request.live.encapsulation]
        self._form = f"{CODEC_NAMES[verdict.codec]} in {framed}"
        at_ns, payload_type = self._clock(), self.listener.payload_type
        self._each(lambda hearer: hearer.form_known(at_ns, verdict, payload_type))
        self._tell("dialect", asdict(verdict))

    # What it came to

    @property
    def is_unfinished(self) -> bool:
        """Whether Ctrl-C now cuts short what was asked for."""
        return self._goal.is_unfinished(self)

    def problem(self, close: Close) -> VoipbinError | None:
        """Return what the run did not achieve."""
        return next(iter(self._left_behind.values()), None) or self._goal.problem(self, close)

    def summary(self, close: Close) -> dict[str, Any]:
        """Return the fields of the summary."""
        return self._goal.summary(self, close)

    def heard_nothing(self) -> VoipbinError | None:
        """Return what to say where no frame came; None where one did."""
        if self.listener.frames:
            return None
        if not self.stream.connections:
            return ConnectionFailed("ended before there was a connection")
        return ConnectionFailed(
            "connected, but no audio arrived",
            hint="is the call answered, and the encapsulation right? "
            "voipbin stream diagnose says more",
            finding=FindingId.NO_AUDIO,
        )

    def status(self) -> SessionStatus:
        """Return where the stream is now."""
        return SessionStatus(
            state=self._state,
            elapsed_s=self.elapsed_s,
            frames=self.listener.frames,
            reconnects=max(0, self.stream.connections - 1),
            form=self._form,
            latest_pcm=self._latest_pcm,
        )

    @property
    def elapsed_s(self) -> float:
        """Seconds since the run began, to its end once it is over."""
        if not self._started_ns:
            return 0.0
        return ((self._ended_ns or self._clock()) - self._started_ns) / 1e9

    def stream_fields(self, close: Close) -> dict[str, Any]:
        """Return the fields of the summary that are the stream's."""
        verdict = self.listener.decoder.verdict
        sent = self.frames_sent
        return {
            "target": self.request.live.label,
            "encapsulation": self.request.live.encapsulation.value,
            "dialect": verdict.dialect.value if verdict else None,
            "codec": verdict.codec.value if verdict else None,
            "codec_sent": self.listener.decoder.send_form.codec.value if sent else None,
            "payload_type": self.listener.payload_type,
            "timestamp_step": verdict.timestamp_step if verdict else None,
            "frames_received": self.listener.frames,
            "frames_sent": sent,
            "bytes_received": self.listener.message_bytes,
            "malformed_messages": self.listener.malformed,
            "audio_seconds": round(self._seconds(), 3),
            "elapsed_seconds": round(self.elapsed_s, 3),
            "reconnects": max(0, self.stream.connections - 1),
            "close": close.as_fields(),
        }
