"""The same sound twice in a row, bit for bit: frames sent twice, or played again for a lost one.

Speech never repeats itself to the last bit, not even a held vowel: there is noise in it. Tones and
made-up music do, as do silence and the few values of a quiet line; those are left out. So are
modems, whose tones repeat themselves for as long as their bits happen to be alike, and the notes of
a program: a buffer that is played again is repeated from its first sample to its last, and begins
as loud as it ends.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from voipbin_cli.analysis.columns import Floats, Ints, Mask, Samples
from voipbin_cli.analysis.sound.cutting import FULL_SCALE
from voipbin_cli.analysis.sound.stretches import Stretch
from voipbin_cli.analysis.sound.tonality import is_tone, level

# What is repeated is 10 ms to 200 ms long, in whole 10 ms as packets are, or a power of two as
# buffers are.
_LAGS = (*(80 * n for n in range(1, 21)), 128, 256, 512, 1024)
# Looked for 5 ms at a time: each repetition of 10 ms holds one such block.
_BLOCK = 40
_LEAST = 80
# What goes on for half a second is a steady sound.
_LONGEST = 4000
# Audible, and of so many values that chance has no part in it: a frame of faint noise in G.711 has
# three.
_LEAST_LEVEL = FULL_SCALE * 10 ** (-50 / 20)
_LEAST_VALUES = 12
# What is repeated is the whole piece, once or some times. Samples next to it are equal by chance.
_CHANCE = 8
_WHOLE_SHARE = 0.5
# Notes and beats begin louder than they end (in nepers, quarter against quarter).
_LOUDER = 0.3
_LOUDER_ERRORS = 3.0
# As long a piece as this comes again within a sound that has a shorter period of its own.
_PATTERN = 16


class Copy(NamedTuple):
    """`length` samples from `start` on are those that came `lag` samples before."""

    start: int
    length: int
    lag: int


class Repeats(NamedTuple):
    """`repeats` of them, `repeated_ms` long together, in `seconds` that were listened to.

    `piece_ms` is how long the piece is that is repeated, as a rule; None without any.
    """

    repeats: int
    repeated_ms: float
    piece_ms: float | None
    seconds: float

    @property
    def share(self) -> float:
        """Of what was listened to, how much is a copy."""
        return self.repeated_ms / (1000 * self.seconds) if self.seconds else 0.0


class RepetitionFold:
    """Looks for repetitions in stretches of sound."""

    def __init__(self) -> None:
        self._samples = self._repeated = self._whole = 0
        self._lags: Counter[int] = Counter()
        self._decays: list[float] = []

    def hear(self, stretch: Stretch) -> None:
        """Take a stretch."""
        self._samples += stretch.samples.size
        end = 0
        for copy in sorted(_copies(stretch.samples)):
            # What repeats at 10 ms may do so at 20 ms, too.
            fresh = copy.start + copy.length - max(end, copy.start)
            if fresh >= _LEAST:
                self._lags[copy.lag] += 1
                self._repeated += fresh
                self._whole += copy.length >= copy.lag and copy.length % copy.lag <= _CHANCE
                self._decays.append(_decay(stretch.samples[copy.start :][: copy.lag]))
                end = copy.start + copy.length

    def result(self) -> Repeats:
        """What was found so far."""
        if self._is_by_nature():
            return Repeats(0, 0.0, None, self._samples / 8000)
        usual = self._lags.most_common(1)
        return Repeats(
            repeats=self._lags.total(),
            repeated_ms=self._repeated / 8,
            piece_ms=usual[0][0] / 8 if usual else None,
            seconds=self._samples / 8000,
        )

    def _is_by_nature(self) -> bool:
        """Whether few of them are whole pieces, or all of them are notes."""
        count = len(self._decays)
        if not count or self._whole < _WHOLE_SHARE * count:
            return True
        error = float(np.std(self._decays)) / count**0.5
        return bool(np.mean(self._decays) > max(_LOUDER, _LOUDER_ERRORS * error))


def _decay(piece: Samples) -> float:
    """How much louder its first quarter is than its last, in nepers."""
    sound: Floats = piece.astype(np.float64)
    quarter = sound.size // 4
    return float(np.log((level(sound[:quarter]) + 1) / (level(sound[-quarter:]) + 1)))


def _copies(samples: Samples) -> Iterator[Copy]:
    for lag in _LAGS:
        same: Mask = samples[lag:] == samples[:-lag]
        blocks = same[: same.size - same.size % _BLOCK].reshape(-1, _BLOCK).all(axis=1)
        if blocks.any():
            for first, last in _runs(same, np.flatnonzero(blocks)):
                length = last - first
                if _LEAST <= length <= _LONGEST and _is_varied(samples[first:last][:lag]):
                    yield Copy(first + lag, length, lag)


def _runs(same: Mask, blocks: Ints) -> Iterator[tuple[int, int]]:
    """Where the runs of equal samples begin and end that hold one of these blocks."""
    different = np.concatenate([[-1], np.flatnonzero(~same), [same.size]])
    behind = np.unique(np.searchsorted(different, blocks * _BLOCK))
    yield from zip((different[behind - 1] + 1).tolist(), different[behind].tolist(), strict=True)


def _is_varied(piece: Samples) -> bool:
    """No silence, no quiet line, no tone, and nothing with a shorter period of its own."""
    sound: Floats = piece.astype(np.float64)
    if level(sound - sound.mean()) < _LEAST_LEVEL or np.unique(piece).size < _LEAST_VALUES:
        return False
    blocks = piece[: piece.size - piece.size % _BLOCK].reshape(-1, _BLOCK)
    if (blocks.max(axis=1) == blocks.min(axis=1)).any():
        return False  # a tone, and the pause behind it
    return not is_tone(sound) and not _has_period(piece)


def _has_period(piece: Samples) -> bool:
    windows = np.lib.stride_tricks.sliding_window_view(piece, _PATTERN)[1:]
    shifts = np.flatnonzero((windows == piece[:_PATTERN]).all(axis=1)) + 1
    return any(np.array_equal(piece[shift:], piece[:-shift]) for shift in shifts.tolist())
