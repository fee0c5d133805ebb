"""In-band DTMF: a decoder over samples, and the tones themselves.

ITU-T Q.23 gives the frequencies, Q.24 what a receiver has to accept and to refuse.
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from voipbin_cli.analysis.columns import Floats, Ints, Mask, Samples
from voipbin_cli.errors import UsageError

RATE_HZ = 8000
LOW_HZ = (697, 770, 852, 941)
HIGH_HZ = (1209, 1336, 1477, 1633)
KEYS = ("123A", "456B", "789C", "*0#D")
PAUSE = ","
PAUSE_MS = 500
# G.711: a sine at the overload point of mu-law is +3.17 dBm0.
FULL_SCALE_DBM0 = 3.17

_HZ = np.array(LOW_HZ + HIGH_HZ, np.float64)
# Samples in a block: in 12.75 ms a filter's first zero is 78 Hz off, about as far as 770 is from
# 697 Hz. Each block begins half a block after the one before.
_BLOCK = 102
_HOP = 51
# Coefficients as whole numbers: every product and sum is exact, however the chunks were cut.
_SCALE = 1 << 18
# The least level of each tone; Q.24's receivers work down to -25 to -29 dBm0.
_LEAST_DBM0 = -34.0
# Q.24: the high tone may be 4 dB stronger than the low one, or 8 dB weaker. A decibel and three
# more, as a tone between two filters leaks.
_MOST_TWIST_DB = 5.0
_LEAST_TWIST_DB = -11.0
# Power of a group's strongest tone over its second strongest (6 dB), and the share of a block's
# energy that both tones must have for a digit to begin.
_GROUP_MARGIN = 10 ** (6 / 10)
_LEAST_SHARE = 0.86
# The share that lets a digit go on: Q.24 has breaks of up to 10 ms within a digit bridged, and a
# block at such a break is tone in part only.
_GO_ON_SHARE = 0.35
# How far a tone's frequency may be off, by one block and by the median of _HITS blocks, which is
# more exact. Q.24: 1.5 % has to work, 3.5 % must not; a voice at 307 Hz, whose third and fourth
# harmonics (921 and 1228 Hz) are 2.1 and 1.6 % off the tones of `*`, is to be kept out.
_MOST_OFF = 0.025
_MOST_OFF_TOGETHER = 0.0185
# Blocks in a row with one key that make a digit: 4 span 32 ms, and Q.24's shortest digit of 40 ms
# always holds them. Blocks in a row without it that end the digit: 3 span 25 ms.
_HITS = 4
_MISSES = 3
# Blocks measured at a time, so that a whole file needs no more memory than 52 s of it.
_PART = 8192
_NOTED = 10_000


Tones = NDArray[np.complex128]


class Digit(NamedTuple):
    """A digit, where it began, how long it lasted (within 7 ms), and its tones' levels."""

    symbol: str
    start_ms: float
    duration_ms: float
    low_dbm0: float
    high_dbm0: float


class _Hop(NamedTuple):
    """What one block holds: a key, or none; `sure` where it is enough to begin a digit.

    The offsets are of the frequencies, as a share of the nominal one.
    """

    key: str
    sure: bool
    low_dbm0: float
    high_dbm0: float
    low_off: float
    high_off: float


def _coefficients() -> Floats:
    """Cosine columns of the eight frequencies, then the sine ones, shape (_BLOCK, 16)."""
    angles = 2 * np.pi * np.arange(_BLOCK)[:, None] * _HZ / RATE_HZ
    waves = np.concatenate([np.cos(angles), np.sin(angles)], axis=1)
    return np.asarray(np.rint(waves * _SCALE), np.float64)


