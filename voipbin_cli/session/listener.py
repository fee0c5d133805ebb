"""Messages in, frames at 8 kHz out, and the counts of both."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voipbin_cli.codec.dialect import AudioFrame, FrameDecoder
from voipbin_cli.codec.encapsulation import Encapsulation
from voipbin_cli.codec.pcm import SAMPLE_RATE_HZ
from voipbin_cli.errors import DecodeError
from voipbin_cli.transport.connection import Message

if TYPE_CHECKING:
    from voipbin_cli.media.resample import Resampler


class Listener:
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
        self._resampler: Resampler | None = None

    def take(self, message: Message) -> list[AudioFrame]:
        """Return the frames that this message completes, in order, at 8 kHz."""
        self.messages += 1
        data = message.data
        self.message_bytes += len(data)
        if isinstance(data, str):
            self.texts += 1
            return []
        try:
            frames = self.decoder.feed(data, message.arrival_ns)
        except DecodeError as problem:
            self.malformed += 1
            self.last_problem = problem
            return []
        return self._count(frames)

    def reopened(self) -> list[AudioFrame]:
        """Begin a new connection; return what the old one still held back."""
        frames = self._count(self.decoder.flush())
        self.decoder.restart()
        return frames

    def finish(self) -> list[AudioFrame]:
        """Return what was still held back."""
        return self._count(self.decoder.flush())

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
        from voipbin_cli.media.resample import Resampler  # rarely needed

        if self._resampler is None or self._resampler.from_hz != frame.rate_hz:
            self._resampler = Resampler(frame.rate_hz, SAMPLE_RATE_HZ)
        return frame._replace(pcm=self._resampler.feed(frame.pcm), rate_hz=SAMPLE_RATE_HZ)
