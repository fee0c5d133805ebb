"""What every command that hears a stream does: decode, capture, count, tell, end on time."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from random import Random
from typing import Any

from voipbin_cli.codec.dialect import AudioFrame
from voipbin_cli.codec.pcm import SAMPLE_RATE_HZ
from voipbin_cli.errors import ConnectionFailed, VoipbinError
from voipbin_cli.finding_ids import FindingId
from voipbin_cli.session.audiofile import AudioFile
from voipbin_cli.session.listener import Listener
from voipbin_cli.session.live import Cause, Close, LiveRequest, LiveStream
from voipbin_cli.session.logbook import Logbook
from voipbin_cli.session.sender import SILENT_FRAME, Voice
from voipbin_cli.transport.connection import ConnectionEnded, MediaConnection, Message

# A duration is over when so much audio is there; the clock alone decides a little later.
DURATION_GRACE_S = 0.1
ROOM_POLL_S = 0.05
# RFC 6455 7.1.5: no close frame was received.
NO_ANSWER = 1006
# A link on which nothing came for so long is dead; one that is only slow brings something.
DEAD_NS = 2_500_000_000
# Under this an event loop is as punctual as they are: epoll itself rounds up to a millisecond.
WORTH_NOTING_NS = 10_000_000

Tell = Callable[[str, dict[str, Any]], None]


@dataclass(frozen=True, slots=True)
class ListenRequest:
    """One stream to hear. `capture` is a path or None."""

    live: LiveRequest
    duration_s: float | None = None
    capture: str | None = None
    overwrite: bool = False


@dataclass(frozen=True, slots=True)
class ListenStatus:
    """Where a stream is, for a view that looks now and then."""

    state: str
    elapsed_s: float
    frames: int
    reconnects: int
    form: str
    latest_pcm: bytes


class ListeningSession:
    """The sink of one stream (`StreamSink`); a command fills in what it does with the frames.

    `tell(event, fields)` hears of what happens: open, dialect, lost, reconnecting. Subclasses
    override `heard`, `finish_output` and `audio_seconds`, and whatever else they need to know.
    """

    def __init__(
        self,
        request: ListenRequest,
        tell: Tell,
        *,
        clock: Callable[[], int] = time.monotonic_ns,
        rng: Random | None = None,
    ) -> None:
        live = request.live
        self.listener = Listener(live.encapsulation)
        self.logbook = Logbook(request.capture, live, overwrite=request.overwrite)
        self.stream = LiveStream(live, self, clock=clock, rng=rng)
        self.tell = tell
        self.clock = clock
        self._request = request
        self._silence = Voice(live.encapsulation, rng)
        self._state = "connecting"
        self._link: MediaConnection | None = None
        self._deadline: asyncio.TimerHandle | None = None
        self._ran_out = False
        self._started_ns = self._ended_ns = 0
        self._latest_pcm = b""
        self._latest_ns = 0
        self._form = ""
        self._decided: tuple[object, ...] = ()

    # What a command does with it

    def heard(self, frames: list[AudioFrame]) -> None:
        """Take decoded frames, in order, at 8 kHz; `tag` is the arrival in ns."""

    def broke(self) -> None:
        """All frames of a lost connection were heard; the next ones come from another."""

    def finish_output(self) -> None:
        """Finish files and devices: everything was heard."""

    @property
    def audio_seconds(self) -> float:
        """How much of an asked-for duration there is."""
        return self.listener.samples / SAMPLE_RATE_HZ

    # The run

    async def run(self) -> Close:
        """Listen until the stream ends and return how; outputs are finished in any case.

        Raises VoipbinError where there was no first connection, or this machine cannot write.
        """
        self._started_ns = self.clock()
        try:
            close = self._checked(await self.stream.run())
            self.logbook.ended(self.clock(), close)
            return close
        except VoipbinError as error:
            self.logbook.failed(self.clock(), error)
            raise
        finally:
            self._ended_ns = self.clock()
            self._state = "closed"
            if self._deadline is not None:
                self._deadline.cancel()
            self._finish()

    def _finish(self) -> None:
        """Finish the output even if the capture cannot be, and the other way round."""
        with contextlib.ExitStack() as outputs:
            outputs.callback(self.logbook.finish)
            outputs.callback(self.finish_output)
            self.heard(self.listener.finish())

    # What the stream tells

    @property
    def full(self) -> bool:
        """The disk is so far behind that the stream has to wait for it."""
        return self.logbook.full

    async def room(self) -> None:
        """Wait for the disk; TCP holds the far end back meanwhile."""
        while self.full:
            await asyncio.sleep(ROOM_POLL_S)

    def opened(self, at_ns: int, connection: MediaConnection) -> None:
        """Begin the first stretch of the stream, or another."""
        self._state = "open"
        if self.stream.connections > 1:
            self.heard(self.listener.reopened())
            self.broke()
        self._silence.restart()
        self._link = connection
        self.logbook.opened(at_ns, connection)
        self.tell("open", {"connection": self.stream.connections})
        if self._deadline is None:
            self._end_after(self._request.duration_s)

    def received(self, messages: Sequence[Message]) -> None:
        """Decode what has come, up to the asked-for duration."""
        began = self.listener.frames > 0
        self._latest_ns = messages[-1].arrival_ns
        is_timed = self._request.duration_s is not None
        for message in messages:
            if is_timed and self._is_enough():
                break
            self.logbook.received(message)
            frames = self.listener.take(message)
            if frames:
                self.heard(frames)
                self._latest_pcm = frames[-1].pcm
        if not began and self.listener.frames:
            self._end_after(self._request.duration_s)
        self._state = "streaming"
        self._tell_form()
        if self._is_enough():
            self.stream.stop(Cause.DURATION)

    def lost(self, at_ns: int, ended: ConnectionEnded) -> None:
        """Note that the link is gone."""
        self._state = "reconnecting"
        self.logbook.lost(at_ns, ended)
        self.tell("lost", {"code": ended.code, "reason": ended.reason})

    def retrying(self, delay_s: float, error: VoipbinError | None) -> None:
        """Note when the next attempt comes."""
        why = error.message if error else ""
        self.tell("reconnecting", {"delay_seconds": round(delay_s, 3), "error": why})

    def ticked(self, at_ns: int, late_ns: int) -> None:
        """Note this machine's own lateness beside the arrivals."""
        if late_ns >= WORTH_NOTING_NS:
            self.logbook.lagged(at_ns, late_ns)

    def queued_ms(self) -> float:
        """How much audio the link holds back, or held back at its end, as pings tell; in ms."""
        return self._link.queued_ms if self._link is not None else 0.0

    def watch(self, file: AudioFile, at_ns: int) -> None:
        """Let a file hold nothing back for long; find out if what it misses is only late."""
        file.wait_no_longer(at_ns)
        connection = self.stream.connection
        if connection is not None and file.clock.is_in_doubt(at_ns):
            connection.probe()

    def silent_message(self) -> bytes | None:
        """Return a frame of silence for the far end."""
        message = self._silence.message(self.listener.decoder.send_form, SILENT_FRAME)
        self.logbook.sent(self.clock(), message)
        return message

    # When it ends

    def _end_after(self, duration_s: float | None) -> None:
        """Count a duration from the first connection, then anew from the first frame."""
        if duration_s is None:
            return
        if self._deadline is not None:
            self._deadline.cancel()
        loop = asyncio.get_running_loop()
        delay_s = duration_s + DURATION_GRACE_S
        self._deadline = loop.call_later(delay_s, self._time_is_up)

    def _time_is_up(self) -> None:
        self._ran_out = True
        self.stream.stop(Cause.DURATION)

    def _checked(self, close: Close) -> Close:
        """Take a link that was dead when the time was up for what it is.

        Frames are missing, and the far end did not answer the close frame either. Where something
        came until the end the answer was only waiting in a long queue.
        """
        silent = self.clock() - self._latest_ns > DEAD_NS
        if not (self._ran_out and close.code == NO_ANSWER and self.listener.frames and silent):
            return close
        error = ConnectionFailed(
            "the connection was dead when the time was up: nothing came any more",
            hint="what came before is kept; voipbin stream diagnose says more",
            finding=FindingId.CONNECTION_LOST,
        )
        return Close(Cause.NETWORK, close.code, close.reason, error)

    def _is_enough(self) -> bool:
        wanted_s = self._request.duration_s
        return wanted_s is not None and self.audio_seconds >= wanted_s

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
        self._form = f"{verdict.dialect} {verdict.codec}"
        self.logbook.decided(self.clock(), verdict)
        if self.listener.payload_type is not None:
            self.logbook.described(self.clock(), verdict, self.listener.payload_type)
        self.tell("dialect", asdict(verdict))

    # What it came to

    @property
    def is_unfinished(self) -> bool:
        """Whether Ctrl-C now cuts short what was asked for: a duration."""
        return self._request.duration_s is not None

    def problem(self, close: Close) -> VoipbinError | None:
        """Return what a run that ended in order did not achieve: to hear anything."""
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

    def status(self) -> ListenStatus:
        """Return where the stream is now."""
        return ListenStatus(
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
        return ((self._ended_ns or self.clock()) - self._started_ns) / 1e9

    def summary(self, close: Close) -> dict[str, Any]:
        """Return the fields of the summary that all commands share."""
        verdict = self.listener.decoder.verdict
        sent = self.stream.frames_sent
        return {
            "target": self._request.live.label,
            "encapsulation": self._request.live.encapsulation.value,
            "dialect": verdict.dialect.value if verdict else None,
            "codec": verdict.codec.value if verdict else None,
            "codec_sent": self.listener.decoder.send_form.codec.value if sent else None,
            "payload_type": self.listener.payload_type,
            "timestamp_step": verdict.timestamp_step if verdict else None,
            "frames_received": self.listener.frames,
            "frames_sent": sent,
            "bytes_received": self.listener.message_bytes,
            "malformed_messages": self.listener.malformed,
            "audio_seconds": round(self.audio_seconds, 3),
            "elapsed_seconds": round(self.elapsed_s, 3),
            "reconnects": max(0, self.stream.connections - 1),
            "close": close.as_fields(),
        }
