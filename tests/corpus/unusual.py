"""Healthy sound that is easily taken for a fault: beats, knocks, signals, buzzers, crowds.

Every sound is mono int16 at 8 kHz and the same for the same arguments, as those of `sounds`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np

from tests.corpus.sounds import (
    RATE_HZ,
    VOICES,
    Pcm,
    Sound,
    at_dbfs,
    noise,
    talker,
    times,
    to_pcm,
)

Made = Callable[[float, int], Pcm]


def _put(out: Sound, at_s: float, piece: Sound) -> None:
    """Add a piece where it begins, as far as it fits."""
    part = out[round(at_s * RATE_HZ) :][: len(piece)]
    part += piece[: len(part)]


def _struck(hertz: tuple[float, ...], decay_s: float, rng: np.random.Generator) -> Sound:
    """Something that is hit: its resonances, each with a phase of its own, die away."""
    time = times(7 * decay_s)
    rings = sum(np.sin(2 * np.pi * f * time + rng.uniform(0, 2 * np.pi)) for f in hertz)
    return np.asarray(rings * np.exp(-time / decay_s))


def _hiss(decay_s: float, rng: np.random.Generator) -> Sound:
    """A burst of high noise that dies away: a hat, a cymbal, a hand on a hand."""
    time = times(7 * decay_s)
    return np.diff(rng.standard_normal(len(time) + 1)) * np.exp(-time / decay_s)


# --- beats ---------------------------------------------------------------------------------------


def _kick() -> Sound:
    time = times(0.25)
    return np.asarray(
        2.5 * np.sin(2 * np.pi * (50 * time - 4 * np.exp(-time / 0.03))) * np.exp(-time / 0.07)
    )


def _snare(rng: np.random.Generator) -> Sound:
    out = 0.7 * _hiss(0.05, rng)
    _put(out, 0, _struck((190.0, 330.0), 0.04, rng))
    return out


def _bar(step_s: float, rng: np.random.Generator) -> list[tuple[float, int]]:
    """When what is hit in a bar of sixteen steps: 0 a kick, 1 a snare, 2 a hat."""
    hits = [(0, 0), (8, 0), (4, 1), (12, 1), *((n, 2) for n in range(0, 16, 2))]
    hits += [(int(n), int(rng.integers(0, 3))) for n in rng.choice(16, 4, replace=False)]
    return [(n * step_s, what) for n, what in hits]


def drummer(seconds: float, seed: int) -> Pcm:
    """A drum kit: no beat is quite on time, and no two sound alike."""
    rng = np.random.default_rng(seed)
    out, step_s = np.zeros(int(seconds * RATE_HZ)), 15 / rng.uniform(80, 150)
    for at_s in np.arange(0, seconds, 16 * step_s):
        for after_s, what in _bar(step_s, rng):
            piece = (_kick(), _snare(rng), 0.4 * _hiss(0.015, rng))[what] * rng.uniform(0.6, 1)
            _put(out, at_s + max(0.0, after_s + rng.normal(0, 0.004)), piece)
    return to_pcm(at_dbfs(out, -18.0))


def drum_machine(seconds: float, seed: int) -> Pcm:
    """The same few samples on an exact grid, 16 steps of whole samples in a bar."""
    rng = np.random.default_rng(seed)
    step_s = int(rng.choice((800, 1000, 960, 1024, 1200, 889))) / RATE_HZ
    kit, bar = (_kick(), _snare(rng), 0.4 * _hiss(0.015, rng)), _bar(step_s, rng)
    out = np.zeros(int(seconds * RATE_HZ))
    for at_s in np.arange(0, seconds, 16 * step_s):
        for after_s, what in bar:
            _put(out, at_s + after_s, kit[what])
    return to_pcm(at_dbfs(out, -18.0))


def _note(hertz: float, seconds: float, decay_s: float) -> Sound:
    time = times(seconds)
    shape = np.exp(-time / decay_s) * np.minimum(1, time / 0.004)
    shape *= np.minimum(1, (seconds - time) / 0.01)
    return np.asarray(shape * sum(np.sin(2 * np.pi * hertz * n * time) / n for n in (1, 2, 3)))


def band(seconds: float, seed: int) -> Pcm:
    """Drums, a bass and a tune at 120 beats a minute or so: a beat each half second."""
    rng = np.random.default_rng(seed)
    beat_s = 60 / float(rng.choice((100, 112, 120, 125, 128)))
    out = 1.0 * drum_machine(seconds, seed) if seed % 2 else 1.0 * drummer(seconds, seed)
    for n, at_s in enumerate(np.arange(0, seconds, beat_s / 2)):
        _put(out, at_s, 3000 * _note(55 * 2 ** (int(rng.choice((0, 3, 5))) / 12), beat_s / 2, 0.5))
        if n % 2 or rng.random() < 0.5:
            tune = 440 * 2 ** (int(rng.choice((0, 2, 4, 7, 9, 12))) / 12)
            _put(out, at_s, 2000 * _note(tune, beat_s, 0.2))
    return to_pcm(at_dbfs(out, -18.0))


def plucked(seconds: float, seed: int) -> Pcm:
    """A guitar (Karplus and Strong): noise that goes round in a string."""
    rng = np.random.default_rng(seed)
    out, step_s = np.zeros(int(seconds * RATE_HZ)), float(rng.choice((0.25, 0.2, 0.3)))
    for at_s in np.arange(0, seconds, step_s):
        length = int(rng.choice((73, 61, 54, 48, 41, 36)))
        string, turns = rng.uniform(-1, 1, length), []
        string -= string.mean()
        for _ in range(RATE_HZ // length):
            turns.append(string)
            string = 0.497 * (string + np.roll(string, -1))
        _put(out, at_s, np.concatenate(turns))
    return to_pcm(at_dbfs(out, -18.0))


def chip_tune(seconds: float, seed: int) -> Pcm:
    """Square waves of whole samples a period, each note the same to the bit whenever it comes."""
    rng = np.random.default_rng(seed)
    step = int(rng.choice((800, 1000, 1280)))
    periods = rng.choice((16, 18, 20, 24, 27, 30, 32, 36), 8)
    notes = [np.where(np.arange(step) % period < period // 2, 1, -1) for period in periods]
    fade = np.linspace(1, 0.3, step)
    tune = np.concatenate([fade * notes[n] for n in rng.integers(0, 8, 16)])
    return to_pcm(6000 * np.resize(tune, int(seconds * RATE_HZ)))


def _pulse(phase: Sound, rng: np.random.Generator) -> Sound:
    """Up for an eighth, a quarter or half of a period; as it is heard behind a capacitor."""
    duty = float(rng.choice((0.125, 0.25, 0.5)))
    return np.where(phase < duty, 1.0, -1.0) + 1 - 2 * duty


def _triangle(phase: Sound, _rng: np.random.Generator) -> Sound:
    """Of sixteen steps."""
    return np.rint(np.abs(30 * phase - 15)) / 7.5 - 1


def _voice(
    wave: Callable[[Sound, np.random.Generator], Sound],
    low_hz: float,
    step: int,
    count: int,
    rng: np.random.Generator,
) -> Sound:
    """Notes of two octaves, each as loud as four bits say, which may fade."""
    notes = []
    for _ in range(-(-count // step)):
        phase = np.arange(step) * low_hz * 2 ** (int(rng.integers(0, 25)) / 12) / RATE_HZ % 1
        loud = np.rint(15 * np.linspace(1, float(rng.choice((0.3, 0.7, 1))), step)) / 15
        notes.append(loud * wave(phase, rng))
    return np.concatenate(notes)[:count]


def console(seconds: float, seed: int) -> Pcm:
    """A game: one voice of pulses or two, of every second seed above a triangle."""
    rng = np.random.default_rng([seed, 31])
    count, step = int(seconds * RATE_HZ), int(rng.choice((800, 1000, 1280)))
    out = 3000 * _voice(_pulse, 131, step, count, rng)
    if rng.random() < 0.5:
        out += 2500 * _voice(_pulse, 131, step, count, rng)
    if seed % 2:
        out += 2500 * _voice(_triangle, 65, step, count, rng)
    return to_pcm(out)


# --- what is sustained ---------------------------------------------------------------------------


def pad(seconds: float, seed: int) -> Pcm:
    """Soft chords that go over into each other above one bass note that is held throughout."""
    rng = np.random.default_rng(seed)
    time, root = times(seconds), 110 * 2 ** (int(rng.integers(0, 12)) / 12)
    out = sum(np.sin(2 * np.pi * root * n * time) / n**1.5 for n in (1, 2, 3, 4))
    for at_s in np.arange(0, seconds, 2.0):
        shape = np.clip(1.2 - np.abs(time - at_s - 1), 0, 1)
        for step in rng.choice((12, 15, 19, 22, 24, 27), 3, replace=False):
            hertz = root * 2 ** (int(step) / 12)
            out += 0.7 * shape * sum(np.sin(2 * np.pi * hertz * n * time) / n**1.5 for n in (1, 2))
    return to_pcm(at_dbfs(out, float(rng.uniform(-32, -18))))


def drone(seconds: float, seed: int) -> Pcm:
    """A tune above the note that a bagpipe or an organ holds; that note may be very soft."""
    rng = np.random.default_rng(seed)
    time, base = times(seconds), 196 * 2 ** (int(rng.integers(0, 13)) / 12)
    soft = float(rng.choice((0.03, 0.1, 0.4)))
    out = soft * sum(np.sin(2 * np.pi * base * n * time) / n for n in (1, 2, 3))
    for at_s in np.arange(0, seconds, 0.3):
        _put(out, at_s, _note(base * 2 ** (int(rng.choice((0, 2, 4, 5, 7, 9, 12))) / 12), 0.4, 0.3))
    return to_pcm(at_dbfs(out, -20.0))


# --- signals of the network and of modems --------------------------------------------------------


def signal(*hertz: float, cadence_s: tuple[float, ...] = (), level: float = 3500) -> Made:
    """Tones (ITU-T E.180), on and off by turns of these seconds; without any, on throughout."""

    def made(seconds: float, seed: int) -> Pcm:
        time = times(seconds)
        is_on = np.ones(len(time), np.bool_)
        if cadence_s:
            within = (time + 0.1 * seed) % sum(cadence_s)
            is_on = np.searchsorted(np.cumsum(cadence_s), within, "right") % 2 == 0
        return to_pcm(level * is_on * sum(np.sin(2 * np.pi * f * time) for f in hertz))

    return made


def answer_tone(seconds: float, seed: int) -> Pcm:
    """ANSam (ITU-T V.8): 2100 Hz, its level at 15 Hz, its phase reversed each 450 ms."""
    time = times(seconds) + 0.1 * seed
    turned = np.where(time // 0.45 % 2 == 0, 1, -1)
    return to_pcm(
        5000 * turned * (1 + 0.2 * np.sin(2 * np.pi * 15 * time)) * np.sin(4200 * np.pi * time)
    )


def keyed(low: float, high: float, baud: float) -> Made:
    """A modem that shifts one tone between two frequencies; each bit is chance."""

    def made(seconds: float, seed: int) -> Pcm:
        bits = np.random.default_rng(seed).integers(0, 2, int(seconds * baud) + 2)
        hertz = np.where(bits[(times(seconds) * baud).astype(int)], low, high)
        return to_pcm(5000 * np.sin(2 * np.pi * np.cumsum(hertz) / RATE_HZ))

    return made


def flags(seconds: float, seed: int) -> Pcm:
    """V.21 as a fax begins: HDLC flags, the same eight bits over and over (T.30 5.3)."""
    bits = np.resize((0, 1, 1, 1, 1, 1, 1, 0), int(seconds * 300) + 2)
    hertz = np.where(bits[(times(seconds) * 300).astype(int)], 1650, 1850)
    return to_pcm((3000 + 100 * seed % 2000) * np.sin(2 * np.pi * np.cumsum(hertz) / RATE_HZ))


def qam(count: int, points: int, baud: float, carrier: float, rng: np.random.Generator) -> Sound:
    """So many symbols' points on a square, in pulses of raised cosine: training, a page, data."""
    side = round(points**0.5)
    symbols = rng.integers(0, side, count + 64) + 1j * rng.integers(0, side, count + 64)
    symbols = symbols - (side - 1) * (1 + 1j) / 2
    step = RATE_HZ / baud
    at = np.arange(count) / step
    first = at.astype(int)
    out = np.zeros(count, np.complex128)
    for near in range(-4, 5):
        after = at - first - near
        pulse = np.sinc(after) * np.cos(0.15 * np.pi * after) / (1 - (0.3 * after) ** 2 + 1e-9)
        out += symbols[first + near + 16] * pulse
    out /= np.sqrt(np.mean(np.abs(out) ** 2))
    return np.asarray(np.real(out * np.exp(2j * np.pi * carrier * np.arange(count) / RATE_HZ)))


