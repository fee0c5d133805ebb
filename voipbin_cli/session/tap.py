"""`tap`: a call on the loudspeaker, as it is spoken, and the microphone into it if wanted."""

from __future__ import annotations

import contextlib
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from voipbin_cli.analysis.conversation.voice_activity import VoiceFold
from voipbin_cli.analysis.playout.buffer import Mode, PlayoutBuffer, PlayoutStats
from voipbin_cli.clock import now_ns
from voipbin_cli.codec.dialect import AudioFrame
from voipbin_cli.errors import MachineError
from voipbin_cli.events import Tell
from voipbin_cli.media.devices import find_device, list_devices
from voipbin_cli.media.microphone import Microphone
from voipbin_cli.media.speaker import Speaker
from voipbin_cli.session.ending import Cause
from voipbin_cli.session.hearer import Hearer
from voipbin_cli.session.recording_file import AudioFile
from voipbin_cli.session.sending import Sending, SpeakRequest
from voipbin_cli.session.session import Session, SessionRequest
from voipbin_cli.session.talk_judging import TalkJudging

START_MS = 60.0
# PortAudio throws away what it was given last when it is stopped.
DEVICE_TAIL_S = 0.1


@dataclass(frozen=True, slots=True)
class TapRequest:
    """How to hear it. `device` is a number or part of a name, None the default.

    `buffer_ms` None follows what the arrivals need. `volume` is a factor.
    """

    device: str | None = None
    volume: float = 1.0
    buffer_ms: float | None = None


class Loudspeaker(Hearer):
    """Plays what is heard.

    Where the loudspeaker cannot be used, or is taken away, the stream goes on if it `may_fail`,
    because it is kept in a file; else it ends with MachineError.
    """

    def __init__(
        self,
        tap: TapRequest,
        tell: Tell,
        *,
        may_fail: bool = False,
        clock: Callable[[], int] = now_ns,
    ) -> None:
        mode = Mode.ADAPTIVE if tap.buffer_ms is None else Mode.FIXED
        self.buffer = PlayoutBuffer(tap.buffer_ms or START_MS, mode)
        self.speaker: Speaker | None = None
        self.device_name = ""
        self._tap = tap
        self._tell = tell
        self._may_fail = may_fail
        self._clock = clock
        self._device_error: MachineError | None = None
        self._played: PlayoutStats | None = None

    @contextlib.asynccontextmanager
    async def beside(self) -> AsyncIterator[None]:
        """Open the device, and close it. Raises MachineError where it is needed and not there."""
        self._open_speaker()
        try:
            yield
        finally:
            if self.speaker is not None:
                self.speaker.close()
        if self._device_error is not None and not self._may_fail:
            raise self._device_error

    def _open_speaker(self) -> None:
        try:
            device = find_device(self._tap.device, list_devices(), output=True)
            self.speaker = Speaker(self.buffer, device, volume=self._tap.volume, clock=self._clock)
            self.speaker.start()
            self.device_name = self.speaker.name
            self._tell("device", {"name": device.name, "rate_hz": self.speaker.rate_hz})
        except MachineError as error:
            self._lose_speaker(error)
            if not self._may_fail:
                raise

    def _lose_speaker(self, error: MachineError) -> None:
        self._device_error = error
        self._tell("warning", {"message": error.message, "hint": error.hint})
        if not self._may_fail:
            self.session.stop(Cause.INTERRUPTED)

    # What it hears

    def hear_frames(self, frames: list[AudioFrame]) -> None:
        """Play the frames."""
        if self.speaker is not None:
            for frame in frames:
                self.speaker.push(frame.tag, frame.pcm)

    def ticked(self, at_ns: int, late_ns: int) -> None:
        """See whether the device is still there."""
        speaker = self.speaker
        if speaker is not None and self._device_error is None and not speaker.is_alive:
            hint = "choose another with --device; -o FILE keeps the call without one"
            self._lose_speaker(MachineError(f"{speaker.name} plays no more", hint=hint))

    def finish(self) -> None:
        """Let the last words be heard; not after Ctrl-C."""
        stats = self._played = self.buffer.stats  # what is pulled from here on is no part of it
        is_interrupted = self.session.stopped_by is Cause.INTERRUPTED
        if self.speaker is not None and self._device_error is None and not is_interrupted:
            time.sleep(stats.depth_ms / 1000 + DEVICE_TAIL_S)

    # What the user does

    @property
    def volume(self) -> float:
        """How loud it is, as a factor; 0 without a device."""
        return self.speaker.volume if self.speaker else 0.0

    @property
    def is_muted(self) -> bool:
        """Whether the user made it silent."""
        return self.speaker.muted if self.speaker else False

    def change_volume(self, factor: float) -> None:
        """Make it louder or softer, up to four times as loud as it is."""
        if self.speaker is not None:
            self.speaker.volume = min(4.0, max(0.05, self.speaker.volume * factor))

    def toggle_mute(self) -> None:
        """Be silent, or no longer."""
        if self.speaker is not None:
            self.speaker.muted = not self.speaker.muted

    # What it came to

    def summary(self) -> dict[str, Any]:
        """Return what was played, and that nothing was kept: a file says otherwise."""
        stats = self._played or self.buffer.stats
        return {
            "device": self.device_name or None,
            "played_seconds": round(stats.played_ms / 1000, 3),
            "concealed_ms": round(stats.concealed_ms, 1),
            "late_frames_heard": stats.late_frames,
            "underruns": self.speaker.underruns if self.speaker else 0,
            "delay_ms": {"last": round(stats.delay_ms, 1), "mean": round(stats.mean_delay_ms, 1)},
            "far_clock_ppm": round(stats.drift_ppm, 1),
            "filled_seconds": 0.0,
            "output": None,
        }


