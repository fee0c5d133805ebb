"""What calls hold: talkers of four languages, music on hold, tones, fax, rooms, loud menus.

Every sound is mono int16 at 8 kHz, in the band of a telephone where a telephone is its source, and
the same for the same arguments.
"""

from __future__ import annotations

import io
import subprocess
import wave
from collections.abc import Callable, Mapping
from functools import lru_cache
from types import MappingProxyType

import numpy as np
import soxr
from numpy.typing import NDArray

from tests.support.needs import need

RATE_HZ = 8000
FULL_SCALE = 32768.0
Pcm = NDArray[np.int16]
Sound = NDArray[np.float64]

TEXTS: Mapping[str, tuple[str, ...]] = {
    "en-us": (
        "Good morning, this is the service desk.",
        "Could you tell me the number of your last order, please?",
        "Six sticks of butter cost just about half past seven.",
        "I see. One moment, I will have a look at it.",
    ),
    "de": (
        "Guten Tag, Sie sprechen mit der Auskunft.",
        "Könnten Sie mir bitte Ihre Kundennummer nennen?",
        "Zwischen zwei Zwetschgenzweigen zwitschern zwei Schwalben.",
        "Einen Augenblick, ich sehe gleich nach.",
    ),
    "es": (
        "Buenos días, le atiende el servicio de reservas.",
        "¿Me puede decir el número de su pedido, por favor?",
        "El perro de San Roque no tiene rabo.",
        "Un momento, ahora mismo lo miro.",
    ),
    "cmn-latn-pinyin": (
        "ni3 hao3, zhe4 li3 shi4 ke4 fu2 zhong1 xin1.",
        "qing3 wen4 nin2 de5 ding4 dan1 hao4 ma3 shi4 duo1 shao3?",
        "si4 shi2 si4 zhi1 shi2 shi1 zi5.",
        "qing3 shao1 deng3, wo3 kan4 yi1 xia4.",
    ),
}
VOICES = tuple(TEXTS)


def to_pcm(sound: Sound) -> Pcm:
    """Round and clip; the scale is that of int16."""
    return np.clip(np.rint(sound), -32768, 32767).astype(np.int16)


def times(seconds: float) -> Sound:
    """The time of each sample in seconds."""
    return np.arange(int(seconds * RATE_HZ)) / RATE_HZ


def at_dbfs(sound: Sound, dbfs: float) -> Sound:
    """The sound with this RMS level over what sounds of it (a sine at full scale is -3 dBFS)."""
    loud = sound[np.abs(sound) > 0.02 * np.max(np.abs(sound))]
    return sound * (FULL_SCALE * 10 ** (dbfs / 20) / np.sqrt(np.mean(loud**2)))


def noise(seconds: float, dbfs: float, rng: np.random.Generator, colour: float = 0.0) -> Sound:
    """Noise whose power falls with frequency to the power of `colour`: 0 white, 1 pink, 2 brown."""
    count = int(seconds * RATE_HZ)
    spectrum = np.fft.rfft(rng.standard_normal(count))
    hertz = np.maximum(np.fft.rfftfreq(count, 1 / RATE_HZ), 20.0)
    sound = np.fft.irfft(spectrum / hertz ** (colour / 2), count)
    return sound * (FULL_SCALE * 10 ** (dbfs / 20) / np.std(sound))


@lru_cache(maxsize=128)
def sentence(voice: str, number: int, words_per_minute: int, pitch: int) -> Sound:
    """One sentence of a talker, silence at its ends cut off."""
    text = TEXTS[voice][number % len(TEXTS[voice])]
    command = [need("espeak-ng"), "-v", voice, "-s", str(words_per_minute), "-p", str(pitch)]
    made = subprocess.run([*command, "--stdout", text], capture_output=True, check=True).stdout
    with wave.open(io.BytesIO(made)) as file:
        rate = file.getframerate()
    # A WAV on a pipe does not know its size; its header is 44 bytes long.
    wide = np.frombuffer(made[44:], np.int16).astype(np.float64)
    sound = np.asarray(soxr.resample(wide, rate, RATE_HZ))
    loud = np.flatnonzero(np.abs(sound) > 30)
    return at_dbfs(sound[loud[0] : loud[-1] + 1], -20.0)


def talker(
    voice: str, seconds: float, seed: int, *, room_dbfs: float = -62.0, pause_s: float = 0.8
) -> Pcm:
    """Somebody who speaks with pauses in a quiet room; -20 dBFS while he speaks."""
    rng = np.random.default_rng(seed)
    speed, pitch = int(rng.integers(140, 190)), int(rng.integers(25, 70))
    out = noise(seconds, room_dbfs, rng, 1.0)
    at, number = int(rng.uniform(0, 0.4) * RATE_HZ), int(rng.integers(0, 4))
    while at < len(out):
        said = sentence(voice, number, speed, pitch)[: len(out) - at]
        out[at : at + len(said)] += said
        at += len(said) + int(rng.uniform(0.5, 1.5) * pause_s * RATE_HZ)
        number += 1
    return to_pcm(out)


def prompts(seconds: float, seed: int) -> Pcm:
    """What a voice bot says: synthetic speech with digital silence between its sentences."""
    rng = np.random.default_rng(seed)
    voice = VOICES[seed % len(VOICES)]
    parts: list[Sound] = []
    while sum(map(len, parts)) < seconds * RATE_HZ:
        parts += [sentence(voice, len(parts), 160, 50), np.zeros(int(rng.uniform(0.3, 1.2) * 8000))]
    return to_pcm(np.concatenate(parts)[: int(seconds * RATE_HZ)])


