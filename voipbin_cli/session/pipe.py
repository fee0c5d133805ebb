"""`pipe`: a program in the call; its stdin hears the call, its stdout is spoken into it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from voipbin_cli.codec.codecs import SAMPLE_RATE_HZ
from voipbin_cli.codec.dialect import AudioFrame
from voipbin_cli.errors import VoipbinError
from voipbin_cli.events import Tell
from voipbin_cli.media.resample import ResampleQuality, Resampler
from voipbin_cli.session.backlog import Backlog
from voipbin_cli.session.ending import Cause, Close
from voipbin_cli.session.hearer import Hearer
from voipbin_cli.session.program import Program
from voipbin_cli.session.sending import Sending
from voipbin_cli.session.session import Goal, Session, SessionRequest
from voipbin_cli.session.sound_events import SoundEvents
from voipbin_cli.session.talk_judging import TalkJudging
from voipbin_cli.transport.connection import ConnectionEnded, MediaConnection

ROOM_POLL_S = 0.02
ENDING_S = 0.25
FULL_SCALE = 1 << 15


@dataclass(frozen=True, slots=True)
class PipeRequest:
    """The program, and how audio is given to it and taken from it (raw s16le mono)."""

    command: tuple[str, ...]
    rate_hz: int = SAMPLE_RATE_HZ
    events_fd: int | None = None
    barge_in: bool = False


class _Rate:
    """Converts a stream of s16le to another rate; carries half samples over."""

    def __init__(self, from_hz: int, to_hz: int) -> None:
        self._is_same = from_hz == to_hz
        self._resampler = Resampler(from_hz, to_hz, ResampleQuality.LIVE)
        self._half = b""

    def feed(self, data: bytes) -> bytes:
        data = self._half + data
        even = len(data) & ~1
        self._half = data[even:]
        return data[:even] if self._is_same else self._converted(data[:even])

    def finish(self) -> bytes:
        """Return what the conversion still held back."""
        return b"" if self._is_same else self._converted(b"", last=True)

    def _converted(self, pcm: bytes, *, last: bool = False) -> bytes:
        samples = np.frombuffer(pcm, "<i2").astype(np.float32) / np.float32(FULL_SCALE)
        scaled = np.rint(self._resampler.process(samples, last=last) * np.float32(FULL_SCALE))
        converted: bytes = scaled.clip(-FULL_SCALE, FULL_SCALE - 1).astype("<i2").tobytes()
        return converted


class ProgramInCall(Hearer):
    """Runs the program for as long as the call lasts, or the call for as long as it does.

    What it says waits in `backlog`, the source of what is sent. `said` gets what it writes to its
    stderr, which else is ours.
    """

    def __init__(
        self, tell: Tell, pipe: PipeRequest, said: Callable[[str], None] | None = None
    ) -> None:
        self.backlog = Backlog()
        self.program = Program(pipe.command, pipe.events_fd, said)
        self.barge_ins = 0
        self.died_of: VoipbinError | None = None
        self._tell = tell
        self._pipe = pipe
        self._to_program = _Rate(SAMPLE_RATE_HZ, pipe.rate_hz)
        self._from_program = _Rate(pipe.rate_hz, SAMPLE_RATE_HZ)
        self._connected = asyncio.Event()
        self._is_slow = False
        self._cause: Cause | None = None

    # The program

    @contextlib.asynccontextmanager
    async def beside(self) -> AsyncIterator[None]:
        """Run the program until it or the call ends, whichever comes first."""
        attending = asyncio.ensure_future(self._attend())
        try:
            yield
        finally:
            attending.cancel()
            await asyncio.wait([attending])
            self.program.tell("state", {"state": "closed", "cause": self._cause})
            await self.program.end(self._discard)
            if not attending.cancelled():
                attending.result()

    async def _attend(self) -> None:
        """Start the program with the first connection, take what it says, see it end."""
        await self._connected.wait()
        try:
            await self.program.start()
            self.program.tell("state", {"state": "open"})
            await self._listen_to_program()
            with contextlib.suppress(TimeoutError):  # who ends closes its stdout a moment before
                await asyncio.wait_for(self.program.wait(), ENDING_S)
            if self.program.returncode is None:
                self._tell("program", {"stdout": "closed"})
            status = await self.program.wait()
            self._tell("program", {"status": status})
            self.died_of = self.program.problem()
            self.backlog.finish()
        except VoipbinError:
            self.session.stop(Cause.INTERRUPTED)
            raise

    async def _listen_to_program(self) -> None:
        while data := await self.program.read():
            self.backlog.put(self._from_program.feed(data))
            while self.backlog.full:
                await asyncio.sleep(ROOM_POLL_S)
        self.backlog.put(self._from_program.finish())

    async def _discard(self) -> None:
        while await self.program.read():
            pass

    # What it hears and is told

    def hear_frames(self, frames: list[AudioFrame]) -> None:
        """Give the frames to the program."""
        for frame in frames:
            self.program.hear(self._to_program.feed(frame.pcm))
        if self.program.dropped_bytes and not self._is_slow:
            self._is_slow = True
            message = f"{self.program.name} does not read what it hears; some of it is dropped"
            self._tell("warning", {"message": message})

    def finish(self) -> None:
        """Give the program the end of what was heard."""
        self.program.hear(self._to_program.finish())

    def tell(self, event: str, fields: dict[str, Any]) -> None:
        """Tell of a digit or of speech, the program as well; speech may interrupt it."""
        self._tell(event, fields)
        self.program.tell(event, fields)
        if event == "speech" and fields["speaking"] and self._pipe.barge_in:
            self._be_interrupted()

    def _be_interrupted(self) -> None:
        dropped_s = self.backlog.clear()
        if dropped_s:
            self.barge_ins += 1
            fields = {"dropped_seconds": round(dropped_s, 3)}
            self._tell("barge-in", fields)
            self.program.tell("barge-in", fields)

    # What the stream tells

    def opened(self, at_ns: int, connection: MediaConnection) -> None:
        """Start the program, or tell it that the stream goes on."""
        self._connected.set()
        self.program.tell("state", {"state": "open"})

    def lost(self, at_ns: int, ended: ConnectionEnded) -> None:
        """Tell the program that it is not heard for a while."""
        self.program.tell("state", {"state": "reconnecting"})

    def ended(self, at_ns: int, close: Close) -> None:
        """Remember what to tell the program."""
        self._cause = close.cause

    def summary(self) -> dict[str, Any]:
        """Return how the program fared."""
        unread_s = self.program.dropped_bytes / (2 * self._pipe.rate_hz)
        return {
            "program_status": self.program.returncode,
            "barge_ins": self.barge_ins,
            "dropped_seconds": round(self.backlog.dropped_samples / SAMPLE_RATE_HZ, 3),
            "unread_seconds": round(unread_s, 3),
        }


class LetProgramRun(Goal):
    """To run a program until it ends. Ctrl-C is the normal end of one that waits for callers."""

    def __init__(self, program: ProgramInCall) -> None:
        self._program = program

    def problem(self, session: Session, close: Close) -> VoipbinError | None:
        """Return what the program died of, unless it was ended with the call."""
        died_of = None if close.cause is Cause.INTERRUPTED else self._program.died_of
        return close.error or died_of


def pipe_session(
    request: SessionRequest,
    tell: Tell,
    program: ProgramInCall,
    sending: Sending,
    judging: TalkJudging | None = None,
    **edges: Any,
) -> Session:
    """Return a session in which `program` hears, and `sending` says what is in its backlog.

    `judging` judges both directions. `edges` are the clock and the like of `Session`.
    """
    hearers: list[Hearer] = [program, SoundEvents(program.tell)]
    if judging is not None:
        hearers.append(judging)
    return Session(request, tell, hearers, source=sending, goal=LetProgramRun(program), **edges)
