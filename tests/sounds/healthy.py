"""What is in order, odd or not: nothing may be said of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from tests.sounds.talkers import (
    LANGUAGES,
    RATE_HZ,
    Sound,
    cadence,
    dtmf,
    in_room,
    music,
    noise,
    organ,
    rms,
    room,
    talker,
    tone,
)


class Labelled(NamedTuple):
    """A sound and what it is."""

    label: str
    sound: Sound


def healthy(seed: int, seconds: float = 12.0) -> Iterator[Labelled]:
    """All of them, once."""
    rng = np.random.default_rng([seed, 1])
    for language in (*LANGUAGES, "pulses"):
        level, floor = rng.uniform(-28, -17), rng.uniform(-72, -55)
        yield Labelled(f"tts {language}", talker(language, seed, seconds, level))
        yield Labelled(f"call {language}", in_room(language, seed, seconds, level, floor))
        yield Labelled(f"soft call {language}", in_room(language, seed, seconds, -37, -68))
    pause = np.zeros(len(room(seed, seconds, -60)))
    pause[: 3 * RATE_HZ] = talker("en-us", seed, 3)
    yield Labelled("falls silent", pause + room(seed, seconds, -66))
    for kind in ("white", "pink", "brown"):
        for level in (-75, -65, -58, -52):
            yield Labelled(f"{kind} {level}", noise(kind, seed, seconds, level))
    yield Labelled("brown -45", noise("brown", seed, seconds, -45))
    for level in (-65, -55, -50):
        yield Labelled(f"babble {level}", noise("babble", seed, seconds, level))
        yield Labelled(f"room {level}", room(seed, seconds, level))
    speech = talker("de", seed, seconds)
    yield Labelled("speech, babble", speech + noise("babble", seed, seconds, -45))
    yield Labelled("speech, brown", speech + noise("brown", seed, seconds, -50))
    for on, off in ((100, 100), (50, 50), (80, 60), (200, 300)):
        yield Labelled(f"dtmf {on}/{off}", dtmf(seed, seconds, on, off))
    yield Labelled("ringback eu", cadence((425,), 1, 4, seconds, -12))
    yield Labelled("ringback us", cadence((440, 480), 2, 4, seconds, -10))
    yield Labelled("busy eu", cadence((425,), 0.5, 0.5, seconds, -12))
    yield Labelled("busy us", cadence((480, 620), 0.5, 0.5, seconds, -12))
    yield Labelled("congestion", cadence((425,), 0.25, 0.25, seconds, -12))
    yield Labelled("dial us", cadence((350, 440), 60, 1, seconds, -12))
    yield Labelled("dial eu", tone(425, seconds, -10))
    yield Labelled("fax cng", cadence((1100,), 0.5, 3, seconds, -10))
    yield Labelled("fax ced", tone(2100, seconds, -12))
    yield Labelled("milliwatt", tone(1000, seconds, -3.2))
    yield Labelled("tone 440", tone(440, seconds, -12))
    yield Labelled("sweep", _sweep(seconds))
    yield Labelled("sit", np.concatenate([_sit(), talker("en-us", seed, seconds - 2)]))
    yield Labelled("beeps", cadence((1400,), 0.2, 0.8, seconds, -14))
    for step in (0.25, 0.2, 0.125, 60 / 97 / 2):
        yield Labelled(f"music {step:.3f}", music(seed, seconds, step))
    yield Labelled("organ", organ(seed, seconds))
    both = music(seed, seconds, 0.25, -32) + talker("es", seed, seconds)
    yield Labelled("speech over music", both)
    held = music(seed, seconds, 0.3)
    held[4 * RATE_HZ : 6 * RATE_HZ] = 0
    yield Labelled("music, a digital pause", held)
    for gap_ms, each_s in ((300, 2.5), (450, 3), (1000, 4)):
        yield Labelled(
            f"music, pauses of {gap_ms} ms", _cut_up(music(seed, seconds), gap_ms, each_s)
        )
    waiting = in_room("en-us", seed, seconds, -22, -62)
    waiting[int(0.1 * seconds * RATE_HZ) :][: int(0.8 * seconds * RATE_HZ)] = 0
    yield Labelled("a long digital pause", waiting)
    two = talker("en-us", seed, seconds) + talker("de", seed + 1, seconds, -26)
    yield Labelled("two talkers", two + room(seed, seconds, -65))
    loud = talker("es", seed, seconds)
    yield Labelled("as loud as it fits", loud / np.abs(loud).max() * 32700)


def gated(sound: Sound, least_dbfs: float, hangover: int) -> Sound:
    """A phone that sends nothing where a frame is softer, some frames after speech excepted."""
    frames = sound[: len(sound) // 160 * 160].reshape(-1, 160)
    speaks = np.sqrt((frames**2).mean(axis=1)) > rms(least_dbfs)
    on = speaks.copy()
    for late in range(1, hangover + 1):
        on[late:] |= speaks[:-late]
    return np.asarray(np.where(on[:, None], frames, 0).ravel())


def _cut_up(sound: Sound, gap_ms: float, each_s: float) -> Sound:
    """Digital silence cut in without a fade."""
    at = np.arange(len(sound)) / RATE_HZ % each_s
    return np.where(at < each_s - gap_ms / 1000, sound, 0)


def _sweep(seconds: float) -> Sound:
    at = np.arange(int(seconds * RATE_HZ)) / RATE_HZ
    return np.asarray(8000 * np.sin(2 * np.pi * (200 * at + 3000 / seconds / 2 * at**2)))


def _sit() -> Sound:
    """Special information tones (ITU-T E.180): 950, 1400, 1800 Hz, a third of a second each."""
    return np.concatenate([tone(hertz, 0.33, -12) for hertz in (950, 1400, 1800)])