def v34(seconds: float, seed: int) -> Pcm:
    """A modem that fills the band (ITU-T V.34): to the ear it is noise."""
    rng = np.random.default_rng([seed, 26])
    baud, carrier = ((3200, 1829.0), (24000 / 7, 1959.0), (3000, 1800.0))[seed % 3]
    sound = qam(int(seconds * RATE_HZ), int(rng.choice((64, 256, 1024))), baud, carrier, rng)
    return to_pcm(at_dbfs(sound, float(rng.uniform(-24, -12))))


def buzzer(seconds: float, seed: int) -> Pcm:
    """One bit: up or down, in bursts as of an alarm clock, or without an end."""
    rng = np.random.default_rng(seed)
    time, hertz = times(seconds), float(rng.choice((50, 120, 400, 500, 733, 1000, 2048)))
    burst_s = float(rng.choice((0.1, 0.25, 0.5)))
    is_on = (time % (2 * burst_s) < burst_s) | (seed % 3 == 0)
    height = float(rng.choice((4000, 12000, 32767)))
    return to_pcm(height * is_on * np.where(time * hertz % 1 < 0.5, 1, -1))


# --- what knocks ---------------------------------------------------------------------------------


def _knocks(seconds: float, seed: int, when: list[float], knock: Callable[[], Sound]) -> Sound:
    """Knocks in a room in which, of every second seed, somebody speaks."""
    rng = np.random.default_rng([seed, 7])
    out = 1.0 * talker(VOICES[seed % 4], seconds, seed) if seed % 2 else noise(seconds, -58, rng, 1)
    peak = float(rng.uniform(1500, 9000))
    for at_s in when:
        piece = knock()
        _put(out, at_s, peak * piece / np.abs(piece).max())
    return out


