"""Who speaks and what a line carries: float arrays at 8 kHz in 16-bit units."""

from __future__ import annotations

import io
import subprocess
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import soundfile
import soxr

from tests.support.needs import need
from voipbin_cli.simulator.talker import speech

Sound = npt.NDArray[np.float64]

RATE_HZ = 8000
_TEXTS = {
    "en-us": "Thank you for calling. Please hold the line while we look for somebody who can help "
    "you. Your appointment is on Thursday the ninth, at half past four. Press one to confirm it. "
    "The quick brown fox jumps over the lazy dog, and nobody seems to mind that at all. ",
    "de": "Guten Tag, Sie sind mit dem Kundendienst verbunden. Bitte nennen Sie mir Ihre "
    "Bestellnummer. Vielen Dank, ich sehe nach. Das Paket wurde gestern verschickt und kommt "
    "voraussichtlich am Freitag. Kann ich sonst noch etwas für Sie tun? ",
    "es": "Buenos días, gracias por llamar. En este momento todos nuestros agentes están ocupados. "
    "Por favor, permanezca a la espera. Su llamada es importante para nosotros. ¿Quiere que le "
    "llamemos más tarde? Diga sí o no después de la señal. ",
    "cmn": "您好，感谢您的来电。请稍等，我们马上为您服务。您的订单已经发货，预计星期五到达。"
    "请问还有什么可以帮您的吗？如果没有，谢谢您的来电，再见。",
}
LANGUAGES = tuple(_TEXTS)
_VARIANTS = ("", "+f3", "+m3", "+f2", "+m7")


def db(decibels: float) -> float:
    """An amplitude's factor."""
    return float(10 ** (decibels / 20))


def rms(dbfs: float) -> float:
    """The RMS of a level, in 16-bit units."""
    return 32768 * db(dbfs)


@lru_cache(maxsize=64)
def _spoken(voice: str, text: str, words_a_minute: int, pitch: int) -> Sound:
    """espeak-ng at 22 kHz, low-passed and resampled."""
    wav = subprocess.run(
        [need("espeak-ng"), "-v", voice, "-s", str(words_a_minute), "-p", str(pitch), "--stdout"],
        input=text.encode(), capture_output=True, check=True,
    ).stdout  # fmt: skip
    # What espeak-ng writes to a pipe has no length in its header.
    size = (len(wav) - 44).to_bytes(4, "little")
    samples, rate = soundfile.read(io.BytesIO(wav[:40] + size + wav[44:]))
    return np.asarray(soxr.resample(samples, rate, RATE_HZ, "HQ"), np.float64)