class DtmfFold:
    """Finds digits in int16 samples at 8 kHz, by the DFT at eight frequencies.

    A digit is returned 32 to 45 ms after it began. What keeps speech and music out is that both
    tones together must have 86 % of the energy, at frequencies within 1.85 %, for 32 ms.
    """

    _WAVES = _coefficients()
    _KEYS = tuple("".join(KEYS))

    def __init__(self) -> None:
        self._rest = np.zeros(0, np.int16)
        self._hop = 0
        self._last: Tones = np.zeros((1, 8), np.complex128)
        self._hits: list[_Hop] = []
        self._misses = 0
        self._digit: Digit | None = None
        self._done: deque[Digit] = deque(maxlen=_NOTED)

    def add(self, samples: Samples) -> list[Digit]:
        """Take a chunk; return the digits recognised in it, their duration as far as known."""
        chunk = np.concatenate([self._rest, np.asarray(samples, np.int16).ravel()])
        hops = max(0, (chunk.size - _BLOCK) // _HOP + 1)
        self._rest = chunk[hops * _HOP :].copy()
        found = []
        for start in range(0, hops, _PART):
            count = min(_PART, hops - start)
            part = chunk[start * _HOP : (start + count - 1) * _HOP + _BLOCK]
            for hop in self._measure(part):
                digit = self._follow(hop)
                if digit:
                    found.append(digit)
                self._hop += 1
        return found

    def result(self) -> tuple[Digit, ...]:
        """The latest 10,000 digits, one going on included."""
        return (*self._done, self._digit) if self._digit else tuple(self._done)

    def _measure(self, part: Samples) -> list[_Hop]:
        blocks = np.lib.stride_tricks.sliding_window_view(part, _BLOCK)[::_HOP].astype(np.float64)
        energy = np.einsum("ij,ij->i", blocks, blocks)
        if not energy.any():
            self._last = np.zeros((1, 8), np.complex128)
            return [_NOTHING] * len(blocks)
        waves = blocks @ self._WAVES
        tones: Tones = np.asarray((waves[:, :8] - 1j * waves[:, 8:]) / _SCALE, np.complex128)
        earlier = np.concatenate([self._last, tones[:-1]])
        self._last = tones[-1:].copy()
        amplitude: Floats = np.abs(tones)
        power = amplitude**2
        low, high = power[:, :4].argmax(axis=1), power[:, 4:].argmax(axis=1) + 4
        rows = np.arange(len(blocks))
        off_low, off_high = (_off_hz(tones, earlier, tone) for tone in (low, high))
        pair = power[rows, low], power[rows, high]
        whole = _BLOCK * np.maximum(energy, 1.0) / 2
        # The filter weakens a tone that is off its frequency: undone before the shares are judged.
        share = (pair[0] / _response(off_low) + pair[1] / _response(off_high)) / whole
        levels = _dbm0(pair[0]), _dbm0(pair[1])
        clean = _apart(power[:, :4]) & _apart(power[:, 4:]) & _in_range(*levels)
        offs = off_low / _HZ[low], off_high / _HZ[high]
        exact = np.maximum(np.abs(offs[0]), np.abs(offs[1])) < _MOST_OFF
        sure = clean & exact & (share > _LEAST_SHARE)
        maybe = _in_range(*levels) & (pair[0] + pair[1] > _GO_ON_SHARE * whole)
        keys = low * 4 + high - 4
        figures = np.stack([*levels, *offs], axis=1).tolist()
        return [
            _Hop(self._KEYS[key] if going else "", certain, *row)
            for key, going, certain, row in zip(
                keys.tolist(), maybe.tolist(), sure.tolist(), figures, strict=True
            )
        ]

    def _follow(self, hop: _Hop) -> Digit | None:
        """One step of the recogniser; returns a digit at the moment that it is sure."""
        if self._digit:
            self._go_on(hop, self._digit)
            if self._digit:
                return None
        if not (hop.key and hop.sure):
            self._hits = []
            return None
        if not self._hits or hop.key != self._hits[0].key:
            self._hits = []
        self._hits = [*self._hits, hop][-_HITS:]
        if len(self._hits) < _HITS:
            return None
        low, high, low_off, high_off = np.median([one[2:] for one in self._hits], axis=0).tolist()
        if max(abs(low_off), abs(high_off)) > _MOST_OFF_TOGETHER:
            return None
        first = self._hop - _HITS + 1
        self._digit = Digit(hop.key, _ms(first * _HOP), self._length(first), low, high)
        self._misses = 0
        self._hits = []
        return self._digit

    def _go_on(self, hop: _Hop, digit: Digit) -> None:
        if hop.key == digit.symbol:
            self._misses = 0
            first = round(digit.start_ms * RATE_HZ / 1000 / _HOP)
            self._digit = digit._replace(duration_ms=self._length(first))
            return
        self._misses += 1
        if self._misses >= _MISSES or (hop.sure and hop.key):
            self._done.append(digit)
            self._digit = None

    def _length(self, first: int) -> float:
        return _ms((self._hop - first) * _HOP + _BLOCK)


_NOTHING = _Hop("", False, -99.0, -99.0, 0.0, 0.0)


def _apart(group: Floats) -> Mask:
    """The strongest of a group of four stands out."""
    ordered = np.sort(group, axis=1)
    return np.asarray(ordered[:, 3] > _GROUP_MARGIN * ordered[:, 2])


def _in_range(low: Floats, high: Floats) -> Mask:
    twist = high - low
    strong = (low > _LEAST_DBM0) & (high > _LEAST_DBM0)
    return np.asarray(strong & (twist < _MOST_TWIST_DB) & (twist > _LEAST_TWIST_DB))


def _off_hz(tones: Tones, earlier: Tones, column: Ints) -> Floats:
    """How far the true frequency is off, by how far the phase turned since the block before."""
    rows = np.arange(len(tones))
    turned = tones[rows, column] * np.conj(earlier[rows, column])
    expected = np.exp(-2j * np.pi * _HZ[column] * _HOP / RATE_HZ)
    return np.asarray(np.angle(turned * expected) * RATE_HZ / (2 * np.pi * _HOP))


def _response(off_hz: Floats) -> Floats:
    """The power that a block's filter keeps of a tone so far off, 0.3 at the least."""
    return np.asarray(np.maximum(np.sinc(off_hz * _BLOCK / RATE_HZ) ** 2, 0.3))


def _dbm0(power: Floats) -> Floats:
    """A sine of amplitude A gives |X| = A x _BLOCK / 2."""
    amplitude = np.sqrt(power) * 2 / _BLOCK
    return np.asarray(20 * np.log10(np.maximum(amplitude, 1e-3) / 32768) + FULL_SCALE_DBM0)


def _ms(samples: int) -> float:
    return samples * 1000 / RATE_HZ


def tones(
    digits: str,
    on_ms: float = 100.0,
    off_ms: float = 100.0,
    level_dbm0: float = -9.0,
    twist_db: float = 2.0,
) -> bytes:
    """Return the digits (0-9, A-D, *, #; a comma is half a second of pause) as s16le at 8 kHz.

    Each tone pair is followed by a pause. `level_dbm0` is that of the low tone, the high one is
    `twist_db` stronger (Q.23 leaves levels to the network; lines weaken high tones). Edges are
    ramped over 2 ms. Raises UsageError for a digit that has no tones and for levels that clip.
    """
    parts = []
    for digit in digits.upper():
        if digit == PAUSE:
            parts.append(np.zeros(PAUSE_MS * RATE_HZ // 1000))
        else:
            parts += [_pair(digit, on_ms, level_dbm0, twist_db), np.zeros(_samples(off_ms))]
    samples = np.concatenate([np.zeros(0), *parts])
    if np.abs(samples).max(initial=0) > 32767:
        raise UsageError("DTMF this loud would clip", hint="choose a level of -6 dBm0 or less")
    pcm: bytes = np.rint(samples).astype("<i2").tobytes()
    return pcm


def _pair(digit: str, on_ms: float, level_dbm0: float, twist_db: float) -> Floats:
    place = "".join(KEYS).find(digit)
    if place < 0:
        raise UsageError(
            f"no DTMF digit: {digit!r}", hint="digits are 0-9, A-D, * and #; a comma is a pause"
        )
    t = np.arange(_samples(on_ms)) / RATE_HZ
    pair = _amplitude(level_dbm0) * np.sin(2 * np.pi * LOW_HZ[place // 4] * t)
    pair += _amplitude(level_dbm0 + twist_db) * np.sin(2 * np.pi * HIGH_HZ[place % 4] * t)
    edge = (np.minimum(np.arange(t.size), np.arange(t.size)[::-1]) + 1) / (_samples(2.0) + 1)
    return np.asarray(pair * np.minimum(1.0, edge))


def _amplitude(level_dbm0: float) -> float:
    return float(32768 * 10 ** ((level_dbm0 - FULL_SCALE_DBM0) / 20))


def _samples(ms: float) -> int:
    return round(ms * RATE_HZ / 1000)