def clock(seconds: float, seed: int) -> Pcm:
    """A clock or a watch on the table: a tick each second, half or sixth of one."""
    rng = np.random.default_rng(seed)
    period_s = float(rng.choice((1.0, 0.5, 0.2, 1 / 6)))
    tick = _struck((2100.0, 3150.0, 3620.0), 0.003, rng)
    when = (np.arange(0.1, seconds, period_s) + rng.normal(0, 2e-5)).tolist()
    return to_pcm(_knocks(seconds, seed, when, lambda: tick * rng.uniform(0.8, 1)))


def typist(seconds: float, seed: int) -> Pcm:
    """Keys of a keyboard, down and up again."""
    rng = np.random.default_rng(seed)
    when = np.cumsum(rng.gamma(4, 0.04, int(seconds / 0.16))).tolist()

    def key() -> Sound:
        return _hiss(0.004, rng) + _struck((float(rng.uniform(900, 2500)),), 0.004, rng)

    return to_pcm(_knocks(seconds, seed, [t for t in when if t < seconds - 0.1], key))


def snaps(seconds: float, seed: int) -> Pcm:
    """Fingers that snap, about each second."""
    rng = np.random.default_rng(seed)
    when = np.arange(0.3, seconds, float(rng.uniform(0.4, 1.2)))
    when = (when + rng.normal(0, 0.02, len(when))).tolist()

    def snap() -> Sound:
        out = _struck((1900.0, 2600.0), 0.006, rng)
        _put(out, 0, 0.5 * _hiss(0.002, rng))
        return out

    return to_pcm(_knocks(seconds, seed, when, snap))