def talker(language: str, seed: int, seconds: float, level_dbfs: float = -22.0) -> Sound:
    """Clean synthetic speech with digital pauses; `level_dbfs` is the RMS of what is no pause."""
    if language == "pulses":
        sound = speech(seed, seconds, gated=True).astype(np.float64)
    else:
        rng = np.random.default_rng([seed, LANGUAGES.index(language)])
        voice = language + str(rng.choice(_VARIANTS))
        words, pitch = int(rng.integers(135, 190)), int(rng.integers(30, 70))
        spoken = _spoken(voice, _TEXTS[language], words, pitch)
        pause = np.zeros(int(rng.uniform(0.3, 0.9) * RATE_HZ))
        loop = np.concatenate([spoken, pause])
        start = int(rng.integers(len(loop)))
        sound = np.resize(np.roll(loop, -start), int(seconds * RATE_HZ))
    frames = sound[: len(sound) // 160 * 160].reshape(-1, 160)
    energy = (frames**2).mean(axis=1)
    active = energy[energy > energy.max() * 1e-3]
    return np.asarray(sound * rms(level_dbfs) / np.sqrt(active.mean()))


def noise(kind: str, seed: int, seconds: float, level_dbfs: float) -> Sound:
    """White, pink or brown noise, or babble: eight talkers at once."""
    count = int(seconds * RATE_HZ)
    rng = np.random.default_rng([seed, 77])
    if kind == "babble":
        voices = [
            talker(LANGUAGES[n % 4], seed * 31 + n, seconds) * rng.uniform(0.4, 1) for n in range(8)
        ]
        made = np.sum(voices, axis=0)
    else:
        slope = {"white": 0.0, "pink": 0.5, "brown": 1.0}[kind]
        spectrum = np.fft.rfft(rng.normal(size=count))
        hertz = np.fft.rfftfreq(count, 1 / RATE_HZ)
        spectrum *= np.where(hertz < 30, 0, np.maximum(hertz, 30) ** -slope)
        made = np.fft.irfft(spectrum, count)
    return np.asarray(made * rms(level_dbfs) / np.sqrt(np.mean(made**2)))


def room(seed: int, seconds: float, level_dbfs: float) -> Sound:
    """A quiet room: noise that falls with the frequency, a little unsteady."""
    rng = np.random.default_rng([seed, 5])
    made = noise("pink", seed, seconds, level_dbfs)
    sway = np.repeat(rng.uniform(-1.5, 1.5, len(made) // 4000 + 1), 4000)[: len(made)]
    return made * 10 ** (sway / 20)


def in_room(
    language: str, seed: int, seconds: float, level_dbfs: float, floor_dbfs: float
) -> Sound:
    """A talker in a room."""
    return talker(language, seed, seconds, level_dbfs) + room(seed, seconds, floor_dbfs)


def times(seconds: float) -> Sound:
    """When each sample is."""
    return np.arange(int(seconds * RATE_HZ)) / RATE_HZ


def tone(hertz: float, seconds: float, peak_dbfs: float) -> Sound:
    """A sine."""
    return np.asarray(rms(peak_dbfs) * np.sin(2 * np.pi * hertz * times(seconds)))


def cadence(
    hertz: tuple[float, ...], on_s: float, off_s: float, seconds: float, peak_dbfs: float
) -> Sound:
    """Call progress: tones together, on and off."""
    at = times(seconds)
    on = (at % (on_s + off_s)) < on_s
    return np.asarray(sum(tone(one, seconds, peak_dbfs - 6) for one in hertz) * on)


def dtmf(seed: int, seconds: float, on_ms: float = 100, off_ms: float = 100) -> Sound:
    """Digits one after the other, nothing else."""
    from voipbin_cli.analysis.sound.dtmf import tones

    rng = np.random.default_rng(seed)
    digits = "".join(rng.choice(list("0123456789*#"), int(seconds * 1000 / (on_ms + off_ms)) + 2))
    pcm = np.frombuffer(tones(digits, on_ms, off_ms, float(rng.uniform(-16, -6))), "<i2")
    # Off the grid of 20 ms, as a phone that dials.
    return pcm[int(rng.integers(160)) :][: int(seconds * RATE_HZ)].astype(np.float64)


def music(seed: int, seconds: float, step_s: float = 0.25, level_dbfs: float = -20) -> Sound:
    """Plucked chords over a bass, and a drum of noise on each beat."""
    rng = np.random.default_rng([seed, 9])
    out = np.zeros(int(seconds * RATE_HZ) + 8 * RATE_HZ)
    step = int(step_s * RATE_HZ)
    for n, start in enumerate(range(0, int(seconds * RATE_HZ), step)):
        root = 110 * 2 ** (int(rng.choice([0, 3, 5, 7])) / 12)
        for note in rng.choice([0, 4, 7, 12, 16, 19], 2):
            at = np.arange(int(1.2 * RATE_HZ)) / RATE_HZ
            pitch = root * 2 ** (note / 12) * 2
            attack = np.minimum(1, at / rng.choice([0.0005, 0.004, 0.02]))
            pluck = sum(np.sin(2 * np.pi * pitch * k * at) / k**1.5 for k in (1, 2, 3, 4))
            out[start : start + len(at)] += pluck * attack * np.exp(-rng.uniform(2, 6) * at)
        if n % 2 == 0:
            drum = rng.normal(size=800) * np.exp(-np.arange(800) / 120)
            out[start : start + 800] += drum * rng.uniform(0.3, 1.0)
    out = out[: int(seconds * RATE_HZ)]
    return np.asarray(out * rms(level_dbfs) / np.sqrt(np.mean(out**2)))


def organ(seed: int, seconds: float, level_dbfs: float = -20) -> Sound:
    """Held chords of pure overtones, another each two seconds: hold music at its plainest."""
    rng = np.random.default_rng([seed, 3])
    out = np.zeros(int(seconds * RATE_HZ))
    for start in range(0, len(out), 2 * RATE_HZ):
        at = np.arange(min(2 * RATE_HZ, len(out) - start)) / RATE_HZ
        for note in rng.choice(24, 3, replace=False):
            pitch = 130.81 * 2 ** (note / 12)
            for k in (1, 2, 3):
                out[start : start + len(at)] += np.sin(2 * np.pi * pitch * k * at) / k**2
    return np.asarray(out * rms(level_dbfs) / np.sqrt(np.mean(out**2)))
