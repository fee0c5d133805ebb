"""The edges of a hole: is sound broken off there, how loud was it, and was it a tone."""

from __future__ import annotations

import numpy as np

from voipbin_cli.analysis.columns import Floats, Ints, Mask, Samples
from voipbin_cli.analysis.sound import tonality
from voipbin_cli.analysis.sound.cutting import FULL_SCALE

# 5 ms before and behind: a period of a voice of 200 Hz.
EDGE_SAMPLES = 40
UNBROKEN_DBFS = -100
# Sound is broken off where one of the four samples next to the hole is away from it by 0.3 of the
# edge's level. Of sound cut anywhere, 19 edges in 20 are. Of a thousand pauses in recorded and
# synthetic speech, some are at one of their edges, hardly any at both.
_NEXT_SAMPLES = 4
_BROKEN = 0.3
# By up to six of mu-law's smallest steps soft speech is away from where it was rounded to zero:
# such an edge may be counted, and proves nothing.
_ROUNDED = 48.0
_FAINT_DBFS = -60
# Values up to A-law's smallest are silence. A louder one, such as that of bytes of zero in G.711,
# fills a hole where it stands out of the sound on both sides. Clipped sound does not: it is loud.
_SILENT_VALUE = 8
_SOFTER = 3
_AWAY = 0.5
_RAMP_SAMPLES = 20


def broken_dbfs(samples: Samples, starts: Ints, stops: Ints) -> tuple[Ints, Ints]:
    """The levels before and behind runs of equal samples, in whole dBFS.

    `starts` are at least EDGE_SAMPLES, `stops` as far from the end. It is -100 where sound is
    not broken off, but dies away or grows.
    """
    values = samples[starts].astype(np.float64)
    reach = np.arange(EDGE_SAMPLES)
    before = samples[starts[:, None] - 1 - reach].astype(np.float64)
    after = samples[stops[:, None] + reach].astype(np.float64)
    return edge_dbfs(before, values), edge_dbfs(after, values)


def edge_dbfs(edges: Floats, values: Floats) -> Ints:
    """Levels of edges in whole dBFS, a row of EDGE_SAMPLES each, the sample next to the hole first.

    `values` are those that fill the holes.
    """
    level = edges.std(axis=1)
    away = np.abs(edges[:, :_NEXT_SAMPLES] - values[:, None])
    loud = np.abs(values)
    is_silent = loud <= _SILENT_VALUE
    stands_out = (level * _SOFTER < loud) & (away.min(axis=1) > _AWAY * loud)
    is_broken: Mask = np.where(is_silent, away.max(axis=1) > _BROKEN * level, stands_out)
    heard = np.where(is_silent, level, loud)
    dbfs = np.floor(20 * np.log10(np.maximum(heard, 1) / FULL_SCALE))
    is_faint = is_silent & (away.max(axis=1) <= _ROUNDED)
    dbfs = np.where(is_faint, np.minimum(dbfs, _FAINT_DBFS), dbfs)
    return np.where(is_broken, dbfs, UNBROKEN_DBFS).astype(np.int64)


def is_tone(frame: Samples) -> bool:
    """One or two sines, clipped or not, or a buzzer, away from where they may have been ramped."""
    sound = frame[_RAMP_SAMPLES:-_RAMP_SAMPLES].astype(np.float64)
    judges = (tonality.is_tone, tonality.is_square, tonality.is_clipped_tone)
    return any(judge(sound) for judge in judges)
