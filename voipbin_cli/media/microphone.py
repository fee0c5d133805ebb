"""The microphone: PortAudio's thread puts samples in, the sender takes frames of 20 ms out."""

from __future__ import annotations

from collections import deque

import numpy as np

from voipbin_cli.media.devices import Device, DeviceStream, Samples, open_input
from voipbin_cli.media.resample import ResampleQuality, Resampler

CALL_RATE_HZ = 8000
FRAME_SAMPLES = 160
# What the microphone is ahead of the sender: more would only be later still, and it grows where
# the two clocks differ.
MOST_FRAMES = 6


class Microphone:
    """A source of frames for a sender: `next_frame` gives the next 160 samples of s16le, or None.

    Never over; a device that is gone just gives nothing any more.
    """

    is_over = False

    def __init__(self, device: Device) -> None:
        self._rest = np.zeros(0, np.float32)
        self._frames: deque[bytes] = deque()
        self._stream: DeviceStream = open_input(device, self._take_in)
        self._resampler = Resampler(self._stream.rate_hz, CALL_RATE_HZ, ResampleQuality.LIVE)

    @property
    def name(self) -> str:
        """The device's name."""
        return self._stream.name

    def start(self) -> None:
        """Begin to listen. Raises MachineError."""
        self._stream.start()

    def next_frame(self) -> bytes | None:
        """Return the next frame, None when there is none yet."""
        try:
            return self._frames.popleft()
        except IndexError:
            return None

    def close(self) -> None:
        """Stop at once."""
        self._stream.close()

    def _take_in(self, samples: Samples) -> None:
        self._rest = np.concatenate([self._rest, self._resampler.process(samples)])
        while len(self._rest) >= FRAME_SAMPLES:
            frame, self._rest = self._rest[:FRAME_SAMPLES], self._rest[FRAME_SAMPLES:]
            whole = np.clip(np.rint(frame * 32768), -32768, 32767).astype("<i2")
            self._frames.append(whole.tobytes())
            if len(self._frames) > MOST_FRAMES:
                self._frames.popleft()
