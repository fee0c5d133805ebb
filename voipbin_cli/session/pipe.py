"""`pipe`: a program in the call; its stdin hears the call, its stdout is spoken into it."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from typing import Any

import numpy as np

from voipbin_cli.codec.dialect import AudioFrame
from voipbin_cli.codec.pcm import SAMPLE_RATE_HZ
from voipbin_cli.errors import VoipbinError
from voipbin_cli.media.resample import ResampleQuality, Resampler
from voipbin_cli.session.backlog import Backlog
from voipbin_cli.session.ears import Ears
from voipbin_cli.session.listening import ListenRequest, Tell
from voipbin_cli.session.live import Cause, Close
from voipbin_cli.session.program import Program
from voipbin_cli.session.speaking import SpeakingSession, SpeakRequest
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


class Piping(SpeakingSession):
    """Runs the program for as long as the call lasts, or the call for as long as it does."""

    def __init__(
        self,
        request: ListenRequest,
        tell: Tell,
        pipe: PipeRequest,
        speak: SpeakRequest,
        **edges: Any,
    ) -> None:
        self.backlog = Backlog()
        self.program = Program(pipe.command, pipe.events_fd)
        self.barge_ins = 0
        self._pipe = pipe
        self._to_program = _Rate(SAMPLE_RATE_HZ, pipe.rate_hz)
        self._from_program = _Rate(pipe.rate_hz, SAMPLE_RATE_HZ)
        self._ears = Ears(self._overheard)
        self._is_slow = False
        self._died_of: VoipbinError | None = None
        super().__init__(request, tell, self.backlog, speak, **edges)

    # The program

    async def run(self) -> Close:
        """Run until the call or the program ends, whichever comes first."""
        attending = asyncio.ensure_future(self._attend())
        close: Close | None = None
        try:
            close = await super().run()
            return close
        finally:
            attending.cancel()
            await asyncio.wait([attending])
            self.program.tell("state", {"state": "closed", "cause": close.cause if close else None})
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
                self.tell("program", {"stdout": "closed"})
            status = await self.program.wait()
            self.tell("program", {"status": status})
            self._died_of = self.program.problem()
            self.backlog.finish()
        except VoipbinError:
            self.stream.stop(Cause.DURATION)
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

    def heard(self, frames: list[AudioFrame]) -> None:
        """Give the frames to the program, and listen for digits and speech in them."""
        for frame in frames:
            self.program.hear(self._to_program.feed(frame.pcm))
            self._ears.hear(frame.pcm)
        self._say_if_slow()

    def finish_output(self) -> None:
        """Give the program the end of what was heard."""
        self.program.hear(self._to_program.finish())

    def _say_if_slow(self) -> None:
        if self.program.dropped_bytes and not self._is_slow:
            self._is_slow = True
            message = f"{self.program.name} does not read what it hears; some of it is dropped"
            self.tell("warning", {"message": message})

    def _overheard(self, event: str, fields: dict[str, Any]) -> None:
        self.tell(event, fields)
        self.program.tell(event, fields)
        if event == "speech" and fields["speaking"] and self._pipe.barge_in:
            self._be_interrupted()

    def _be_interrupted(self) -> None:
        dropped_s = self.backlog.clear()
        if dropped_s:
            self.barge_ins += 1
            fields = {"dropped_seconds": round(dropped_s, 3)}
            self.tell("barge-in", fields)
            self.program.tell("barge-in", fields)

    # What the stream tells

    def opened(self, at_ns: int, connection: MediaConnection) -> None:
        """Tell the program when the stream goes on."""
        super().opened(at_ns, connection)
        self.program.tell("state", {"state": "open"})

    def lost(self, at_ns: int, ended: ConnectionEnded) -> None:
        """Tell the program that it is not heard for a while."""
        super().lost(at_ns, ended)
        self.program.tell("state", {"state": "reconnecting"})

    # What it came to

    @property
    def is_unfinished(self) -> bool:
        """Ctrl-C is the normal end of a program that waits for callers."""
        return self._request.duration_s is not None

    def problem(self, close: Close) -> VoipbinError | None:
        """Return what the program died of, unless it was ended with the call."""
        return None if close.cause is Cause.INTERRUPTED else self._died_of

    def summary(self, close: Close) -> dict[str, Any]:
        """Return the fields of the summary."""
        unread_s = self.program.dropped_bytes / (2 * self._pipe.rate_hz)
        return super().summary(close) | {
            "program_status": self.program.returncode,
            "barge_ins": self.barge_ins,
            "dropped_seconds": round(self.backlog.dropped_samples / SAMPLE_RATE_HZ, 3),
            "unread_seconds": round(unread_s, 3),
        }
