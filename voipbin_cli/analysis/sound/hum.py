"""Hum and whistles: a steady tone that lies under everything else.

Speech and music come and go in each band. A hum is there all the time, at one frequency and one
level: even in the quietest of the half seconds it stands above its neighbours.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from voipbin_cli.analysis.columns import Floats, Ints, Mask, Samples
from voipbin_cli.analysis.sound.cutting import FULL_SCALE
from voipbin_cli.analysis.sound.stretches import Stretch
from voipbin_cli.analysis.sound.tonality import NOTES_SHARE, notes_share
from voipbin_cli.codec.codecs import SAMPLE_RATE_HZ

# Half a second, another each quarter: 2 Hz a line, so that 50 and 60 Hz are apart.
_WINDOW_SAMPLES = 4000
_HOP_SAMPLES = 2000
# So scaled that the power of a sine is that of its line.
_SCALED_WINDOW = np.hanning(_WINDOW_SAMPLES)
_SCALED_WINDOW *= 2**0.5 / (_SCALED_WINDOW.sum() * FULL_SCALE)
_SCALED_WINDOW = _SCALED_WINDOW.astype(np.float32)
_LINE_HZ = 8000 / _WINDOW_SAMPLES
# Six seconds at least, and ten for a tone as high as music, whose notes come again and again.
_LEAST_WINDOWS = 23
_MUSIC_WINDOWS = 39
# The level of a line in its quiet half seconds: one in five is quieter still.
_QUIET = 0.2
# From 40 Hz up: below is what a DC blocker does. Up to 3600 Hz: above no telephone goes.
_FIRST_LINE, _LAST_LINE = int(40 / _LINE_HZ), int(3600 / _LINE_HZ)
# 12 dB above the lines 12 to 50 Hz off, of which the quietest fifth differs by 5 dB by chance.
_NEAR_LINES, _FAR_LINES = 6, 25
_PROMINENCE = 10 ** (12 / 10)
# One level: in the quietest of its half seconds, a tone is within 3 dB of that; noise and speech
# are 6 dB and more apart. Or, where speech of the same frequency adds to it and takes away from it,
# one frequency: its phase goes on evenly. The mean of the phases, turned back, is 1 then, and 0.4
# at the most for 47 that are chance; and the mean of the whole, turned back, is the level in quiet
# again, within 3 dB. Notes and signals that come again at one frequency are louder than that.
_STEADY = 10 ** (3 / 10)
# A note of each beat begins with a phase of its own. The mean of how its turn changes is 0.06 then,
# and 0.97 of tones under speech that are steady.
_EVEN = 0.5
_ONE_PHASE = 0.6
# Notes of one scale that come again and again are that steady now and then, one piece of music in
# fifteen: beside the mains 0.7 and 2.5 dB are asked for, which none of 120 such pieces had, and 83
# of 88 tones under speech did.
_ONE_PHASE_OF_MUSIC = 0.7
_STEADY_OF_MUSIC = 10 ** (2.5 / 10)
# And it sounds in all 40 ms but one in ten, in which audio may be lost or speech of its frequency
# takes it away: signals, notes that come again and the rattle of a beat have pauses there.
_FRAME = 320
_PAUSES_SHARE = 0.1
_PAUSE = 10 ** (-6 / 10)
# Heard from about here on, under speech of -26 dBFS.
_LEAST_DBFS = -58.0
# What is left beside the tones has to be speech or the like: it is loud, or comes and goes by 6 dB.
# A tone all by itself is a signal, unless it is that of the mains, and no louder than they get.
_MAINS_HZ = 130.0
_MAINS = (50.0, 60.0, 100.0, 120.0)  # and what comes of full waves
_MAINS_WITHIN_HZ = 0.5
_MAINS_MOST_DBFS = -22.0
_LOUD_DBFS = -45.0
_COMES_AND_GOES = 10 ** (6 / 10)
_SOUND_DBFS = -55.0
# So far under the tone is what is left of signals: their edges, and the noise of G.711.
_TRACE_DB = 10.0
# The lines on either side that are those of a tone as low as the mains.
_MAINS_LINES = 4
# A tone is the same in two stretches within so much.
_SAME_HZ = 3.0
_STRETCHES_SHARE = 0.6

Phasors = NDArray[np.complex128]


class Tone(NamedTuple):
    """A steady tone and its RMS level."""

    hertz: float
    level_dbfs: float


class HumFold:
    """Looks for steady tones in stretches of sound."""

    def __init__(self) -> None:
        self._stretches = 0
        self._found: list[tuple[Tone, ...]] = []

    def hear(self, stretch: Stretch) -> None:
        """Take a stretch."""
        every = np.lib.stride_tricks.sliding_window_view(stretch.samples, _WINDOW_SAMPLES)
        windows = every[::_HOP_SAMPLES]
        if len(windows) >= _LEAST_WINDOWS:
            self._stretches += 1
            most_hz = math.inf if len(windows) >= _MUSIC_WINDOWS else _MAINS_HZ
            self._found.append(
                tuple(
                    tone
                    for tone in _steady_tones(windows)
                    if tone.hertz < most_hz and _sounds_throughout(stretch.samples, tone)
                )
            )

    def result(self) -> tuple[Tone, ...]:
        """The tones that are in three of five stretches and more, loudest first."""
        all_tones = sorted((tone for tones in self._found for tone in tones), key=_level)
        kept: list[Tone] = []
        while all_tones:
            loudest = all_tones.pop()
            alike = [tone for tone in all_tones if abs(tone.hertz - loudest.hertz) < _SAME_HZ]
            all_tones = [tone for tone in all_tones if tone not in alike]
            if 1 + len(alike) >= _STRETCHES_SHARE * self._stretches:
                kept.append(loudest)
        return tuple(kept)


def _level(tone: Tone) -> float:
    return tone.level_dbfs


def _sounds_throughout(samples: Samples, tone: Tone) -> bool:
    """Whether the tone, within 50 Hz, is there in all pieces of 40 ms but one in ten."""
    frames = samples[: samples.size - samples.size % _FRAME].reshape(-1, _FRAME)
    turns = tone.hertz / SAMPLE_RATE_HZ * np.arange(_FRAME)
    weights = np.hanning(_FRAME) * np.exp(-2j * np.pi * turns)
    weights *= 2**0.5 / (np.hanning(_FRAME).sum() * FULL_SCALE)
    power = np.sort(np.abs(frames @ weights) ** 2)
    return bool(power[int(_PAUSES_SHARE * len(power))] > _PAUSE * 10 ** (tone.level_dbfs / 10))


def _steady_tones(windows: Samples) -> tuple[Tone, ...]:
    phasors = np.fft.rfft(windows * _SCALED_WINDOW, axis=1)
    lines = np.ascontiguousarray(phasors[:, : _LAST_LINE + _FAR_LINES + 1].T)
    spectra = lines.real**2 + lines.imag**2
    rank = int(_QUIET * len(windows))
    ordered = np.partition(spectra, (0, rank), axis=1)
    quietest, quiet = ordered[:, 0], ordered[:, rank]
    tones = []
    for line in _prominent(quiet).tolist():
        tone = _tone(quiet, line)
        is_steady = quiet[line] < _STEADY * quietest[line] and _turns_evenly(lines[line])
        if is_steady or _goes_on(lines[line], quiet[line], as_mains=_is_of_mains(tone)):
            tones.append(tone)
    heard = tuple(tone for tone in tones if tone.level_dbfs > _LEAST_DBFS)
    if not heard:
        return ()
    beside = _beside(tones)
    loudest = max(tone.level_dbfs for tone in heard)
    has_mains = any(_is_of_mains(tone) and tone.level_dbfs < _MAINS_MOST_DBFS for tone in heard)
    is_hum = has_mains or _is_under_sound(spectra[beside], loudest)
    # What has notes beside it is one of them: the bass of a chord, a pipe, a tone of a signal.
    return heard if is_hum and notes_share(spectra, beside) < NOTES_SHARE else ()


def _is_of_mains(tone: Tone) -> bool:
    return min(abs(tone.hertz - hertz) for hertz in _MAINS) < _MAINS_WITHIN_HZ


def _turns_evenly(phasors: Phasors) -> bool:
    """Whether the phase turns from each half second to the next nearly as it did before."""
    phases = phasors / np.maximum(np.abs(phasors), 1e-12)
    turns = phases[1:] * phases[:-1].conj()
    return bool(abs(np.mean(turns[1:] * turns[:-1].conj())) > _EVEN)


def _goes_on(phasors: Phasors, quiet: float, *, as_mains: bool) -> bool:
    """Whether the phase turns by the same from each half second to the next, at one level."""
    phases = phasors / np.maximum(np.abs(phasors), 1e-12)
    turned_back = np.abs(np.fft.fft(phases, 4 * len(phases))) / len(phases)
    turn = int(turned_back.argmax())
    mean = np.abs(np.fft.fft(phasors, 4 * len(phasors))[turn]) / len(phasors)
    one_phase, steady = (
        (_ONE_PHASE, _STEADY) if as_mains else (_ONE_PHASE_OF_MUSIC, _STEADY_OF_MUSIC)
    )
    return bool(turned_back[turn] > one_phase and mean**2 < steady * quiet)


def _prominent(quiet: Floats) -> Ints:
    """The lines that stand above those around them."""
    lines = np.arange(_FIRST_LINE, _LAST_LINE + 1)
    is_peak = (quiet[lines] >= quiet[lines - 1]) & (quiet[lines] > quiet[lines + 1])
    peaks = lines[is_peak & (quiet[lines] > 10 ** ((_LEAST_DBFS - 3) / 10))]
    return np.array([line for line in peaks.tolist() if _stands_out(quiet, line)], np.int64)


def _stands_out(quiet: Floats, line: int) -> bool:
    below = quiet[max(2, line - _FAR_LINES) : max(2, line - _NEAR_LINES + 1)]
    above = quiet[line + _NEAR_LINES : line + _FAR_LINES + 1]
    around = float(np.median(np.concatenate([below, above])))
    return bool(quiet[line] > _PROMINENCE * around)


def _tone(quiet: Floats, line: int) -> Tone:
    """Its frequency lies between the lines as their levels do; its power is in three of them."""
    near = np.sqrt(quiet[line - 1 : line + 2])
    side = 1 if near[2] > near[0] else -1
    share = near[1 + side] / near[1]
    offset = side * max(0.0, (2 * share - 1) / (share + 1))
    # Of a Hann window's power 2/3 is in its middle line, 1/6 in either neighbour.
    power = float(quiet[line - 1 : line + 2].sum()) / 1.5
    hertz = (line + offset) * _LINE_HZ
    return Tone(round(float(hertz), 1), 10 * math.log10(power))


def _beside(tones: list[Tone]) -> Mask:
    """The lines that are none of these tones, nor a multiple of what may be the mains.

    Nor what modulates them: ANSam has its level at 15 Hz, and its phase reversed.
    """
    beside = np.ones(_LAST_LINE + _FAR_LINES + 1, np.bool_)
    beside[:_FIRST_LINE] = False
    for tone in tones:
        is_low = tone.hertz < _MAINS_HZ
        times = int(_LAST_LINE * _LINE_HZ / tone.hertz) if is_low else 1
        reach = _MAINS_LINES if is_low else _FAR_LINES
        for n in range(1, times + 1):
            line = round(n * tone.hertz / _LINE_HZ)
            beside[max(0, line - reach) : line + reach + 1] = False
    return beside


def _is_under_sound(beside: Floats, loudest_dbfs: float) -> bool:
    """Beside the tones there is something that is loud, or comes and goes, and no mere trace."""
    # Of a Hann window's lines the squares add up to 1.5 times the mean square.
    power = np.sort(beside.sum(axis=0) / 1.5)
    soft, loud = power[int(0.1 * len(power))], power[int(0.9 * len(power))]
    comes_and_goes = loud > 10 ** (_SOUND_DBFS / 10) and loud > _COMES_AND_GOES * soft
    is_trace = loud < 10 ** ((loudest_dbfs - _TRACE_DB) / 10)
    return bool(not is_trace and (comes_and_goes or loud > 10 ** (_LOUD_DBFS / 10)))
