"""Pauses of digital silence that the sender meant: gates, a hands-free phone, a radio, a fax.

Every sound is mono int16 at 8 kHz and the same for the same arguments, as those of `sounds`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from tests.corpus.sounds import (
    FULL_SCALE,
    RATE_HZ,
    VOICES,
    Pcm,
    Sound,
    hold_music,
    talker,
    times,
    to_pcm,
)
from tests.corpus.unusual import qam

Made = Callable[[float, int], Pcm]
_MS = RATE_HZ // 1000


def ramped(is_on: NDArray[np.bool_], ramp_ms: float) -> Sound:
    """The gain of a switch that takes its time: 0 to 1 in so long, and back."""
    count = max(1, round(ramp_ms * _MS))
    return np.convolve(is_on, np.full(count, 1 / count), "same")


def _opened(sound: Sound, open_dbfs: float, shut_db: float, hold_ms: float) -> NDArray[np.bool_]:
    """Where a gate is open: from `open_dbfs` on, until it is so much softer for so long."""
    blocks = sound[: len(sound) // _MS * _MS].reshape(-1, _MS)
    level, opens = 0.0, FULL_SCALE * 10 ** (open_dbfs / 20)
    shuts, is_open, held, out = opens * 10 ** (-shut_db / 20), False, 0.0, []
    for peak in np.abs(blocks).max(axis=1).tolist():
        level = max(peak, 0.85 * level)
        if level > (shuts if is_open else opens):
            is_open, held = True, hold_ms
        elif held > 0:
            held -= 1
        else:
            is_open = False
        out.append(is_open)
    return np.resize(np.repeat(np.array(out), _MS), len(sound))


def gated_talk(seconds: float, seed: int) -> Pcm:
    """A noise suppressor with a hard gate: what is softer than so much is zero."""
    rng = np.random.default_rng([seed, 21])
    sound = 1.0 * talker(VOICES[seed % 4], seconds, seed, room_dbfs=float(rng.uniform(-66, -52)))
    is_open = _opened(sound, rng.uniform(-34, -22), 6, rng.choice((0, 20, 80)))
    return to_pcm(sound * ramped(is_open, rng.uniform(1, 5)))


def gate_on_music(seconds: float, seed: int) -> Pcm:
    """The same with music, most of which it takes for noise."""
    rng = np.random.default_rng([seed, 22])
    sound = 1.0 * hold_music(seconds, seed)
    is_open = _opened(sound, rng.uniform(-16, -9), 3, rng.choice((0, 20, 80)))
    return to_pcm(sound * ramped(is_open, rng.uniform(1, 5)))


def half_duplex(seconds: float, seed: int) -> Pcm:
    """A hands-free phone that shuts its microphone while the other side is heard."""
    rng = np.random.default_rng([seed, 23])
    sound = 1.0 * talker(VOICES[seed % 4], seconds, seed, pause_s=0.3)
    is_on, at = np.ones(len(sound), np.bool_), int(rng.uniform(0.5, 2) * RATE_HZ)
    while at < len(sound):
        length = int(rng.gamma(2, 0.15) * RATE_HZ) + 60 * _MS
        is_on[at : at + length] = False
        at += length + int(rng.uniform(0.4, 2) * RATE_HZ)
    return to_pcm(sound * ramped(is_on, rng.uniform(2, 8)))


def push_to_talk(seconds: float, seed: int) -> Pcm:
    """A radio: its key is let go in the middle of a word now and then."""
    rng = np.random.default_rng([seed, 24])
    sound = 1.0 * talker(VOICES[seed % 4], seconds, seed, pause_s=0.5)
    is_on, at = np.ones(len(sound), np.bool_), int(rng.uniform(0.5, 2) * RATE_HZ)
    while at < len(sound):
        length = int(rng.uniform(0.1, 0.7) * RATE_HZ)
        is_on[at : at + length] = False
        at += length + int(rng.uniform(0.7, 3) * RATE_HZ)
    return to_pcm(sound * ramped(is_on, rng.uniform(1, 4)))


def _bits(count: int, low: float, high: float, baud: float, rng: np.random.Generator) -> Sound:
    bits = rng.integers(0, 2, int(count * baud / RATE_HZ) + 2)
    hertz = np.where(bits[(np.arange(count) * baud / RATE_HZ).astype(int)], low, high)
    return np.asarray(np.sin(2 * np.pi * np.cumsum(hertz) / RATE_HZ))


def fax_session(seconds: float, seed: int) -> Pcm:
    """One side of T.30: V.21 commands, V.29 training and pages, pauses of zero between them.

    75 ms between V.21 and training (T.30 chapter 5), 20 ms inside of it (V.29), seconds while the
    other side answers.
    """
    rng = np.random.default_rng([seed, 25])
    level = FULL_SCALE * 10 ** (float(rng.uniform(-20, -9)) / 20)
    parts: list[Sound] = []

    def silence(ms: float) -> None:
        parts.append(np.zeros(int(ms * _MS)))

    while sum(map(len, parts)) < seconds * RATE_HZ:
        silence(rng.uniform(200, 1500))
        parts.append(_bits(int(rng.uniform(1.2, 2.2) * RATE_HZ), 1850, 1650, 300, rng))
        for _ in range(int(rng.integers(1, 3))):
            silence(rng.uniform(55, 95))
            parts.append(np.sqrt(2) * np.sin(2 * np.pi * 1700 * times(0.2)))
            silence(rng.uniform(20, 25))
            parts.append(qam(int(rng.uniform(0.3, 2.5) * RATE_HZ), 16, 2400, 1700, rng))
            if rng.random() < 0.5:
                silence(rng.uniform(55, 95))
                parts.append(_bits(int(rng.uniform(0.3, 1.3) * RATE_HZ), 1850, 1650, 300, rng))
    return to_pcm(level * np.concatenate(parts)[: int(seconds * RATE_HZ)])


MEANT: Mapping[str, Made] = MappingProxyType(
    {
        "gated talk": gated_talk,
        "gate on music": gate_on_music,
        "half duplex": half_duplex,
        "push to talk": push_to_talk,
        "fax session": fax_session,
    }
)
