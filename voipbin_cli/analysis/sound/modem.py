"""Is a steady sound that fills the band a modem's signal? Its symbols come at a rate of a standard.

To the ear and by its spectrum it is noise. But its envelope swells and fades once a symbol, by
little, and in exact time: squared, it has a line at the symbol rate, which no noise has.
"""

from __future__ import annotations

import numpy as np

from voipbin_cli.analysis.columns import Floats, Samples
from voipbin_cli.analysis.sound.stretches import Stretch
from voipbin_cli.codec.codecs import SAMPLE_RATE_HZ

# Symbols a second: V.22; V.27 ter; V.17, V.29, V.32; V.34 (its table 1).
_RATES_HZ = (600, 1200, 1600, 2400, 2400 * 8 / 7, 2800, 3000, 3200, 2400 * 10 / 7)
_WINDOW_SAMPLES = 4 * SAMPLE_RATE_HZ
_LINE_HZ = SAMPLE_RATE_HZ / _WINDOW_SAMPLES
# A clock is off by 100 in a million, 0.34 Hz here.
_NEAR, _AROUND = 2, 200
# The line has 150 times the power of those around it and more, in G.711 too; of chance one of them
# in 2**30 has 30 times.
_LEAST = 30.0
# In each tenth of a second it is as loud, within 3 dB: what is not is no modem, and costs nothing.
_TENTH = SAMPLE_RATE_HZ // 10
_STEADY = 2.0


class ModemFold:
    """Looks for the rate of symbols in stretches of sound."""

    def __init__(self) -> None:
        self._steady = self._modems = 0

    def hear(self, stretch: Stretch) -> None:
        """Take a stretch."""
        samples = stretch.samples
        windows = samples[: samples.size - samples.size % _WINDOW_SAMPLES]
        for window in windows.reshape(-1, _WINDOW_SAMPLES):
            if _is_steady(window):
                self._steady += 1
                self._modems += _has_symbols(window)

    def result(self) -> bool:
        """Whether most of what is steady is a modem's."""
        return 2 * self._modems > self._steady


def _is_steady(window: Samples) -> bool:
    power = np.square(window.reshape(-1, _TENTH), dtype=np.float64).mean(axis=1)
    return bool(power.max() < _STEADY * power.min())


def _has_symbols(window: Samples) -> bool:
    spectrum = np.fft.fft(window)
    spectrum[_WINDOW_SAMPLES // 2 :] = 0
    envelope = np.square(np.abs(np.fft.ifft(spectrum)))
    windowed = (envelope - envelope.mean()) * np.hanning(_WINDOW_SAMPLES)
    lines: Floats = np.abs(np.fft.rfft(windowed)) ** 2.0
    return any(_stands_out(lines, round(rate / _LINE_HZ)) for rate in _RATES_HZ)


def _stands_out(lines: Floats, line: int) -> bool:
    top = lines[line - _NEAR : line + _NEAR + 1].max()
    return bool(top > _LEAST * np.median(lines[line - _AROUND : line + _AROUND]))
