"""Sound to detect codecs by, made from a seed: 8 kHz mono float arrays in 16-bit units."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from voipbin_cli.codec.codecs import Codec
from voipbin_cli.codec.encapsulation import Encapsulation, unpack

Sound = npt.NDArray[np.float64]
Maker = Callable[[np.random.Generator, int], Sound]

RATE_HZ = 8000
# G.711 has a positive and a negative zero; encoders of exact zero give the positive one (ITU-T
# G.711 tables 1a and 2a).
_SILENT_SAMPLE = {
    Codec.MULAW: b"\xff",
    Codec.ALAW: b"\xd5",
    Codec.S16LE: b"\0\0",
    Codec.S16BE: b"\0\0",
}
VECTORS = Path(__file__).parents[1] / "vectors"


def silence(codec: Codec, samples: int) -> bytes:
    """Return `samples` samples of digital silence as `codec` writes them."""
    return _SILENT_SAMPLE[codec] * samples


def vector_messages(name: str) -> list[bytes]:
    """Return the messages of one of the recorded streams, as they came."""
    lines = (VECTORS / f"{name}.jsonl").read_text().splitlines()
    return [bytes.fromhex(json.loads(line)[1]) for line in lines]


def real_speech() -> Sound:
    """Return the second of synthetic speech that the platform sent, without leading silence."""
    messages = vector_messages("sln-linear")[1:]
    pcm = b"".join(unpack(Encapsulation.SLN, message)[0].payload for message in messages)
    return np.frombuffer(pcm, "<i2").astype(np.float64)


def to_pcm(sound: Sound) -> bytes:
    """Return s16le, clipped as a sound card would."""
    return np.clip(np.round(sound), -32768, 32767).astype("<i2").tobytes()


def _db(decibels: float) -> float:
    return float(10 ** (decibels / 20))


def _time(count: int) -> Sound:
    return np.arange(count) / RATE_HZ


def recorded(rng: np.random.Generator, count: int) -> Sound:
    """Return the recorded speech from some point on, at some level from 0 to -40 dB."""
    speech = real_speech()
    start = int(rng.integers(len(speech)))
    return np.resize(np.roll(speech, -start), count) * _db(-rng.uniform(0, 40))


def speech_like(rng: np.random.Generator, count: int) -> Sound:
    """Return glottal pulses and breath through three moving resonances, with pauses."""
    sound = np.zeros(count)
    phase = 0.0
    pitch_hz = rng.uniform(80, 260)
    state = np.zeros((3, 2))
    formants_hz = np.array([500.0, 1500.0, 2500.0])
    voiced, loud = True, 1.0
    for n in range(count):
        if n % 480 == 0:  # another sound each 60 ms
            formants_hz = rng.uniform([250, 800, 2100], [900, 2200, 3200])
            voiced = rng.random() < 0.7
            loud = 0.0 if rng.random() < 0.15 else rng.uniform(0.2, 1.0)
        phase += pitch_hz * (1 + 0.1 * np.sin(n / 3000)) / RATE_HZ
        pulse = 0.0
        if phase >= 1:
            phase -= 1
            pulse = 1.0
        value = loud * (pulse if voiced else 0.12 * rng.normal()) + 1e-4 * rng.normal()
        for k in range(3):
            radius = np.exp(-np.pi * 90 * (k + 1) / RATE_HZ)
            turn = 2 * np.pi * formants_hz[k] / RATE_HZ
            value += 2 * radius * np.cos(turn) * state[k, 0] - radius**2 * state[k, 1]
            state[k] = value, state[k, 0]
            value *= 0.5
        sound[n] = value
    return sound / np.max(np.abs(sound)) * 28000 * _db(-rng.uniform(0, 36))


def tone(rng: np.random.Generator, count: int) -> Sound:
    """Return one tone of any frequency the telephone carries, from -40 to 0 dBFS."""
    frequency_hz = rng.uniform(100, 3800)
    level = 32000 * _db(-rng.uniform(0, 40))
    return level * np.sin(2 * np.pi * frequency_hz * _time(count) + rng.uniform(0, 6))


def loud_3_khz(rng: np.random.Generator, count: int) -> Sound:
    """Return a full-scale 3 kHz tone: neighbouring samples are anything but alike."""
    return 31000 * np.sin(2 * np.pi * 3000 * _time(count) + rng.uniform(0, 6))


def dtmf(rng: np.random.Generator, count: int) -> Sound:
    """Return digits of 80 ms with pauses of 40 ms (ITU-T Q.23 frequencies)."""
    sound = np.zeros(count)
    for start in range(0, count, 960):
        at = _time(min(640, count - start))
        low, high = rng.choice([697, 770, 852, 941]), rng.choice([1209, 1336, 1477, 1633])
        pair = np.sin(2 * np.pi * low * at) + np.sin(2 * np.pi * high * at)
        sound[start : start + len(at)] = pair
    return sound * 12000 * _db(-rng.uniform(0, 24))


def call_progress(rng: np.random.Generator, count: int) -> Sound:
    """Return a dial tone of two frequencies."""
    at = _time(count)
    pair = np.sin(2 * np.pi * 350 * at) + np.sin(2 * np.pi * 440 * at + 1)
    return pair * 12000 * _db(-rng.uniform(0, 30))


def music(rng: np.random.Generator, count: int) -> Sound:
    """Return chords with overtones and a decay, another each 250 ms."""
    sound = np.zeros(count)
    for start in range(0, count, 2000):
        at = _time(min(2000, count - start))
        for note in rng.integers(-12, 20, 4):
            pitch_hz = 220 * 2 ** (note / 12)
            for overtone in range(1, 7):
                if pitch_hz * overtone < 3700:
                    turn = 2 * np.pi * pitch_hz * overtone * at + rng.uniform(0, 6)
                    sound[start : start + len(at)] += np.sin(turn) / overtone * np.exp(-3 * at)
    return sound / np.max(np.abs(sound)) * 30000 * _db(-rng.uniform(0, 30))


def comfort_noise(rng: np.random.Generator, count: int) -> Sound:
    """Return coloured noise of -70 to -45 dBFS, all that a quiet line carries."""
    noise = rng.normal(size=count + 8)
    coloured = np.convolve(noise, rng.uniform(0.1, 1, 4), "valid")[:count]
    return coloured / np.std(coloured) * 32768 * _db(-rng.uniform(45, 70))


def loud_noise(rng: np.random.Generator, count: int) -> Sound:
    """Return white noise of -40 to -12 dBFS: nothing in it can be predicted."""
    return rng.normal(size=count) * 32768 * _db(-rng.uniform(12, 40))


def clipped_speech(rng: np.random.Generator, count: int) -> Sound:
    """Return speech driven into the rails by up to 14 dB."""
    return recorded(rng, count) * 0 + np.clip(
        np.resize(real_speech(), count) * rng.uniform(2, 5), -32768, 32767
    )


def hum_and_offset(rng: np.random.Generator, count: int) -> Sound:
    """Return quiet speech with mains hum and a DC offset."""
    hum = 600 * np.sin(2 * np.pi * 50 * _time(count))
    return recorded(rng, count) * 0.3 + hum + rng.uniform(-800, 800)


def fading_in(rng: np.random.Generator, count: int) -> Sound:
    """Return speech that rises out of nothing."""
    return speech_like(rng, count) * np.linspace(0, 1, count) ** 2


MAKERS: tuple[Maker, ...] = (
    recorded,
    speech_like,
    tone,
    loud_3_khz,
    dtmf,
    call_progress,
    music,
    comfort_noise,
    loud_noise,
    clipped_speech,
    hum_and_offset,
    fading_in,
)


def frames(data: bytes, size: int) -> Iterator[bytes]:
    """Yield the whole frames of `size` bytes."""
    for start in range(0, len(data) - size + 1, size):
        yield data[start : start + size]
