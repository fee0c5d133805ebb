"""What the caller hears of the bot: when it sounds, known as soon as its messages are there."""

from __future__ import annotations

from collections import deque
from math import log10

import numpy as np

from voipbin_cli.analysis.conversation.sent_track import (
    FLOOR_HOPS,
    PAUSE_NS,
    SOUNDS_DBFS,
    Utterance,
    UtteranceFold,
    sounding_threshold,
)

_HOP = 80
_HOP_BYTES = 2 * _HOP
_FULL_SCALE = _HOP * 32768.0**2
_SILENT = bytes(2 * _HOP_BYTES)
_NOTHING_DBFS = -120.0
_SILENT_LEVELS = [_NOTHING_DBFS] * 2
# What lies under the sound is looked at anew each half second, by the five seconds before.
_LOOK_EACH_HOPS = 50


def _levels(pcm: bytes) -> list[float]:
    """The level of each whole 10 ms, in dBFS; by few calls, as they come by the thousand."""
    count = len(pcm) // _HOP_BYTES
    samples = np.frombuffer(pcm, "<i2", count * _HOP).astype(np.float32)
    hops = (samples[at : at + _HOP] for at in range(0, count * _HOP, _HOP))
    return [10 * log10(max(float(hop @ hop) / _FULL_SCALE, 1e-12)) for hop in hops]


class Ear:
    """Keeps the bot's utterances; times in ns on the call's clock."""

    def __init__(self) -> None:
        self._fold = UtteranceFold()
        self.utterances = self._fold.utterances
        self._latest: deque[float] = deque(maxlen=FLOOR_HOPS)
        self._new = 0
        self._sounds_dbfs = SOUNDS_DBFS

    def take(self, at_ns: int, begins_ns: int | None, pcm: bytes) -> bool:
        """Take what came at `at_ns` and is heard from `begins_ns` on; None: it was thrown away.

        `pcm` is s16le at 8 kHz. Return whether nothing of it sounds.
        """
        levels = _SILENT_LEVELS if pcm == _SILENT else _levels(pcm)
        self._latest += levels
        self._new += len(levels)
        if self._new >= _LOOK_EACH_HOPS:
            self._new = 0
            self._sounds_dbfs = sounding_threshold(np.array(self._latest))
        is_still = max(levels, default=_NOTHING_DBFS) <= self._sounds_dbfs
        if begins_ns is None or not is_still:
            self._fold.note(at_ns, begins_ns, levels, self._sounds_dbfs)
        return is_still

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
