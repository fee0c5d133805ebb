"""Whether the sound goes on after a pause where it had stopped, or a part of it is missing.

Voiced speech is foretold well by linear prediction from the samples before. Across a pause in
which the sender only waited the prediction holds as well as within a frame; where audio is missing
its error is as large as the sound itself. Both ways are looked at, forwards and backwards.
"""

from __future__ import annotations

import math

import numpy as np

from voipbin_cli.analysis.columns import Floats, Ints, Samples
from voipbin_cli.analysis.pauses import GAP_NS

# Taps of the predictor, a pair for each formant below 4 kHz and one for the slope; as many samples
# behind the seam are foretold across it.
_TAPS = 10
# 20 ms before and behind the seam, 10 at least.
_SAMPLES, _LEAST_SAMPLES = 160, 80
# Softer than -41 dBFS the noise of 8-bit codes is most of the error.
_LEAST_RMS = 300.0
# What is foretold too badly within the frame tells nothing of the seam.
_LEAST_GAIN_DB = 8.0
# Better than any voice are tones: where a whole number of their periods is missing they go on as
# if nothing were.
_MOST_GAIN_DB = 22.0
# The larger error of both ways against that within the frame, in dB: mean and deviation where the
# sound went on and where 20 ms to 1 s were missing, over talkers of four languages.
_GOES_ON_DB, _IS_CUT_DB = (1.0, 6.5), (16.0, 9.0)
# No seam alone says more than 20 to 1.
_MOST = 3.0
_NOTED = 500


class SeamFold:
    """How much more likely it is that the sound went on after a pause, for each, as a logarithm.

    `goes_on` has them by the number of the first row behind the pause, for the first 500 pauses;
    0 where nothing can be told.
    """

    def __init__(self) -> None:
        self.goes_on: dict[int, float] = {}
        self._rows = 0
        self._last_ns: int | None = None
        self._tail = np.empty(0, np.int16)

    def add(self, times_ns: Ints, samples: Samples) -> None:
        """Take rows of one length, in order: when they came, and the samples of all of them."""
        if not samples.size or samples.size % len(times_ns):
            # Rows of a byte or so share their samples: nothing can be told of them.
            self._rows += len(times_ns)
            self._last_ns, self._tail = int(times_ns[-1]), samples[:0].copy()
            return
        frames = samples.reshape(len(times_ns), -1)
        last_ns = int(times_ns[0]) if self._last_ns is None else self._last_ns
        gaps = np.diff(times_ns, prepend=last_ns)
        for row in np.flatnonzero(gaps > GAP_NS).tolist():
            if len(self.goes_on) < _NOTED:
                before = frames[row - 1] if row else self._tail
                self.goes_on[self._rows + row] = _goes_on(before, frames[row])
        self._rows += len(times_ns)
        self._last_ns, self._tail = int(times_ns[-1]), frames[-1].copy()


def _goes_on(before: Samples, after: Samples) -> float:
    one = before[-_SAMPLES:].astype(np.float64)
    other = after[:_SAMPLES].astype(np.float64)
    if min(one.size, other.size) < _LEAST_SAMPLES or min(_rms(one), _rms(other)) < _LEAST_RMS:
        return 0.0
    ways = (_across(one, other), _across(other[::-1], one[::-1]))
    gains_db = [gain_db for _, gain_db in ways]
    if min(gains_db) < _LEAST_GAIN_DB or max(gains_db) > _MOST_GAIN_DB:
        return 0.0
    error_db = max(error_db for error_db, _ in ways)
    told = _log_density(error_db, *_GOES_ON_DB) - _log_density(error_db, *_IS_CUT_DB)
    return min(_MOST, max(-_MOST, told))


def _across(known: Floats, then: Floats) -> tuple[float, float]:
    """The error of foretelling `then` against that within `known`, and the gain there, in dB."""
    taps = _predictor(known)
    within = _rms(_errors(taps, known)) + 1.0
    across = _rms(_errors(taps, np.concatenate([known[-_TAPS:], then[:_TAPS]]))) + 1.0
    return 20 * math.log10(across / within), 20 * math.log10((_rms(known) + 1.0) / within)


def _predictor(samples: Floats) -> Floats:
    """By autocorrelation; a little white noise keeps pure tones solvable."""
    shaped = samples * np.hanning(samples.size)
    lags = np.correlate(shaped, shaped, "full")[samples.size - 1 :][: _TAPS + 1]
    distance = np.abs(np.subtract.outer(np.arange(_TAPS), np.arange(_TAPS)))
    matrix = lags[distance] + np.eye(_TAPS) * (lags[0] * 1e-4 + 1.0)
    taps: Floats = np.linalg.solve(matrix, lags[1:])
    return taps


def _errors(taps: Floats, samples: Floats) -> Floats:
    """Of each sample after the first ten."""
    windows = np.lib.stride_tricks.sliding_window_view(samples[:-1], _TAPS)[:, ::-1]
    errors: Floats = samples[_TAPS:] - windows @ taps
    return errors


def _rms(samples: Floats) -> float:
    return float(np.sqrt(np.mean(samples**2)))


def _log_density(value: float, mean: float, deviation: float) -> float:
    return -0.5 * ((value - mean) / deviation) ** 2 - math.log(deviation)
