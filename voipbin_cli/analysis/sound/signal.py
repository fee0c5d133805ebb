"""Level, silence, clipping, DC offset and noise of the samples, and the levels of each second."""

from __future__ import annotations

import math
from array import array
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from voipbin_cli.analysis.columns import Floats, Ints, Samples
from voipbin_cli.analysis.sound.cutting import (
    FRAMES_PER_SECOND,
    FULL_SCALE,
    SECOND_SAMPLES,
    SoundFrames,
)
from voipbin_cli.codec.codecs import FRAME_SAMPLES

FLOOR_DBFS = -100.0
# Frames below hold no speech: about the level of a quiet room on a telephone.
SILENCE_DBFS = -55.0
# Full scale, for clipping: mu-law's largest value; A-law's is 32256, that of linear 32767. Three
# equal samples in a row at it or above are clipped; one alone may be a peak that just fits.
RAIL = 32124
RAIL_RUN = 3
# Of the histogram of frame levels, a decibel each, from FLOOR_DBFS up.
_BINS = 100


class Signal(NamedTuple):
    """Levels in dB of full scale (a full square wave is 0 dBFS), -100 for silence; ratios 0 to 1.

    `silence_ratio` is of 20 ms frames under -55 dBFS, `zero_ratio` of frames all zero;
    `clipping_ratio` of samples in runs of three and more equal ones at full scale. `dc_offset` is
    the mean sample in [-1, 1]. `noise_dbfs` is the level that one frame in ten stays under,
    `speech_dbfs` the mean of those 10 dB above it, `snr_db` their distance; None where there is
    no such thing.
    """

    samples: int
    rms_dbfs: float
    peak_dbfs: float
    silence_ratio: float
    zero_ratio: float
    clipping_ratio: float
    dc_offset: float
    noise_dbfs: float | None
    speech_dbfs: float | None
    snr_db: float | None


class SignalFold:
    """Measures frames of 20 ms as they come."""

    def __init__(self) -> None:
        self._frames = self._sum = self._energy = self._peak = 0
        self._silent = self._zero = 0
        self._bins = np.zeros(_BINS, np.int64)
        self._bin_energy = np.zeros(_BINS, np.int64)
        self._rails = _Rails()
        self._seconds_rms, self._seconds_peak = array("d"), array("d")

    def add(self, sound: SoundFrames) -> None:
        """Take some frames."""
        if not len(sound.frames):
            return
        self._frames += len(sound.frames)
        self._energy += int(sound.energy.sum())
        for rows in (sound.samples_by_second, sound.rest):
            # The sum of a second at full scale is under 2^28: 32 bits hold it, at twice the speed.
            self._sum += int(rows.sum(axis=1, dtype=np.int32).sum())
        self._rails.add(sound.frames.ravel(), self._add_peaks(sound))
        self._add_levels(sound.energy)

    def result(self) -> Signal:
        """The figures so far."""
        frames = max(1, self._frames)
        samples = frames * FRAME_SAMPLES
        noise, speech = self._noise_and_speech()
        return Signal(
            samples=self._frames * FRAME_SAMPLES,
            rms_dbfs=_dbfs(math.sqrt(self._energy / samples)),
            peak_dbfs=_dbfs(self._peak),
            silence_ratio=self._silent / frames,
            zero_ratio=self._zero / frames,
            clipping_ratio=self._rails.clipped / samples,
            dc_offset=self._sum / samples / FULL_SCALE,
            noise_dbfs=noise,
            speech_dbfs=speech,
            snr_db=None if noise is None or speech is None else speech - noise,
        )

    def per_second(self) -> tuple[Floats, Floats]:
        """RMS and peak of every whole second in dBFS, two columns of the same length."""
        return np.array(self._seconds_rms), np.array(self._seconds_peak)

    def _add_peaks(self, sound: SoundFrames) -> int:
        """Note every whole second; return the peak of all."""
        peaks = _peaks(sound.samples_by_second)
        self._seconds_peak.extend(_all_dbfs(peaks).tolist())
        rms = np.sqrt(sound.energy_by_second.sum(axis=1) / SECOND_SAMPLES)
        self._seconds_rms.extend(_all_dbfs(rms).tolist())
        peak = int(max(peaks.max(initial=0), _peaks(sound.rest)[0]))
        self._peak = max(self._peak, peak)
        return peak

    def _add_levels(self, energy: Floats) -> None:
        mean = energy / (FRAME_SAMPLES * FULL_SCALE**2)
        self._silent += int(np.count_nonzero(mean < 10 ** (SILENCE_DBFS / 10)))
        sounding = np.flatnonzero(energy)
        self._zero += len(energy) - len(sounding)
        if len(sounding) < len(energy):
            mean, energy = mean[sounding], energy[sounding]
        bins = np.clip(10 * np.log10(mean) - FLOOR_DBFS, 0, _BINS - 1).astype(np.int64)
        self._bins += np.bincount(bins, minlength=_BINS)
        self._bin_energy += np.bincount(bins, energy, minlength=_BINS).astype(np.int64)

    def _noise_and_speech(self) -> tuple[float | None, float | None]:
        """From the histogram of frame levels; frames of exact zero say nothing about noise."""
        frames = int(self._bins.sum())
        if frames < FRAMES_PER_SECOND:
            return None, None
        floor = int(np.searchsorted(self._bins.cumsum(), frames / 10))
        noise = FLOOR_DBFS + floor + 0.5
        loud = slice(floor + 10, None)
        count = int(self._bins[loud].sum()) * FRAME_SAMPLES
        if not count:
            return noise, None
        return noise, _dbfs(math.sqrt(int(self._bin_energy[loud].sum()) / count))


class _Rails:
    """Counts clipped samples: runs of three and more equal ones at full scale."""

    def __init__(self) -> None:
        self.clipped = 0
        self._tail = np.zeros(RAIL_RUN, np.int16)

    def add(self, samples: Samples, peak: int) -> None:
        """Take a piece of samples, and the peak in it."""
        if max(peak, int(_peaks(self._tail[None])[0])) >= RAIL:
            self.clipped += _flat_samples(np.concatenate([self._tail, samples]))
        self._tail = samples[-RAIL_RUN:].copy()


def _flat_samples(joined: Samples) -> int:
    """How many samples after the first three complete or lengthen a flat top."""
    high = (joined >= RAIL) | (joined <= -RAIL)
    same = (joined[1:] == joined[:-1]) & high[1:]
    # True at i: the samples i, i + 1 and i + 2 are equal and at full scale.
    flat = same[1:] & same[:-1]
    starts = flat[1:] & ~flat[:-1]
    # The first of a run brings three samples, each further one itself.
    return int(np.count_nonzero(flat[1:])) + (RAIL_RUN - 1) * int(np.count_nonzero(starts))


def _peaks(rows: Samples) -> Ints:
    """The largest magnitude in each row, 0 in an empty one."""
    high = rows.max(axis=1, initial=0).astype(np.int64)
    low = rows.min(axis=1, initial=0).astype(np.int64)
    return np.asarray(np.maximum(high, -low))


def _dbfs(amplitude: float) -> float:
    if amplitude <= 0:
        return FLOOR_DBFS
    return max(FLOOR_DBFS, 20 * math.log10(amplitude / FULL_SCALE))


def _all_dbfs(amplitudes: ArrayLike) -> Floats:
    least = FULL_SCALE * 10 ** (FLOOR_DBFS / 20)
    return np.asarray(20 * np.log10(np.maximum(amplitudes, least) / FULL_SCALE))