class FrameSource(Protocol):
    """A microphone, or what stands in for one."""

    def start(self) -> None:
        """Begin to listen."""

    def next_frame(self) -> bytes | None:
        """Return the next 160 samples of s16le, None when there are none yet."""

    def close(self) -> None:
        """Stop at once."""


class MicrophoneInCall(Hearer):
    """A microphone as a source. It is shut while the far end speaks, so that a loudspeaker beside
    it does not send the far end its own voice back; with `full_duplex` it is always open.
    """

    is_over = False

    def __init__(self, microphone: FrameSource, *, full_duplex: bool = False) -> None:
        self._microphone = microphone
        self._full_duplex = full_duplex
        self._voice = VoiceFold()
        self._far_end_speaks = False

    @contextlib.asynccontextmanager
    async def beside(self) -> AsyncIterator[None]:
        """Let the microphone listen."""
        self._microphone.start()
        try:
            yield
        finally:
            self._microphone.close()

    def hear_frames(self, frames: list[AudioFrame]) -> None:
        """Listen for the far end's voice."""
        if self._full_duplex:
            return
        for frame in frames:
            for event in self._voice.add(np.frombuffer(frame.pcm, "<i2")):
                self._far_end_speaks = event.speaking

    def next_frame(self) -> bytes | None:
        """Return the next frame of the microphone, None while it is shut or has none."""
        frame = self._microphone.next_frame()
        return None if self._far_end_speaks else frame


def tap_session(
    request: SessionRequest,
    tell: Tell,
    loudspeaker: Loudspeaker,
    *,
    microphone: MicrophoneInCall | None = None,
    file: AudioFile | None = None,
    judging: TalkJudging | None = None,
    **edges: Any,
) -> Session:
    """Return a session that plays a stream, keeps it in `file`, and sends what `microphone` hears.

    `judging` judges both directions where one talks. `edges` are the clock and the like of
    `Session`.
    """
    keeping = [file] if file is not None else []
    if microphone is None:
        return Session(request, tell, [loudspeaker, *keeping], **edges)
    sending = Sending(microphone, SpeakRequest(), request.live.encapsulation, tell)
    judges = [judging] if judging is not None else []
    hearers = [microphone, loudspeaker, *keeping, *judges]
    return Session(request, tell, hearers, source=sending, **edges)


def open_microphone(*, full_duplex: bool) -> MicrophoneInCall:
    """Return the system's microphone. Raises MachineError where there is none."""
    device = find_device(None, list_devices(), output=False)
    return MicrophoneInCall(Microphone(device), full_duplex=full_duplex)
