"""Each way to spoil a sound that the findings of the sound tell."""

from __future__ import annotations

import struct

import numpy as np

from tests.sounds.talkers import RATE_HZ, Sound, rms, times


def _chunks(sound: Sound, size: int) -> list[Sound]:
    return [sound[at : at + size] for at in range(0, len(sound), size)]


def resampled_by_chunk(wide: Sound, chunk_ms: float, rate_hz: int) -> Sound:
    """Each chunk resampled from `rate_hz` on its own, ends on ends: the usual np.interp mistake."""
    out = []
    for chunk in _chunks(wide, round(chunk_ms * rate_hz / 1000)):
        count = round(len(chunk) * RATE_HZ / rate_hz)
        out.append(np.interp(np.linspace(0, len(chunk) - 1, count), np.arange(len(chunk)), chunk))
    return np.concatenate(out)


def faded_by_chunk(sound: Sound, chunk_ms: float, fade_ms: float = 5) -> Sound:
    """Each chunk faded in and out."""
    fade = round(fade_ms * RATE_HZ / 1000)
    out = []
    for chunk in _chunks(sound, round(chunk_ms * RATE_HZ / 1000)):
        ramp = np.minimum(1, np.minimum(np.arange(len(chunk)), np.arange(len(chunk))[::-1]) / fade)
        out.append(chunk * ramp)
    return np.concatenate(out)


def spiked(sound: Sound, period_ms: float, height: float, samples: int = 1) -> Sound:
    """A spike each period."""
    out = sound.copy()
    step = round(period_ms * RATE_HZ / 1000)
    for n in range(samples):
        out[step - 1 + n :: step] = height * (-1) ** n
    return out


def spiked_by_chance(sound: Sound, each_s: float, height: float, seed: int) -> Sound:
    """Spikes at no fixed distance, up and down."""
    rng = np.random.default_rng(seed)
    out = sound.copy()
    at = rng.choice(len(out), int(len(out) / RATE_HZ / each_s), replace=False)
    out[at] += height * rng.choice([-1, 1], len(at))
    return out


def dropped_samples(sound: Sound, period_ms: float, count: int) -> Sound:
    """So many samples missing at the end of each period."""
    size = round(period_ms * RATE_HZ / 1000)
    return np.concatenate([chunk[: size - count] for chunk in _chunks(sound, size)])


def without_each_nth(sound: Sound, nth: int) -> Sound:
    """Every n-th frame is gone, and what is around it meets."""
    frames = sound[: len(sound) // 160 * 160].reshape(-1, 160)
    return frames[np.arange(len(frames)) % nth != nth - 1].ravel()


def dc_steps(sound: Sound, period_ms: float, height: float) -> Sound:
    """The zero line jumps up and down by `height`."""
    step = round(period_ms * RATE_HZ / 1000)
    return sound + height * (np.arange(len(sound)) // step % 2)


def header_each(sound: Sound, period_ms: float) -> Sound:
    """22 samples that are a WAV header's bytes, each period."""
    out = sound.copy()
    layout = (16, 1, 1, 8000, 16000, 2, 16)
    data = struct.pack(
        "<4sI4s4sIHHIIHH4sI", b"RIFF", 32036, b"WAVE", b"fmt ", *layout, b"data", 32000
    )
    header = np.frombuffer(data, "<i2")
    step = round(period_ms * RATE_HZ / 1000)
    for at in range(0, len(out) - len(header), step):
        out[at : at + len(header)] = header
    return out


def each_frame_twice(sound: Sound) -> Sound:
    """0 0 1 1 2 2."""
    frames = sound[: len(sound) // 160 * 160].reshape(-1, 160)
    return np.repeat(frames, 2, axis=0).ravel()[: len(sound)]


def repeated_frames(sound: Sound, nth: int, samples: int = 160, instead: bool = True) -> Sound:
    """Each n-th frame is the one before again, or its last half is its first."""
    frames = sound[: len(sound) // 160 * 160].reshape(-1, 160).copy()
    if samples == 80:
        frames[nth - 1 :: nth, 80:] = frames[nth - 1 :: nth, :80]
    elif instead:
        frames[nth - 1 :: nth] = frames[nth - 2 :: nth][: len(frames[nth - 1 :: nth])]
    else:
        twice = np.ones(len(frames), int)
        twice[nth - 1 :: nth] = 2
        frames = np.repeat(frames, twice, axis=0)
    return frames.ravel()


def concealed(sound: Sound, share: float, seed: int, packet: int = 160, offset: int = 0) -> Sound:
    """Lost packets of `packet` samples, the one before played again instead."""
    rng = np.random.default_rng(seed)
    out = sound.copy()
    for at in range(packet + offset, len(out) - packet, packet):
        if rng.random() < share:
            out[at : at + packet] = out[at - packet : at]
    return out


def holed(sound: Sound, length_ms: float, share: float, seed: int) -> tuple[Sound, float]:
    """Blocks of zero anywhere in it, one packet each; and how many ms of sound they took.

    Packets do not overlap. Sound is what is no more than 25 dB under the talker's level.
    """
    rng = np.random.default_rng([seed, 13])
    size = round(length_ms * RATE_HZ / 1000)
    starts = np.arange(int(rng.integers(160)), len(sound) - size, size)
    gone = rng.choice(starts, max(1, round(share * len(starts))), replace=False)
    is_gone = np.zeros(len(sound), np.bool_)
    is_gone[gone[:, None] + np.arange(size)] = True
    power = np.convolve(sound**2, np.ones(160) / 160, "same")
    speaking = power[power > power.max() * 1e-3].mean()
    taken = np.count_nonzero(is_gone & (power > speaking * 10**-2.5))
    return np.where(is_gone, 0, sound), taken * 1000 / RATE_HZ


def padded(sound: Sound, chunk_ms: float, zeros_ms: float) -> Sound:
    """Each chunk filled up with zeros: nothing of it is lost."""
    zeros = np.zeros(round(zeros_ms * RATE_HZ / 1000))
    chunks = _chunks(sound, round(chunk_ms * RATE_HZ / 1000))
    return np.concatenate([part for chunk in chunks for part in (chunk, zeros)])[: len(sound)]


def silent_from(sound: Sound, at_s: float) -> Sound:
    """Exact zeros from there on."""
    return np.where(np.arange(len(sound)) < at_s * RATE_HZ, sound, 0)


def silent_until(sound: Sound, at_s: float) -> Sound:
    """Exact zeros up to there."""
    return np.where(np.arange(len(sound)) < at_s * RATE_HZ, 0, sound)


def with_hum(sound: Sound, hertz: float, level_dbfs: float, harmonics: int = 1) -> Sound:
    """A steady tone of that RMS level under it; harmonics 6 dB softer each."""
    at = times(len(sound) / RATE_HZ)[: len(sound)]
    hum = sum(2**-k * np.sin(2 * np.pi * hertz * (k + 1) * at + k) for k in range(harmonics))
    return np.asarray(sound + hum * rms(level_dbfs) * np.sqrt(2))


def clipped(sound: Sound, share: float, ceiling: float = 32767) -> Sound:
    """As loud as it takes that `share` of the samples hit `ceiling`."""
    limit = np.quantile(np.abs(sound), 1 - share)
    return np.clip(sound * ceiling / limit, -ceiling, ceiling)
