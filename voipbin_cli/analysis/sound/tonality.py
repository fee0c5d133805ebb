"""Is a piece of sound a tone, one sine or two? And how much of a sound are notes?"""

from __future__ import annotations

import numpy as np

from voipbin_cli.analysis.columns import Floats, Mask, Singles

# Linear prediction from the eight samples before leaves of one or two sines no more than mu-law's
# own noise, 29 dB and more below them; of speech (four voices measured) it leaves 28 dB below in
# one frame of a hundred, and more in all others.
_ORDER = 8
_RIDGE = 1e-12
_IDENTITY = np.eye(_ORDER)
TONE_DB = -28.0
# Of held chords of nine sines it leaves 23 dB below or less in nine frames of ten, of speech in
# one of ten at the most.
CHORD_DB = -23.0
# In half a second a voice glides, and its harmonics are bands; a note is a line. So far above what
# is 10 to 14 Hz off no voice has one.
_NOTE = 10 ** (15 / 10)
_BESIDE_NOTE = (-7, -6, -5, 5, 6, 7)
NOTE_WINDOW = 4000
_LOWEST_NOTE = 20  # 40 Hz
# In the worst of ten talkers 0.26 of the power is that of notes; in music, signals and modems that
# hold a tone 0.4 and more.
NOTES_SHARE = 0.35
# Nine samples in ten are within a fifth of the way of either end; of a sine six are.
_NEAR_END = 0.2
_AT_ENDS = 0.9
_FLAT_SHARE, _TWO_LINES_SHARE = 0.12, 0.7
# Windows 13 dB softer than the loud ones tell nothing of what sounds.
_SOUNDING = 0.05


def is_tone(sound: Floats, residual_db: float = TONE_DB) -> bool:
    """One or two sines; with CHORD_DB a few more."""
    if sound.size <= 2 * _ORDER:
        return False
    # A column is the sound so many samples ago, the first of them the sound itself.
    count = sound.size - _ORDER
    shifted = np.stack([sound[_ORDER - by : _ORDER - by + count] for by in range(_ORDER + 1)])
    products = shifted @ shifted.T
    energy, likeness, past = products[0, 0], products[0, 1:], products[1:, 1:]
    # Of a clean sine the past is of two dimensions, and the rest of them wants a little weight.
    weight = _RIDGE * np.trace(past) + 1e-300
    weights = np.linalg.solve(past + weight * _IDENTITY, likeness)
    left = energy - 2 * weights @ likeness + weights @ past @ weights
    return bool(left < 10 ** (residual_db / 10) * energy)


def is_clipped_tone(sound: Floats) -> bool:
    """One or two sines that were cut off flat, which no prediction explains any more.

    Of digits that were clipped 0.17 to 0.44 of the samples are at an end, and two lines hold 0.73
    of the power and more; of sound that was not clipped 0.06 of the samples are at the most.
    """
    tops = (sound >= 0.985 * sound.max()).mean(), (sound <= 0.985 * sound.min()).mean()
    if max(tops) < _FLAT_SHARE:
        return False
    power = np.abs(np.fft.rfft(sound * np.hanning(sound.size), 512)) ** 2
    whole = power.sum()
    for _ in range(2):
        line = int(power.argmax())
        power[max(0, line - 9) : line + 10] = 0
    return bool(power.sum() < (1 - _TWO_LINES_SHARE) * whole)


def level(samples: Floats) -> float:
    """The RMS."""
    return float(np.sqrt(np.mean(samples * samples)))


def is_square(sound: Floats) -> bool:
    """Whether it is up or down and hardly ever between: a buzzer, but no voice."""
    least, most = float(sound.min()), float(sound.max())
    near = _NEAR_END * (most - least)
    return bool(np.mean((sound <= least + near) | (sound >= most - near)) > _AT_ENDS)


def is_made_of_notes(samples: Singles) -> bool:
    """Whether most of the power of 8 kHz samples is in notes that are held."""
    windows = np.lib.stride_tricks.sliding_window_view(samples, NOTE_WINDOW)[:: NOTE_WINDOW // 2]
    spectra: Floats = np.abs(np.fft.rfft(windows * np.hanning(NOTE_WINDOW), axis=1).T) ** 2.0
    counted = np.ones(len(spectra), np.bool_)
    counted[:_LOWEST_NOTE] = False
    return notes_share(spectra, counted) >= NOTES_SHARE


def notes_share(spectra: Floats, counted: Mask) -> float:
    """The share of the power that is in lines as sharp as those of notes, in the middle window.

    `spectra` are powers, a row for each line of 2 Hz, a column for each half second; `counted`
    says which lines count. 0 to 1.
    """
    lines = np.flatnonzero(counted)
    lines = lines[(lines >= 7) & (lines < len(spectra) - 7)]
    around = np.maximum.reduce([spectra[lines + by] for by in _BESIDE_NOTE])
    top = np.maximum.reduce([spectra[lines + by] for by in (-2, -1, 0, 1, 2)])
    power = spectra[lines]
    whole = power.sum(axis=0) + 1e-12
    notes = np.where(top > _NOTE * around, power, 0).sum(axis=0)
    is_sounding = whole > _SOUNDING * np.quantile(whole, 0.9)
    return float(np.median((notes / whole)[is_sounding]))
