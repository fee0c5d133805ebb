"""Faults of the sound itself: what the samples of a frame are turned into."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from voipbin_cli.codec.codecs import SAMPLE_RATE_HZ
from voipbin_cli.simulator.schedule import Fault, FaultContext, FaultStage, Schedule

Samples = NDArray[np.float64]


def _to_bytes(samples: Samples) -> bytes:
    return np.clip(np.rint(samples), -32768, 32767).astype("<i2").tobytes()


def _to_samples(body: bytes) -> Samples:
    return np.frombuffer(body, dtype="<i2").astype(np.float64)


def _each(schedule: Schedule, change: Callable[[Samples], Samples]) -> Schedule:
    for slot in schedule:
        yield slot._replace(body=_to_bytes(change(_to_samples(slot.body))))


def _gain(schedule: Schedule, strength: float, _context: FaultContext) -> Schedule:
    """`strength` dB louder or softer; what does not fit is cut off."""
    factor = 10 ** (strength / 20)
    return _each(schedule, lambda samples: samples * factor)


def _offset(schedule: Schedule, strength: float, _context: FaultContext) -> Schedule:
    return _each(schedule, lambda samples: samples + strength)


def _noise(schedule: Schedule, strength: float, context: FaultContext) -> Schedule:
    """White noise of `strength` dBFS over everything."""
    noise = np.random.default_rng(context.rng.getrandbits(32))
    rms = 32768 * 10 ** (strength / 20)
    return _each(schedule, lambda samples: samples + noise.normal(0, rms, len(samples)))


def _zero_blocks(schedule: Schedule, strength: float, context: FaultContext) -> Schedule:
    """`strength` percent of the frames, one to three at a time, become exact zero."""
    left = 0
    for slot in schedule:
        # Runs are two frames long on average, so half as many of them start.
        if not left and context.rng.random() * 200 < strength:
            left = context.rng.randint(1, 3)
        if left:
            left -= 1
            slot = slot._replace(body=bytes(len(slot.body)))
        yield slot


def _resample(schedule: Schedule, strength: float, _context: FaultContext) -> Schedule:
    """The samples of another rate (`strength` Hz), sent as if they were 8 kHz."""
    count = round(strength * 20 / 1000)
    place = (np.arange(count) + 1) * SAMPLE_RATE_HZ / strength
    last = 0.0
    for slot in schedule:
        samples = np.concatenate(([last], _to_samples(slot.body)))
        last = float(samples[-1])
        yield slot._replace(body=_to_bytes(np.interp(place, np.arange(len(samples)), samples)))


CLIPPING = Fault(FaultStage.SOUND, _gain, 26, "dB of gain", 0, 80)
LOW_LEVEL = Fault(FaultStage.SOUND, _gain, -36, "dB of gain", -90, 0)
DC_OFFSET = Fault(FaultStage.SOUND, _offset, 6000, "of 32768", -32768, 32767)
NOISE = Fault(FaultStage.SOUND, _noise, -30, "dBFS", -96, 0)
UPSTREAM_LOSS = Fault(FaultStage.SOUND, _zero_blocks, 6, "percent of the frames", 0, 100)
WRONG_RATE = Fault(FaultStage.SOUND, _resample, 16_000, "Hz", 1000, 192_000)
