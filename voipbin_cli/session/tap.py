"""`tap`: a call on the loudspeaker, as it is spoken, and the microphone into it if wanted."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from voipbin_cli.analysis.playout.buffer import Mode, PlayoutBuffer, PlayoutStats
from voipbin_cli.analysis.sound.voice import VoiceFold
from voipbin_cli.codec.dialect import AudioFrame
from voipbin_cli.errors import MachineError
from voipbin_cli.media.devices import find_device, list_devices
from voipbin_cli.media.microphone import Microphone
from voipbin_cli.media.speaker import Speaker
from voipbin_cli.session.audiofile import AudioFile
from voipbin_cli.session.listening import ListeningSession, ListenRequest, ListenStatus, Tell
from voipbin_cli.session.live import Cause, Close
from voipbin_cli.session.speaking import SpeakingSession, SpeakRequest

START_MS = 60.0
# PortAudio throws away what it was given last when it is stopped.
DEVICE_TAIL_S = 0.1


@dataclass(frozen=True, slots=True)
class TapRequest:
    """How to hear it. `device` is a number or part of a name, None the default.

    `buffer_ms` None follows what the arrivals need. `volume` is a factor. `output` is a path or
    None. `microphone`: talk as well; `full_duplex`: also while the far end speaks.
    """

    device: str | None = None
    volume: float = 1.0
    buffer_ms: float | None = None
    output: str | None = None
    microphone: bool = False
    full_duplex: bool = False


@dataclass(frozen=True, slots=True)
class TapStatus(ListenStatus):
    """What is heard: milliseconds of delay and depth, counts, and the volume as a factor."""

    device: str
    delay_ms: float
    depth_ms: float
    concealed_ms: float
    late_frames: int
    volume: float
    muted: bool


class Tapping(ListeningSession):
    """Plays what is heard, and keeps it in a file if one is wanted.

    Where the loudspeaker cannot be used, or is taken away, the stream goes on as long as there
    is a file; else it ends with MachineError. To be combined with a session that listens.
    """

    def __init__(
        self, request: ListenRequest, tell: Tell, *args: Any, tap: TapRequest, **edges: Any
    ) -> None:
        self.tap = tap
        self.file = (
            AudioFile(
                tap.output,
                overwrite=request.overwrite,
                capture=request.capture,
                queued_ms=self.queued_ms,
            )
            if tap.output
            else None
        )
        mode = Mode.ADAPTIVE if tap.buffer_ms is None else Mode.FIXED
        self.buffer = PlayoutBuffer(tap.buffer_ms or START_MS, mode)
        self.speaker: Speaker | None = None
        self.device_name = ""
        self._device_error: MachineError | None = None
        self._heard: PlayoutStats | None = None
        super().__init__(request, tell, *args, **edges)

    async def run(self) -> Close:
        """Listen until the stream ends or the loudspeaker does; return how it ended."""
        self._open_speaker()
        try:
            close = await super().run()
        finally:
            if self.speaker is not None:
                self.speaker.close()
        if self._device_error is not None and self.file is None:
            raise self._device_error
        return close

    def _open_speaker(self) -> None:
        try:
            device = find_device(self.tap.device, list_devices(), output=True)
            self.speaker = Speaker(self.buffer, device, volume=self.tap.volume, clock=self.clock)
            self.speaker.start()
            self.device_name = self.speaker.name
            self.tell("device", {"name": device.name, "rate_hz": self.speaker.rate_hz})
        except MachineError as error:
            self._lose_speaker(error)
            if self.file is None:
                raise

    def _lose_speaker(self, error: MachineError) -> None:
        self._device_error = error
        self.tell("warning", {"message": error.message, "hint": error.hint})
        if self.file is None:
            self.stream.stop(Cause.INTERRUPTED)

    # What the stream tells

    def heard(self, frames: list[AudioFrame]) -> None:
        """Play the frames, and keep them."""
        if self.speaker is not None:
            for frame in frames:
                self.speaker.push(frame.tag, frame.pcm)
        if self.file is not None:
            self.file.keep(frames)

    def broke(self) -> None:
        """Count the outage as lost audio in the file."""
        if self.file is not None:
            self.file.broke()

    def ticked(self, at_ns: int, late_ns: int) -> None:
        """Look after the loudspeaker, too."""
        super().ticked(at_ns, late_ns)
        if self.file is not None:
            self.watch(self.file, at_ns)
        speaker = self.speaker
        if speaker is not None and self._device_error is None and not speaker.is_alive:
            hint = "choose another with --device; -o FILE keeps the call without one"
            self._lose_speaker(MachineError(f"{speaker.name} plays no more", hint=hint))

    @property
    def full(self) -> bool:
        """The disk is so far behind that the stream has to wait for it."""
        return self.logbook.full or (self.file is not None and self.file.full)

    def finish_output(self) -> None:
        """Let the last words be heard, and close the file."""
        self._heard = self.buffer.stats  # what is pulled from here on is no part of the call
        try:
            if self.file is not None:
                self.file.finish()
        finally:
            if self.speaker is not None and self._device_error is None and self.plays_out:
                time.sleep(self.buffer.stats.depth_ms / 1000 + DEVICE_TAIL_S)

    @property
    def plays_out(self) -> bool:
        """Whether what is still in the buffer is to be heard: not after Ctrl-C."""
        return self.stream.stopped_by is not Cause.INTERRUPTED

    # What the user does

    def change_volume(self, factor: float) -> None:
        """Make it louder or softer, up to four times as loud as it is."""
        if self.speaker is not None:
            self.speaker.volume = min(4.0, max(0.05, self.speaker.volume * factor))

    def toggle_mute(self) -> None:
        """Be silent, or no longer."""
        if self.speaker is not None:
            self.speaker.muted = not self.speaker.muted

    # What it came to

    def status(self) -> TapStatus:
        """Return what is heard now."""
        listening = super().status()
        stats = self.buffer.stats
        return TapStatus(
            **{name: getattr(listening, name) for name in ListenStatus.__slots__},
            device=self.device_name,
            delay_ms=stats.delay_ms,
            depth_ms=stats.depth_ms,
            concealed_ms=stats.concealed_ms,
            late_frames=stats.late_frames,
            volume=self.speaker.volume if self.speaker else 0.0,
            muted=self.speaker.muted if self.speaker else False,
        )

    def summary(self, close: Close) -> dict[str, Any]:
        """Return the fields of the summary that the command line promises, and what was heard."""
        stats = self._heard or self.buffer.stats
        heard = {
            "device": self.device_name or None,
            "played_seconds": round(stats.played_ms / 1000, 3),
            "concealed_ms": round(stats.concealed_ms, 1),
            "late_frames_heard": stats.late_frames,
            "underruns": self.speaker.underruns if self.speaker else 0,
            "delay_ms": {"last": round(stats.delay_ms, 1), "mean": round(stats.mean_delay_ms, 1)},
            "far_clock_ppm": round(stats.drift_ppm, 1),
            "filled_seconds": round(self.file.filled_seconds, 3) if self.file else 0.0,
            "output": self.file.path if self.file and self.file.samples else None,
        }
        return super().summary(close) | heard


class Tap(Tapping):
    """Listens only."""


class FrameSource(Protocol):
    """A microphone, or what stands in for one."""

    is_over: bool

    def take(self) -> bytes | None:
        """Return the next 160 samples of s16le, None when there are none yet."""


class Guarded:
    """A microphone that is shut while the far end speaks, so that a loudspeaker beside it does
    not send the far end its own voice back.
    """

    is_over = False

    def __init__(self, microphone: FrameSource) -> None:
        self._microphone = microphone
        self._voice = VoiceFold()
        self._far_end_speaks = False

    def hear(self, pcm: bytes) -> None:
        """Take what the far end says, s16le at 8 kHz."""
        for event in self._voice.add(np.frombuffer(pcm, "<i2")):
            self._far_end_speaks = event.speaking

    def take(self) -> bytes | None:
        """Return the next frame of the microphone, None while it is shut or has none."""
        frame = self._microphone.take()
        return None if self._far_end_speaks else frame


class TapAndTalk(Tapping, SpeakingSession):  # type: ignore[misc] # what it shows is what is heard
    """Listens, and sends what the microphone hears, paced as `play` is."""

    def __init__(
        self, request: ListenRequest, tell: Tell, *, tap: TapRequest, **edges: Any
    ) -> None:
        self.microphone = Microphone(find_device(None, list_devices(), output=False))
        self._guarded = None if tap.full_duplex else Guarded(self.microphone)
        source = self._guarded or self.microphone
        super().__init__(request, tell, source, SpeakRequest(), tap=tap, **edges)

    async def run(self) -> Close:
        """Listen and talk until the stream ends; return how it ended."""
        self.microphone.start()
        try:
            return await super().run()
        finally:
            self.microphone.close()

    def heard(self, frames: list[AudioFrame]) -> None:
        """Shut the microphone while the far end speaks."""
        super().heard(frames)
        if self._guarded is not None:
            for frame in frames:
                self._guarded.hear(frame.pcm)
