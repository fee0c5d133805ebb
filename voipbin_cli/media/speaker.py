"""The loudspeaker: frames in from one thread, sound out in PortAudio's, and no lock between."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import Protocol

import numpy as np
import numpy.typing as npt

from voipbin_cli.clock import now_ns
from voipbin_cli.media.devices import Device, DeviceStream, Samples, open_output
from voipbin_cli.media.resample import ResampleQuality, Resampler

CALL_RATE_HZ = 8000
# Pulled from the buffer at a time, 10 ms: the device's own blocks are of another rate.
PULL_SAMPLES = 80
# A device that has taken more than this ahead of real time has no clock of its own; a virtual one
# that writes a file is such.
CLOCKLESS_NS = 1_000_000_000
# A device that has asked for nothing for so long has been removed.
DEAD_NS = 2_000_000_000
QUEUE_LIMIT = 1000
RAMP_S = 0.005


class PlaybackBuffer(Protocol):
    """A playout buffer, in which frames wait until they are due; for the callback's thread only."""

    def push(self, arrival_ns: int, samples: npt.NDArray[np.int16]) -> None:
        """Take a frame that arrived then."""

    def pull(self, now_ns: int, count: int) -> Samples:
        """Return the `count` samples that are due from `now_ns` on."""


class Speaker:
    """Plays what `buffer` gives, at the device's own rate.

    `push` hands frames over to the callback through a queue, which alone touches the buffer:
    neither side ever waits for the other. `volume` is a factor, ramped so that it never clicks.
    """

    def __init__(
        self,
        buffer: PlaybackBuffer,
        device: Device,
        *,
        volume: float = 1.0,
        clock: Callable[[], int] = now_ns,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.buffer = buffer
        self.volume = volume
        self.muted = False
        self.played_samples = 0
        self.underruns = 0  # how often the device had nothing to play
        self.error: BaseException | None = None
        self._clock = clock
        self._sleep = sleep
        self._incoming: deque[tuple[int, bytes]] = deque(maxlen=QUEUE_LIMIT)
        self._factor = 0.0
        self._ready = np.zeros(0, np.float32)
        self._first_ns: int | None = None
        self._latest_ns = clock()
        self._stream: DeviceStream = open_output(device, self._fill)
        self._resampler = Resampler(CALL_RATE_HZ, self._stream.rate_hz, ResampleQuality.LIVE)

    @property
    def name(self) -> str:
        """The device's name."""
        return self._stream.name

    @property
    def rate_hz(self) -> int:
        """The rate the device was opened with."""
        return self._stream.rate_hz

    @property
    def is_alive(self) -> bool:
        """Whether the device still asks for sound."""
        silent_ns = self._clock() - self._latest_ns
        return self.error is None and self._stream.is_alive and silent_ns < DEAD_NS

    def start(self) -> None:
        """Begin to play. Raises MachineError."""
        self._latest_ns = self._clock()
        self._stream.start()

    def push(self, arrival_ns: int, pcm: bytes) -> None:
        """Hand over one frame of s16le at 8 kHz."""
        self._incoming.append((arrival_ns, pcm))

    def close(self) -> None:
        """Stop at once."""
        self._stream.close()

    def _fill(self, samples: Samples, channels: int, ran_dry: bool) -> None:
        self.underruns += ran_dry
        try:
            count = len(samples)
            mono = self._next(count)
            samples[:] = mono[:, None] if channels else mono
            self._keep_to_the_clock(count)
        except BaseException as error:
            self.error = error
            raise

    def _next(self, count: int) -> Samples:
        while self._incoming:
            arrival_ns, pcm = self._incoming.popleft()
            self.buffer.push(arrival_ns, np.frombuffer(pcm, "<i2"))
        now_ns = self._latest_ns = self._clock()
        while len(self._ready) < count:
            ahead_ns = len(self._ready) * 1_000_000_000 // self._stream.rate_hz
            pulled = self.buffer.pull(now_ns + ahead_ns, PULL_SAMPLES)
            self._ready = np.concatenate([self._ready, self._resampler.process(pulled)])
        mono, self._ready = self._ready[:count], self._ready[count:]
        self.played_samples += count
        return np.asarray(np.clip(mono * self._ramp(count), -1.0, 1.0), np.float32)

    def _ramp(self, count: int) -> Samples:
        """Bring the volume to what is asked for within 5 ms."""
        target = 0.0 if self.muted else self.volume
        step = 1.0 / (RAMP_S * self._stream.rate_hz)
        path = self._factor + np.sign(target - self._factor) * step * np.arange(1, count + 1)
        low, high = sorted((self._factor, target))
        ramp = np.clip(path, low, high)
        self._factor = float(ramp[-1])
        return np.asarray(ramp, np.float32)

    def _keep_to_the_clock(self, count: int) -> None:
        """Wait for the time of `count` samples, where the device has no clock of its own."""
        if self._first_ns is None:
            self._first_ns = self._latest_ns
        played_ns = self.played_samples * 1_000_000_000 // self._stream.rate_hz
        if played_ns - (self._latest_ns - self._first_ns) > CLOCKLESS_NS:
            self._sleep(count / self._stream.rate_hz)
