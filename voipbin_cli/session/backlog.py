"""What a program has said and is not sent yet: bounded, and cut into frames."""

from __future__ import annotations

from voipbin_cli.codec.codecs import FRAME_SAMPLES, SAMPLE_RATE_HZ

FRAME_BYTES = 2 * FRAME_SAMPLES
# A whole utterance fits, so that one that is interrupted can be dropped as a whole.
LIMIT_S = 60
# Words begin when so much of them is there: a program that writes 20 ms every 20 ms is late now
# and then.
START_BYTES = 3 * FRAME_BYTES


class Backlog:
    """A source (`sender.Source`) that others put s16le at 8 kHz into, in pieces of any size.

    Whoever puts looks at `full` first. Less than a frame waits for the rest of it as long as
    something comes, then is padded with silence.
    """

    def __init__(self, limit_s: float = LIMIT_S) -> None:
        self.dropped_samples = 0
        self._limit_bytes = int(limit_s * 2 * SAMPLE_RATE_HZ)
        self._pcm = bytearray()
        self._is_finished = False
        self._is_talking = False
        self._grew = False

    @property
    def full(self) -> bool:
        """Whether more has to wait."""
        return len(self._pcm) >= self._limit_bytes

    @property
    def is_over(self) -> bool:
        """Whether nothing is left and nothing will come."""
        return self._is_finished and not self._pcm

    def put(self, pcm: bytes) -> None:
        """Append."""
        self._pcm += pcm
        self._grew = self._grew or bool(pcm)

    def finish(self) -> None:
        """Nothing more will be put."""
        self._is_finished = True

    def clear(self) -> float:
        """Drop what is not sent yet; return how many seconds that was."""
        samples = len(self._pcm) >> 1
        self.dropped_samples += samples
        self._pcm.clear()
        return samples / SAMPLE_RATE_HZ

    def next_frame(self) -> bytes | None:
        """Return the next frame, None while there is none."""
        waits = self._grew and not self._is_finished
        self._grew = False
        least = FRAME_BYTES if self._is_talking else START_BYTES
        if not self._pcm or (waits and len(self._pcm) < least):
            self._is_talking = False
            return None
        frame = bytes(self._pcm[:FRAME_BYTES])
        del self._pcm[:FRAME_BYTES]
        self._is_talking = len(frame) == FRAME_BYTES
        return frame.ljust(FRAME_BYTES, b"\0")
