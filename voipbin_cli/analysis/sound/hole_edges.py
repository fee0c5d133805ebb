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
# A modem's signals keep their level: over 40 ms the eighths of one are within 3 dB (V.21: 0.1), of
# a voice in one place of a hundred. Two signals on either side of a pause have 0.3 of their
# spectra in common at the most, the same one 0.9.
SIGNAL_SAMPLES = 320
_EIGHTHS = 8
_STEADY = 10 ** (4 / 10)
_BANDS = np.linspace(8, 152, 9).astype(np.int64)
_IN_COMMON = 0.6
# 120 ms: so long a pause is one though the same signal goes on behind it, unless it is as long as
# packets are.
_SIGNALS_PAUSE = 960
# Packets are some times 10 ms long, and samples next to a hole may be zero by chance: so many, at
# both of its ends together.
_PACKET_SAMPLES = 80
STRAY_ZEROS = 8


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
    # From zero: the other side of a square wave is as loud.
    rms = np.sqrt(np.mean(edges**2, axis=1))
    stands_out = (rms * _SOFTER < loud) & (away.min(axis=1) > _AWAY * loud)
    is_broken: Mask = np.where(is_silent, away.max(axis=1) > _BROKEN * level, stands_out)
    heard = np.where(is_silent, level, loud)
    dbfs = np.floor(20 * np.log10(np.maximum(heard, 1) / FULL_SCALE))
    is_faint = is_silent & (away.max(axis=1) <= _ROUNDED)
    dbfs = np.where(is_faint, np.minimum(dbfs, _FAINT_DBFS), dbfs)
    return np.where(is_broken, dbfs, UNBROKEN_DBFS).astype(np.int64)


def steepness(samples: Samples, starts: Ints, stops: Ints) -> tuple[Ints, Ints]:
    """How steep the edges before and behind runs of equal samples are, in percent.

    The level of the four samples next to it over that of all 40: of sound that was cut anywhere
    it is 100 on the average, 50 where a gain was turned down in 1 ms, 25 to 35 in 2 to 4 ms.
    """
    values = samples[starts].astype(np.float64)[:, None]
    reach = np.arange(EDGE_SAMPLES)
    sides = samples[starts[:, None] - 1 - reach], samples[stops[:, None] + reach]
    before, after = (_percent_steep(side - values) for side in sides)
    return before, after


def _percent_steep(edges: Floats) -> Ints:
    power = np.square(edges)
    share = power[:, :_NEXT_SAMPLES].mean(axis=1) / np.maximum(power.mean(axis=1), 1e-9)
    return np.asarray(np.rint(100 * np.sqrt(share)), np.int64)


def between_signals(samples: Samples, starts: Ints, stops: Ints) -> Mask:
    """Whether at a run a signal of a modem or a fax ends and the next begins: it is a pause.

    `starts` are at least SIGNAL_SAMPLES, `stops` as far from the end.
    """
    reach = np.arange(SIGNAL_SAMPLES)
    before = samples[starts[:, None] - SIGNAL_SAMPLES + reach].astype(np.float64)
    after = samples[stops[:, None] + reach].astype(np.float64)
    found = _are_steady(before) & _are_steady(after)
    rows = np.flatnonzero(found)
    is_long = (stops - starts > _SIGNALS_PAUSE) & ~are_packets_long(stops - starts)
    found[rows] = [is_long[row] or _differ(before[row], after[row]) for row in rows]
    return found


def are_packets_long(lengths: Ints) -> Mask:
    """Whether these are lengths of packets; of any lengths one in nine is."""
    packets: Mask = (lengths >= _PACKET_SAMPLES) & (lengths % _PACKET_SAMPLES <= STRAY_ZEROS)
    return packets


def _are_steady(rows: Floats) -> Mask:
    power = np.square(rows.reshape(-1, _EIGHTHS, SIGNAL_SAMPLES // _EIGHTHS)).mean(axis=2)
    steady: Mask = power.max(axis=1) < _STEADY * power.min(axis=1)
    return steady


def _differ(before: Floats, after: Floats) -> bool:
    judged = [tonality.is_tone(side[_RAMP_SAMPLES:-_RAMP_SAMPLES]) for side in (before, after)]
    if judged[0] != judged[1]:
        return True
    return bool(np.minimum(_spectrum(before), _spectrum(after)).sum() < _IN_COMMON)


def _spectrum(sound: Floats) -> Floats:
    """The share of its power in each eighth of the band from 200 to 3800 Hz."""
    power = np.abs(np.fft.rfft(sound * np.hanning(sound.size))) ** 2
    bands = np.add.reduceat(power, _BANDS)[:-1]
    return np.asarray(bands / bands.sum())


def is_tone(frame: Samples) -> bool:
    """One or two sines, clipped or not, or a buzzer, away from where they may have been ramped."""
    sound = frame[_RAMP_SAMPLES:-_RAMP_SAMPLES].astype(np.float64)
    judges = (tonality.is_tone, tonality.is_square, tonality.is_clipped_tone)
    return any(judge(sound) for judge in judges)