def applause(seconds: float, seed: int) -> Pcm:
    """Many hands, loud; it swells and fades."""
    rng = np.random.default_rng(seed)
    out = noise(seconds, -60, rng, 1)
    for at_s in rng.uniform(0, seconds, int(seconds * rng.uniform(15, 120))):
        clap = _hiss(float(rng.uniform(0.002, 0.01)), rng)
        clap[1:] += clap[:-1].copy()
        _put(out, at_s, rng.gamma(2, 1500) * clap)
    return to_pcm(out * (0.6 + 0.4 * np.sin(2 * np.pi * times(seconds) / 7)))


def shots(seconds: float, seed: int) -> Pcm:
    """Bangs at full scale, singly and in salvos, each with the echo of a room."""
    rng = np.random.default_rng(seed)
    out, at_s = noise(seconds, -55, rng, 1), 0.3
    while at_s < seconds:
        count, every_s = int(rng.choice((1, 1, 8))), float(rng.uniform(0.08, 0.12))
        for n in range(count):
            time = times(0.5)
            bang = rng.standard_normal(len(time)) * (
                np.exp(-time / 0.01) + 0.15 * np.exp(-time / 0.12)
            )
            _put(out, at_s + n * every_s, rng.uniform(8000, 20000) * bang)
        at_s += count * every_s + rng.uniform(0.3, 1.5)
    return to_pcm(out)


