"""Messages in, frames at 8 kHz out, and the counts of both."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from voipbin_cli.codec.codecs import SAMPLE_RATE_HZ
from voipbin_cli.codec.dialect import AudioFrame, FrameDecoder
from voipbin_cli.codec.encapsulation import Encapsulation
from voipbin_cli.errors import DecodeError
from voipbin_cli.transport.connection import Message


class MessageDecoder:
    """Decodes what arrives, at 8 kHz, and counts it.

    `malformed` counts messages that are no frame of the encapsulation, `texts` text messages;
    both are left out of the audio.
    """

    def __init__(self, encapsulation: Encapsulation) -> None:
        self.decoder = FrameDecoder(encapsulation)
        self.messages = 0
        self.message_bytes = 0
        self.frames = 0
        self.samples = 0
        self.malformed = 0
        self.texts = 0
        self.payload_type: int | None = None
        self.last_problem: DecodeError | None = None
        self._foreign: ForeignRate | None = None

    def take_messages(self, messages: Iterable[Message]) -> list[AudioFrame]:
        """Return the frames that these messages complete, in order, at 8 kHz."""
        frames: list[AudioFrame] = []
        for message in messages:
            self.messages += 1
            self.message_bytes += len(message.data)
            frames += self._decoded(message)
        return self._count(frames)

    def _decoded(self, message: Message) -> list[AudioFrame]:
        if isinstance(message.data, str):
            self.texts += 1
            return []
        try:
            return self.decoder.feed(message.data, message.arrival_ns)
        except DecodeError as problem:
            self.malformed += 1
            self.last_problem = problem
            return []

    def reopened(self) -> list[AudioFrame]:
        """Begin a new connection; return what the old one still held back."""
        frames = self._count(self.decoder.flush())
        self.decoder.restart()
        return frames

    def finish(self) -> list[AudioFrame]:
        """Return what was still held back."""
        frames = self._count(self.decoder.flush())
        if self._foreign is not None:
            frames.append(self._foreign.finish())
        return frames

    def _count(self, frames: list[AudioFrame]) -> list[AudioFrame]:
        for i, frame in enumerate(frames):
            if frame.rate_hz != SAMPLE_RATE_HZ:
                frames[i] = frame = self._resampled(frame)
            if frame.unit.packet is not None:
                self.payload_type = frame.unit.label
            self.frames += 1
            self.samples += len(frame.pcm) >> 1
        return frames

    def _resampled(self, frame: AudioFrame) -> AudioFrame:
        """AudioSocket kinds 11 to 18 carry other rates; a recording has one."""
        if self._foreign is None or self._foreign.rate_hz != frame.rate_hz:
            self._foreign = ForeignRate(frame.rate_hz)
        return self._foreign.convert(frame)


class ForeignRate:
    """Brings frames of another rate to 8 kHz."""

    def __init__(self, rate_hz: int) -> None:
        from voipbin_cli.media.resample import ResampleQuality, Resampler  # rarely needed

        self.rate_hz = rate_hz
        self._resampler = Resampler(rate_hz, SAMPLE_RATE_HZ, ResampleQuality.LIVE)

        self._latest: AudioFrame | None = None

    def convert(self, frame: AudioFrame) -> AudioFrame:
        """Return the frame with as many samples as are ready."""
        self._latest = frame
        return self._with_samples(frame, np.frombuffer(frame.pcm, "<i2"), last=False)

    def finish(self) -> AudioFrame:
        """Return a last frame, of what was held back."""
        assert self._latest is not None
        return self._with_samples(self._latest, np.zeros(0, np.int16), last=True)

    def _with_samples(
        self, frame: AudioFrame, samples: npt.NDArray[np.int16], *, last: bool
    ) -> AudioFrame:
        converted = self._resampler.process(
            samples.astype(np.float32) / np.float32(32768), last=last
        )
        pcm = np.clip(np.rint(converted * 32768), -32768, 32767).astype("<i2").tobytes()
        return frame._replace(pcm=pcm, rate_hz=SAMPLE_RATE_HZ)
