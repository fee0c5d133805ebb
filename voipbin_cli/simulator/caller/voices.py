"""The sound of a script's rows, rendered once for all calls that follow it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from voipbin_cli.analysis.conversation.sent_track import (
    HOP_NS,
    SOUNDS_DBFS,
    UtteranceFold,
    hop_levels,
)
from voipbin_cli.codec.codecs import SAMPLE_RATE_HZ
from voipbin_cli.simulator.caller.script import CallerScript, Interrupt, PressDigits, Row, Say
from voipbin_cli.simulator.sources import SOURCES, key_tones, load_sound
from voipbin_cli.simulator.talker import speech

Pcm = NDArray[np.int16]

NS_PER_SAMPLE = 1_000_000_000 // SAMPLE_RATE_HZ
_HOP = HOP_NS // NS_PER_SAMPLE
# A bot may take what is longer for the end of a turn.
_PAUSES_S = (0.12, 0.3)
_FADE_SAMPLES = 160
_NOISE_SECONDS = 8


class Sound(NamedTuple):
    """Samples at 8 kHz, and where in them somebody speaks: first and last sample of each piece."""

    pcm: Pcm
    spoken: tuple[tuple[int, int], ...] = ()


def _speech(seed: int, seconds: float) -> Pcm:
    """One sentence, no pause in it as long as those between turns."""
    pcm = speech(seed, seconds, gated=True, pauses_s=_PAUSES_S)
    fade = np.linspace(1, 0, min(_FADE_SAMPLES, len(pcm)))
    pcm[len(pcm) - len(fade) :] = np.rint(pcm[len(pcm) - len(fade) :] * fade)
    return pcm


def _render(sound: str, seconds: float, seed: int) -> Pcm:
    if sound == "speech":
        return _speech(seed, seconds)
    loop = np.frombuffer(load_sound(sound, seed=seed).pcm, "<i2").astype(np.int16)
    if sound.partition(":")[0] not in SOURCES:
        return loop
    return np.resize(loop, round(seconds * SAMPLE_RATE_HZ))


def _louder(pcm: Pcm, level_db: float) -> Pcm:
    if not level_db:
        return pcm
    louder: Pcm = np.clip(np.rint(pcm * 10 ** (level_db / 20)), -32768, 32767).astype(np.int16)
    return louder


def spoken_pieces(pcm: Pcm) -> tuple[tuple[int, int], ...]:
    """Where it sounds, by the same threshold and the same pauses as what a bot says."""
    padded = np.pad(pcm, (0, -len(pcm) % _HOP))
    fold = UtteranceFold(is_recorded=True)
    for number, level in enumerate(hop_levels(padded.reshape(-1, _HOP))):
        fold.note(number * HOP_NS, number * HOP_NS, level.tolist(), SOUNDS_DBFS)
    return tuple(
        (one.from_ns // NS_PER_SAMPLE, min(one.until_ns // NS_PER_SAMPLE, len(pcm)))
        for one in fold.utterances
    )


class Voices:
    """What each row of a script sounds like; `noise` is of the room, empty where there is none.

    Raises UsageError where a file cannot be read.
    """

    def __init__(self, script: CallerScript) -> None:
        self.script = script
        self._sounds: dict[tuple[str, float, int], Sound] = {}
        self.rows: Sequence[tuple[Row, Sound]] = [
            (row, self._of(row, number)) for number, row in enumerate(script.rows)
        ]
        self.noise = b""
        if script.handset.noise_dbfs is not None:
            rng = np.random.default_rng(script.seed)
            rms = 32768 * 10 ** (script.handset.noise_dbfs / 20)
            noise = rng.normal(0, rms, _NOISE_SECONDS * SAMPLE_RATE_HZ)
            self.noise = np.clip(np.rint(noise), -32768, 32767).astype("<i2").tobytes()

    def _of(self, row: Row, number: int) -> Sound:
        level_db = self.script.handset.level_db
        if isinstance(row, PressDigits):
            return Sound(_louder(key_tones(row.digits), level_db))
        if not isinstance(row, Say | Interrupt):
            return Sound(np.empty(0, np.int16))
        # Every sentence is another one, and the same in every run.
        key = (row.sound, row.seconds, self.script.seed + number)
        if key not in self._sounds:
            pcm = _louder(_render(*key), level_db)
            self._sounds[key] = Sound(pcm, spoken_pieces(pcm))
        return self._sounds[key]