def laughter(seconds: float, seed: int) -> Pcm:
    """Ha ha ha: bursts of a loud voice and breath, five a second."""
    rng = np.random.default_rng(seed)
    out, at_s = noise(seconds, -60, rng, 1), 0.2
    while at_s < seconds:
        for _ in range(int(rng.integers(4, 12))):
            time, hertz = times(0.11), rng.uniform(180, 400)
            tone = sum(np.sin(2 * np.pi * hertz * n * time) / n**0.7 for n in range(1, 9))
            breath = np.convolve(rng.standard_normal(len(time)), np.ones(3) / 2, "same")
            _put(out, at_s, (5000 * tone + 2500 * breath) * np.sin(np.pi * time / 0.11) ** 0.5)
            at_s += rng.uniform(0.16, 0.24)
        at_s += rng.uniform(0.2, 1.2)
    return to_pcm(out)


UNUSUAL: Mapping[str, Made] = MappingProxyType(
    {
        "drummer": drummer,
        "drum machine": drum_machine,
        "band": band,
        "plucked": plucked,
        "chip tune": chip_tune,
        "console": console,
        "pad": pad,
        "drone": drone,
        "dial tone us": signal(350, 440),
        "dial tone eu": signal(425),
        "dial tone fr": signal(440),
        "stutter dial": signal(350, 440, cadence_s=(0.1, 0.1) * 5 + (3.0, 0.0)),
        "ringback uk": signal(400, 450, cadence_s=(0.4, 0.2, 0.4, 2.0)),
        "ringback de": signal(425, cadence_s=(1.0, 4.0)),
        "busy us": signal(480, 620, cadence_s=(0.5, 0.5)),
        "congestion": signal(425, cadence_s=(0.25, 0.25)),
        "CNG": signal(1100, cadence_s=(0.5, 3.0)),
        "CED": signal(2100),
        "ANSam": answer_tone,
        "V.21": keyed(1650, 1850, 300),
        "V.21 flags": flags,
        "Bell 202": keyed(1200, 2200, 1200),
        "V.34": v34,
        "500 Hz": signal(500, level=8000),
        "buzzer": buzzer,
        "clock": clock,
        "typist": typist,
        "snaps": snaps,
        "applause": applause,
        "shots": shots,
        "laughter": laughter,
    }
)
