"""Echo: what was sent comes back in what is received, later and softer.

Found by cross-correlation with a whitened spectrum (GCC-PHAT; Knapp and Carter 1976), two seconds
at a time: of speech and noise that has one peak at most, whoever else speaks. What is periodic
(tones, digits, a loop) has many, and no delay of it is told.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from voipbin_cli.analysis.columns import Floats, Mask, Samples
from voipbin_cli.codec.codecs import SAMPLE_RATE_HZ

MOST_DELAY_MS = 1000
_LAGS = MOST_DELAY_MS * SAMPLE_RATE_HZ // 1000
_BLOCK = 16_384
_FFT = 32_768
_WINDOW = np.hanning(_BLOCK)
# Some nine minutes of speech are listened to in full, then one block of sixteen.
_ENOUGH_BLOCKS = 256
_LATER_EACH = 16
# A block counts where a tenth of what was sent, and anything of what came, is no silence.
_SOUNDS, _SOUNDING_SHARE = 80, 0.1
# Tones and chords have all their power in few lines of the spectrum (100 at the most, measured),
# speech in 270 and more.
_LEAST_LINES = 150
# Over the usual height of the correlation: of 200 pairs of independent tracks none had 6. Twice as
# high as any other that is not next to it. And in three blocks and a third of all at least: the
# same words by the same synthetic voice are no echo.
_HEIGHT = 8.0
_UNIQUE = 2.0
_BLOCK_HEIGHT = 4.0
_NEXT_TO = 5 * SAMPLE_RATE_HZ // 1000
_LEAST_BLOCKS = 3
_BLOCKS_SHARE = 1 / 3
# Where every block has another delay, as a sender's pauses move it, each is told by itself.
_ALONE_HEIGHT = 10.0
_ALONE_BLOCKS = 3
_WANDER = 20 * SAMPLE_RATE_HZ // 1000
# The square of a normal variable is under this in half of all cases.
_MEDIAN_SQUARE = 0.455


class Echo(NamedTuple):
    """How long after it is due it comes back to its sender, how loud against what was sent."""

    delay_ms: float
    level_db: float


class _Peak(NamedTuple):
    lag: int
    height: float
    level_db: float


class EchoFold:
    """Compares two tracks of int16 samples at 8 kHz that begin at the same time."""

    def __init__(self) -> None:
        self._sent = np.empty(0, np.int16)
        self._received = np.empty(0, np.int16)
        self._passed = self._blocks = 0
        self._sum = np.zeros(_LAGS)
        self._plain = np.zeros(_LAGS)
        self._energy = 0.0
        self._tops: list[Mask] = []
        self._peaks: list[_Peak] = []

    def add(self, sent: Samples, received: Samples) -> None:
        """Take what comes next of each track, as much of both."""
        self._sent = np.concatenate([self._sent, sent])
        self._received = np.concatenate([self._received, received])
        at = 0
        while at + _BLOCK <= len(self._sent) and at + _BLOCK + _LAGS <= len(self._received):
            self._compare(self._sent[at : at + _BLOCK], self._received[at : at + _BLOCK + _LAGS])
            at += _BLOCK
        self._sent, self._received = self._sent[at:], self._received[at:]

    def restart(self) -> None:
        """What comes next begins at another time, the same one for both."""
        self._sent = self._received = np.empty(0, np.int16)

    def _compare(self, sent: Samples, received: Samples) -> None:
        if np.mean(np.abs(sent.astype(np.int32)) > _SOUNDS) < _SOUNDING_SHARE:
            return
        if received.max() == received.min() or _lines(sent) < _LEAST_LINES:
            return
        self._passed += 1
        if self._passed > _ENOUGH_BLOCKS and self._passed % _LATER_EACH:
            return
        whole = sent.astype(np.float64)
        cross = np.conj(np.fft.rfft(whole, _FFT)) * np.fft.rfft(received, _FFT)
        size = np.abs(cross)
        plain = np.fft.irfft(cross)[:_LAGS]
        white = np.fft.irfft(cross / (size + 1e-3 * size.mean() + 1e-9))[:_LAGS]
        white /= np.sqrt(np.mean(white * white)) + 1e-12
        # Not by a matrix product: its threads would cost more than they save.
        energy = float((whole * whole).sum())
        self._note(white, plain, energy)
        self._sum += white
        self._plain += plain
        self._energy += energy
        self._blocks += 1

    def _note(self, white: Floats, plain: Floats, energy: float) -> None:
        """Keep the peak that stands alone in a block, and where a block is high."""
        lag, height = _lone_peak(white)
        if height >= _ALONE_HEIGHT:
            self._peaks.append(_Peak(lag, height, _decibels(plain[lag], energy)))
        if len(self._tops) < _ENOUGH_BLOCKS:
            self._tops.append(np.abs(white) >= _BLOCK_HEIGHT)

    def result(self) -> Echo | None:
        """The echo, None where none is heard or its delay cannot be told."""
        return self._steady() or self._wandering()

    def _steady(self) -> Echo | None:
        """At one delay all the time."""
        if self._blocks < _LEAST_BLOCKS:
            return None
        total = self._sum / (np.sqrt(np.median(self._sum**2) / _MEDIAN_SQUARE) + 1e-12)
        lag, height = _lone_peak(total)
        least = max(_LEAST_BLOCKS, _BLOCKS_SHARE * len(self._tops))
        if height < _HEIGHT or self._blocks_with(lag) < least:
            return None
        return Echo(lag * 1000 / SAMPLE_RATE_HZ, _decibels(self._plain[lag], self._energy))

    def _blocks_with(self, lag: int) -> int:
        near = slice(max(0, lag - 2), lag + 3)
        return sum(bool(one[near].any()) for one in self._tops)

    def _wandering(self) -> Echo | None:
        """At delays near each other."""
        if len(self._peaks) < _ALONE_BLOCKS:
            return None
        lags = np.array([peak.lag for peak in self._peaks])
        middle = int(np.median(lags))
        near = np.abs(lags - middle) <= _WANDER
        if near.sum() < _ALONE_BLOCKS or 2 * near.sum() < len(lags):
            return None
        levels = np.array([peak.level_db for peak in self._peaks])
        return Echo(middle * 1000 / SAMPLE_RATE_HZ, float(np.median(levels[near])))


def _lines(sound: Samples) -> float:
    """In how many lines of the spectrum the power is, were it the same in each."""
    power = np.abs(np.fft.rfft(sound * _WINDOW, _FFT)) ** 2
    return float(power.sum() ** 2 / max(float((power * power).sum()), 1e-9))


def _lone_peak(heights: Floats) -> tuple[int, float]:
    """The place and the height of the highest peak, 0 where another is half as high."""
    sizes = np.abs(heights)
    lag = int(sizes.argmax())
    height = float(sizes[lag])
    sizes[max(0, lag - _NEXT_TO) : lag + _NEXT_TO] = 0
    return lag, height if height >= _UNIQUE * sizes.max() else 0.0


def _decibels(correlation: float, energy: float) -> float:
    return float(20 * np.log10(max(abs(correlation) / max(energy, 1.0), 1e-6)))
