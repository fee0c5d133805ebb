"""What the caller hears of the bot: when it sounds, known as soon as its messages are there."""

from __future__ import annotations

import numpy as np

from voipbin_cli.analysis.columns import Floats
from voipbin_cli.analysis.conversation.sent_track import (
    FLOOR_HOPS,
    PAUSE_NS,
    SOUNDS_DBFS,
    Utterance,
    UtteranceFold,
    sounding_threshold,
)

_HOP_BYTES = 160
_TICK_BYTES = 2 * _HOP_BYTES
_SILENT = bytes(_TICK_BYTES)
_NOTHING_DBFS = -120.0
# What lies under the sound is looked at anew each half second, by the five seconds before.
_LOOK_EACH_HOPS = 50


def _levels(pcm: bytes) -> Floats:
    """The level of each whole 10 ms, in dBFS."""
    hops = np.frombuffer(pcm, "<i2", len(pcm) // _HOP_BYTES * (_HOP_BYTES // 2))
    samples = hops.astype(np.float64).reshape(-1, _HOP_BYTES // 2)
    power = np.einsum("ij,ij->i", samples, samples) / (_HOP_BYTES // 2 * 32768.0**2)
    levels: Floats = 10 * np.log10(np.maximum(power, 1e-12))
    return levels


class Ear:
    """Keeps the bot's utterances; times in ns on the call's clock."""

    def __init__(self) -> None:
        self._fold = UtteranceFold()
        self.utterances = self._fold.utterances
        self._latest = np.full(FLOOR_HOPS, _NOTHING_DBFS)
        self._at = self._looked_at = 0
        self._sounds_dbfs = SOUNDS_DBFS

    def take(self, at_ns: int, begins_ns: int | None, pcm: bytes) -> bool:
        """Take what came at `at_ns` and is heard from `begins_ns` on; None: it was thrown away.

        `pcm` is s16le at 8 kHz. Return whether nothing of it sounds.
        """
        levels = np.full(2, _NOTHING_DBFS) if pcm == _SILENT else _levels(pcm)
        self._keep(levels)
        self._fold.note(at_ns, begins_ns, levels.tolist(), self._sounds_dbfs)
        return not len(levels) or bool(levels.max() <= self._sounds_dbfs)

    def _keep(self, levels: Floats) -> None:
        for level in levels.tolist():
            self._latest[self._at % FLOOR_HOPS] = level
            self._at += 1
        if self._at - self._looked_at >= _LOOK_EACH_HOPS:
            self._looked_at = self._at
            known = self._latest[: min(self._at, FLOOR_HOPS)]
            self._sounds_dbfs = sounding_threshold(known)

    def begun(self, since_ns: int, now_ns: int) -> Utterance | None:
        """The first utterance that is heard by now, and goes on, or begins, after `since_ns`."""
        found = None
        for one in reversed(self.utterances):
            if one.until_ns <= since_ns:
                break
            found = one if one.from_ns <= now_ns else found
        return found

    def has_ended(self, since_ns: int, now_ns: int) -> bool:
        """Whether the bot spoke after `since_ns`, and is known to be silent now."""
        if not self.utterances or self.utterances[-1].until_ns <= since_ns:
            return False
        return now_ns >= self.utterances[-1].until_ns + PAUSE_NS
