"""Speech-like sound: glottal pulses through formants, fricatives, pauses; seeded and cheap.

It is not meant to be understood. It is meant to look like a telephone talker to every detector:
predictable from sample to sample, loud and soft by syllables, silent between phrases.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

RATE_HZ = 8000
Samples = NDArray[np.float64]

# (frequency, bandwidth, gain) of the first three formants of eight vowels, adult talker.
_VOWELS = (
    ((730, 90, 1.0), (1090, 110, 0.5), (2440, 160, 0.10)),
    ((530, 70, 1.0), (1840, 110, 0.28), (2480, 160, 0.12)),
    ((270, 60, 1.0), (2290, 120, 0.14), (3010, 180, 0.08)),
    ((570, 80, 1.0), (840, 100, 0.6), (2410, 160, 0.05)),
    ((300, 60, 1.0), (870, 100, 0.35), (2240, 160, 0.03)),
    ((640, 80, 1.0), (1190, 110, 0.45), (2390, 160, 0.08)),
    ((490, 70, 1.0), (1350, 110, 0.30), (1690, 160, 0.10)),
    ((250, 60, 1.0), (1000, 200, 0.10), (2200, 250, 0.03)),
)
_PULSE_SAMPLES = 240
_ROOM_NOISE_LSB = 2.5
_ACTIVE_RMS = 3600.0


class Syllable(NamedTuple):
    """One syllable on the talker's clock; times in samples."""

    start: int
    hiss_samples: int
    vowel_samples: int
    vowel: int
    pitch_hz: float
    loudness: float


def _phrases(rng: random.Random, samples: int, pauses_s: tuple[float, float]) -> Iterator[Syllable]:
    """Phrases of three to nine syllables with falling pitch, and pauses between them."""
    at = int(0.04 * RATE_HZ)
    pitch = rng.uniform(95, 190)
    while at < samples:
        count = rng.randint(3, 9)
        for number in range(count):
            hiss = rng.choice((0, 0, rng.randint(240, 640)))
            vowel = rng.randint(700, 1800)
            fall = 1.15 - 0.35 * number / count
            yield Syllable(at, hiss, vowel, rng.randrange(len(_VOWELS)), pitch * fall,
                           rng.uniform(0.45, 1.0) * (1.1 - 0.4 * number / count))  # fmt: skip
            at += hiss + vowel + rng.choice((0, 0, 160, 400))
        at += int(rng.uniform(*pauses_s) * RATE_HZ)


def _pulse(vowel: int) -> Samples:
    """One glottal pulse through the vowel's formants (parallel damped sines), without DC."""
    time = np.arange(_PULSE_SAMPLES) / RATE_HZ
    sound: Samples = np.zeros(_PULSE_SAMPLES)
    for frequency, bandwidth, gain in _VOWELS[vowel]:
        sound += gain * np.exp(-np.pi * bandwidth * time) * np.sin(2 * np.pi * frequency * time)
    decay = np.exp(-np.pi * 60 * time)
    sound -= decay * sound.sum() / decay.sum()
    return sound


def _voice(out: Samples, syllable: Syllable, pulse: Samples, rng: random.Random) -> None:
    """Add the syllable's vowel: a pulse each pitch period, louder in the middle."""
    start = syllable.start + syllable.hiss_samples
    at = 0.0
    while at < syllable.vowel_samples:
        place = start + int(at)
        stop = min(place + _PULSE_SAMPLES, len(out))
        if place >= stop:
            return
        envelope = np.sin(np.pi * (0.06 + 0.88 * at / syllable.vowel_samples))
        out[place:stop] += syllable.loudness * envelope * pulse[: stop - place]
        at += RATE_HZ / syllable.pitch_hz * rng.uniform(0.985, 1.015)


def _hiss(out: Samples, syllable: Syllable, noise: np.random.Generator) -> None:
    """Add the syllable's consonant: soft noise, tapered at both ends."""
    piece = out[syllable.start : syllable.start + syllable.hiss_samples]
    piece += 0.12 * syllable.loudness * np.hanning(len(piece)) * noise.standard_normal(len(piece))


def speech(
    seed: int,
    seconds: float = 60.0,
    *,
    gated: bool = False,
    pauses_s: tuple[float, float] = (0.25, 0.8),
) -> NDArray[np.int16]:
    """Render a loop of one talker: int16 at 8 kHz, active level about -19 dBFS.

    Args:
        seed: chooses pitch, syllables and pauses; the same seed gives the same samples.
        seconds: the length of the loop.
        gated: pauses of exact zero, as a phone with voice activity detection makes them;
            otherwise a faint room noise goes through.
        pauses_s: from how long to how long a pause between two phrases is.
    """
    rng = random.Random(seed)
    noise = np.random.default_rng(seed)
    out: Samples = np.zeros(int(seconds * RATE_HZ))
    pulses = [_pulse(vowel) for vowel in range(len(_VOWELS))]
    for syllable in _phrases(rng, len(out), pauses_s):
        if syllable.hiss_samples:
            _hiss(out, syllable, noise)
        _voice(out, syllable, pulses[syllable.vowel], rng)
    active = out[out != 0.0]
    out *= _ACTIVE_RMS / max(float(np.sqrt(np.mean(active**2))), 1e-9)
    if not gated:
        out += noise.normal(0.0, _ROOM_NOISE_LSB, len(out))
    return np.clip(np.rint(out), -32768, 32767).astype(np.int16)
