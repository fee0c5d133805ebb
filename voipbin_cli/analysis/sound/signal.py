"""Level, silence, DC offset and noise of the samples, and the levels of each second."""

from __future__ import annotations

import math
from array import array
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from voipbin_cli.analysis.batch_means import half_interval
from voipbin_cli.analysis.columns import Floats, Ints, Samples
from voipbin_cli.analysis.sound.cutting import (
    FRAMES_PER_SECOND,
    FULL_SCALE,
    SoundFrames,
)
from voipbin_cli.codec.codecs import SAMPLE_RATE_HZ

FLOOR_DBFS = -100.0
# Frames below hold no speech: about the level of a quiet room on a telephone.
SILENCE_DBFS = -55.0
# Of the histogram of frame levels, a decibel each, from FLOOR_DBFS up.
_BINS = 100
# So many samples at full scale have a sum that 32 bits hold, at twice the speed of 64.
_SUM_SAMPLES = (1 << 16) - 1
# Above the noise.
_LOUDER_DB, _SPEECH_DB = 6, 10


class Signal(NamedTuple):
    """Levels in dB of full scale (a full square wave is 0 dBFS), -100 for silence; ratios 0 to 1.

    `silence_ratio` is of 20 ms frames under -55 dBFS, `zero_ratio` of frames all zero. `dc_offset`
    is the mean sample in [-1, 1]. `noise_dbfs` is the level that one frame in ten stays under,
    `speech_dbfs` the mean of those 10 dB above it, `speech_ratio` their share of all that are not
    zero, `louder_ratio` that of those 6 dB above it, `snr_db` the distance; None where there is no
    such thing. Another stretch of the same sound would have a level within `uncertainty_db` of
    this one in 99 of 100, by how much its seconds differ; None of less than four.
    """

    samples: int
    rms_dbfs: float
    peak_dbfs: float
    silence_ratio: float
    zero_ratio: float
    dc_offset: float
    noise_dbfs: float | None
    speech_dbfs: float | None
    speech_ratio: float
    louder_ratio: float
    snr_db: float | None
    uncertainty_db: float | None = None


class SignalFold:
    """Measures frames of 20 ms as they come, at any rate."""

    def __init__(self, rate_hz: int = SAMPLE_RATE_HZ) -> None:
        self._frame_samples = rate_hz // FRAMES_PER_SECOND
        self._frames = self._sum = self._energy = self._peak = 0
        self._silent = self._zero = 0
        self._bins = np.zeros(_BINS, np.int64)
        self._bin_energy = np.zeros(_BINS, np.int64)
        self._seconds_rms, self._seconds_peak = array("d"), array("d")

    def add(self, sound: SoundFrames) -> None:
        """Take some frames."""
        if not len(sound.frames):
            return
        self._frames += len(sound.frames)
        self._energy += int(sound.energy.sum())
        for rows in (sound.samples_by_second, sound.rest):
            narrow = np.int32 if rows.shape[1] <= _SUM_SAMPLES else np.int64
            self._sum += int(rows.sum(axis=1, dtype=narrow).sum())
        self._add_peaks(sound)
        self._add_levels(sound.energy)

    def result(self) -> Signal:
        """The figures so far."""
        frames = max(1, self._frames)
        samples = frames * self._frame_samples
        noise, speech, speech_ratio, louder_ratio = self._noise_and_speech()
        return Signal(
            samples=self._frames * self._frame_samples,
            rms_dbfs=_dbfs(math.sqrt(self._energy / samples)),
            peak_dbfs=_dbfs(self._peak),
            silence_ratio=self._silent / frames,
            zero_ratio=self._zero / frames,
            dc_offset=self._sum / samples / FULL_SCALE,
            noise_dbfs=noise,
            speech_dbfs=speech,
            speech_ratio=speech_ratio,
            louder_ratio=louder_ratio,
            snr_db=None if noise is None or speech is None else speech - noise,
            uncertainty_db=self._uncertainty_db(),
        )

    def _uncertainty_db(self) -> float | None:
        power = 10 ** (np.array(self._seconds_rms) / 10)
        total = float(power.sum())
        half = half_interval(power.size, total, float(np.square(power).sum()))
        return None if half is None else 10 * math.log10(1 + half * power.size / total)

    def per_second(self) -> tuple[Floats, Floats]:
        """RMS and peak of every whole second in dBFS, two columns of the same length."""
        return np.array(self._seconds_rms), np.array(self._seconds_peak)

    def _add_peaks(self, sound: SoundFrames) -> None:
        """Note every whole second, and the peak of all."""
        peaks = _peaks(sound.samples_by_second)
        self._seconds_peak.extend(_all_dbfs(peaks).tolist())
        rms = np.sqrt(sound.energy_by_second.mean(axis=1) / self._frame_samples)
        self._seconds_rms.extend(_all_dbfs(rms).tolist())
        self._peak = max(self._peak, int(peaks.max(initial=0)), int(_peaks(sound.rest)[0]))

    def _add_levels(self, energy: Floats) -> None:
        mean = energy / (self._frame_samples * FULL_SCALE**2)
        self._silent += int(np.count_nonzero(mean < 10 ** (SILENCE_DBFS / 10)))
        sounding = np.flatnonzero(energy)
        self._zero += len(energy) - len(sounding)
        if len(sounding) < len(energy):
            mean, energy = mean[sounding], energy[sounding]
        bins = np.clip(10 * np.log10(mean) - FLOOR_DBFS, 0, _BINS - 1).astype(np.int64)
        self._bins += np.bincount(bins, minlength=_BINS)
        self._bin_energy += np.bincount(bins, energy, minlength=_BINS).astype(np.int64)

    def _noise_and_speech(self) -> tuple[float | None, float | None, float, float]:
        """From the histogram of frame levels; frames of exact zero say nothing about noise."""
        frames = int(self._bins.sum())
        if frames < FRAMES_PER_SECOND:
            return None, None, 0.0, 0.0
        floor = int(np.searchsorted(self._bins.cumsum(), frames / 10))
        noise = FLOOR_DBFS + floor + 0.5
        louder = int(self._bins[floor + _LOUDER_DB :].sum()) / frames
        loud = slice(floor + _SPEECH_DB, None)
        count = int(self._bins[loud].sum())
        if not count:
            return noise, None, 0.0, louder
        speech = math.sqrt(int(self._bin_energy[loud].sum()) / count / self._frame_samples)
        return noise, _dbfs(speech), count / frames, louder


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