def menu(seconds: float, seed: int) -> Pcm:
    """A loud announcement, compressed as those of telephone menus are: about -12 dBFS."""
    sound = talker(VOICES[seed % 4], seconds, seed, pause_s=0.3).astype(np.float64)
    return to_pcm(13000 * np.tanh(sound / 6000))


def hold_music(seconds: float, seed: int) -> Pcm:
    """Chords that decay, with overtones."""
    rng = np.random.default_rng(seed)
    out = np.zeros(int(seconds * RATE_HZ))
    note_time = times(1.5)
    # A note that is cut off would be a click.
    envelope = np.exp(-2.5 * note_time) * np.minimum(1, (1.5 - note_time) / 0.1)
    envelope *= np.minimum(1, note_time / 0.005)
    for start in range(0, len(out), RATE_HZ // 4):
        hertz = 220 * 2 ** (int(rng.choice((0, 3, 5, 7, 10, 12, 15))) / 12)
        note = sum(np.sin(2 * np.pi * hertz * n * note_time) / n for n in (1, 2, 3, 4))
        piece = out[start : start + len(note_time)]
        piece += (envelope * note)[: len(piece)]
    return to_pcm(at_dbfs(out, -18.0))


def gated_music(seconds: float, seed: int) -> Pcm:
    """Music on hold that a player cuts into pieces with digital silence between them."""
    sound = hold_music(seconds, seed).astype(np.float64)
    rng = np.random.default_rng(seed)
    at = int(rng.uniform(2, 3) * RATE_HZ)
    fade = np.linspace(1, 0, 800)
    while at + 4000 < len(sound):
        sound[at - 800 : at] *= fade
        sound[at : at + 3200] = 0
        sound[at + 3200 : at + 4000] *= fade[::-1]
        at += int(rng.uniform(2, 4) * RATE_HZ)
    return to_pcm(sound)


def cadence(hertz: tuple[float, ...], on_s: float, off_s: float) -> Callable[[float, int], Pcm]:
    """Ringing and busy tones."""

    def made(seconds: float, seed: int) -> Pcm:
        time = times(seconds) + seed * 0.1
        tone = sum(np.sin(2 * np.pi * f * time) for f in hertz)
        return to_pcm(4000 * tone * ((time % (on_s + off_s)) < on_s))

    return made


def fax(seconds: float, seed: int) -> Pcm:
    """A calling tone, then a modulated carrier (V.29: 2,400 symbols a second at 1,700 Hz)."""
    rng = np.random.default_rng(seed)
    time = times(seconds)
    symbols = np.exp(1j * np.pi / 4 * rng.integers(0, 8, int(seconds * 2400) + 2))
    data = np.real(symbols[(time * 2400).astype(int)] * np.exp(2j * np.pi * 1700 * time))
    tone = np.sin(2 * np.pi * 1100 * time) * ((time % 3.5) < 0.5)
    return to_pcm(np.where(time < 4, 5000 * tone, 5000 * data))


def digits(seconds: float, seed: int) -> Pcm:
    """Keys pressed now and then, over the noise of a room (Q.23)."""
    rng = np.random.default_rng(seed)
    out = noise(seconds, -60, rng, 1.0)
    for start in range(4000, len(out) - 1600, 4800):
        low, high = rng.choice((697, 770, 852, 941)), rng.choice((1209, 1336, 1477))
        time = times(0.12)
        pair = np.sin(2 * np.pi * low * time) + 1.2 * np.sin(2 * np.pi * high * time)
        out[start : start + len(time)] += 4500 * pair
    return to_pcm(out)


def room(seconds: float, seed: int) -> Pcm:
    """A line on which nobody speaks: brown to white noise of -66 to -48 dBFS."""
    rng = np.random.default_rng(seed)
    return to_pcm(noise(seconds, float(rng.uniform(-66, -48)), rng, float(rng.uniform(0, 2))))


def long_pause(seconds: float, seed: int) -> Pcm:
    """Somebody who speaks, is asked to wait for ten seconds, and goes on."""
    sound = talker(VOICES[seed % 4], seconds, seed)
    quiet = to_pcm(noise(10, -62, np.random.default_rng(seed), 1.0))
    start = int(0.2 * len(sound))
    sound[start : start + len(quiet)] = quiet[: len(sound) - start]
    return sound


def _voice(voice: str) -> Callable[[float, int], Pcm]:
    return lambda seconds, seed: talker(voice, seconds, seed)


TALKERS: Mapping[str, Callable[[float, int], Pcm]] = MappingProxyType(
    {voice: _voice(voice) for voice in VOICES}
)
OTHERS: Mapping[str, Callable[[float, int], Pcm]] = {
    "prompts": prompts,
    "menu": menu,
    "music": hold_music,
    "gated music": gated_music,
    "ringing": cadence((440.0, 480.0), 2.0, 4.0),
    "busy": cadence((425.0,), 0.5, 0.5),
    "fax": fax,
    "digits": digits,
    "room": room,
    "long pause": long_pause,
}
SOUNDS: Mapping[str, Callable[[float, int], Pcm]] = MappingProxyType({**TALKERS, **OTHERS})
