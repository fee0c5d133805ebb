"""The sound itself: level, silence, clipping, DC, noise, and a summary a second."""

from __future__ import annotations

import math
from array import array
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from voipbin_cli.analysis.columns import Blocks

FRAME_SAMPLES = 160
FULL_SCALE = 32768
FLOOR_DBFS = -100.0
# A frame this faint holds no speech: a quiet room on a telephone is about there.
SILENCE_DBFS = -55.0
# The largest value of mu-law; A-law's is 32256 and linear's 32767. A run of three equal samples
# there is a flat top.
RAIL = 32124
RAIL_RUN = 3
_PART = 4096
_BINS = 100

Samples = NDArray[np.int16]


class Signal(NamedTuple):
    """Levels in dB of full scale (a full square wave is 0 dBFS), -100 for silence; ratios 0 to 1.

    `silence_ratio` is of 20 ms frames under -55 dBFS, `zero_ratio` of frames all zero;
    `clipping_ratio` of samples within flat tops at the rail. `dc_offset` is the mean sample in
    [-1, 1]. `noise_dbfs` is the level that one frame in ten stays under, `speech_dbfs` the mean
    of those 10 dB above it, `snr_db` their distance; None where there is no such thing.
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


class Second(NamedTuple):
    """One second of sound, for a meter or a plot."""

    rms_dbfs: float
    peak_dbfs: float


class SignalFold:
    """A fold over int16 samples; frames of 20 ms count from the first sample added.

    What is told by frame (RMS, silence, noise) leaves out a last one that is not complete.
    """

    def __init__(self, rate_hz: int = 8000) -> None:
        size = FRAME_SAMPLES * rate_hz // 8000
        self._frames: Blocks[np.int16] = Blocks(size, np.int16)
        self._per_second = rate_hz // size
        self._samples = self._sum = self._energy = self._peak = 0
        self._silent = self._zero = self._whole = 0
        self._bins = np.zeros(_BINS, np.int64)
        self._bin_energy = np.zeros(_BINS, np.int64)
        self._rails = _Rails()
        self._seconds_rms, self._seconds_peak = array("d"), array("d")
        self._second: list[tuple[int, int]] = []

    def add(self, samples: NDArray[Any]) -> None:
        """Take a chunk of int16 samples."""
        chunk = np.asarray(samples, np.int16).ravel()
        for start in range(0, chunk.size, _PART * self._frames.size):
            part = chunk[start : start + _PART * self._frames.size]
            self._add_samples(part)
            frames = self._frames.add(part)
            if len(frames):
                self._add_frames(frames)

    def result(self) -> Signal:
        """The figures so far."""
        frames = max(1, self._whole)
        noise, speech = self._noise_and_speech()
        return Signal(
            samples=self._samples,
            rms_dbfs=_dbfs(math.sqrt(self._energy / (frames * self._frames.size))),
            peak_dbfs=_dbfs(self._peak),
            silence_ratio=self._silent / frames,
            zero_ratio=self._zero / frames,
            clipping_ratio=self._rails.clipped / max(1, self._samples),
            dc_offset=self._sum / max(1, self._samples) / FULL_SCALE,
            noise_dbfs=noise,
            speech_dbfs=speech,
            snr_db=None if noise is None or speech is None else speech - noise,
        )

    @property
    def last_second(self) -> Second | None:
        """The last whole second."""
        if not self._seconds_rms:
            return None
        return Second(self._seconds_rms[-1], self._seconds_peak[-1])

    def per_second(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """RMS and peak of every whole second in dBFS, two columns of the same length."""
        return np.array(self._seconds_rms), np.array(self._seconds_peak)

    def _add_samples(self, part: Samples) -> None:
        self._samples += part.size
        self._sum += int(part.sum(dtype=np.int64))
        peak = max(int(part.max(initial=0)), -int(part.min(initial=0)))
        self._peak = max(self._peak, peak)
        self._rails.add(part, peak)

    def _add_frames(self, frames: Samples) -> None:
        values = frames.astype(np.float64)
        # Squares are whole numbers under 2^31 and sums under 2^53: exact in doubles.
        energy = np.einsum("ij,ij->i", values, values)
        self._whole += len(frames)
        whole_energy = energy.astype(np.int64)
        self._energy += int(whole_energy.sum())
        mean = energy / (frames.shape[1] * FULL_SCALE**2)
        self._silent += int(np.count_nonzero(mean < 10 ** (SILENCE_DBFS / 10)))
        sounding = energy > 0
        self._zero += int(np.count_nonzero(~sounding))
        level = 10 * np.log10(mean[sounding])
        bins = np.clip(level - FLOOR_DBFS, 0, _BINS - 1).astype(np.int64)
        self._bins += np.bincount(bins, minlength=_BINS)
        weights = np.bincount(bins, energy[sounding], minlength=_BINS)
        self._bin_energy += weights.astype(np.int64)
        peaks = np.maximum(frames.max(axis=1).astype(int), -frames.min(axis=1).astype(int))
        self._add_seconds(whole_energy.tolist(), peaks.tolist())

    def _add_seconds(self, energies: list[int], peaks: list[int]) -> None:
        self._second += zip(energies, peaks, strict=True)
        whole = len(self._second) - len(self._second) % self._per_second
        for start in range(0, whole, self._per_second):
            second = self._second[start : start + self._per_second]
            energy = sum(pair[0] for pair in second)
            samples = self._per_second * self._frames.size
            self._seconds_rms.append(_dbfs(math.sqrt(energy / samples)))
            self._seconds_peak.append(_dbfs(max(pair[1] for pair in second)))
        del self._second[:whole]

    def _noise_and_speech(self) -> tuple[float | None, float | None]:
        """From the histogram of frame levels; frames of exact zero say nothing about noise."""
        frames = int(self._bins.sum())
        if frames < self._per_second:
            return None, None
        floor = int(np.searchsorted(self._bins.cumsum(), frames / 10))
        noise = FLOOR_DBFS + floor + 0.5
        loud = slice(floor + 10, None)
        count = int(self._bins[loud].sum()) * self._frames.size
        if not count:
            return noise, None
        return noise, _dbfs(math.sqrt(int(self._bin_energy[loud].sum()) / count))


class _Rails:
    """Counts samples in runs of three and more equal ones at the rail."""

    def __init__(self) -> None:
        self.clipped = 0
        self._tail = np.zeros(RAIL_RUN, np.int16)
        self._tail_peak = 0

    def add(self, part: Samples, peak: int) -> None:
        if not part.size:
            return
        joined = np.concatenate([self._tail, part])
        if max(peak, self._tail_peak) >= RAIL:
            self.clipped += _flat_samples(joined)
        self._tail = joined[-RAIL_RUN:]
        self._tail_peak = int(np.abs(self._tail.astype(np.int64)).max())


def _flat_samples(joined: Samples) -> int:
    """How many samples after the first three complete or lengthen a flat top."""
    high = (joined >= RAIL) | (joined <= -RAIL)
    same = (joined[1:] == joined[:-1]) & high[1:]
    # True at i: the samples i, i + 1 and i + 2 are equal and at the rail.
    flat = same[1:] & same[:-1]
    starts = flat[1:] & ~flat[:-1]
    # The first of a run brings three samples, each further one itself.
    return int(np.count_nonzero(flat[1:])) + (RAIL_RUN - 1) * int(np.count_nonzero(starts))


def _dbfs(amplitude: float) -> float:
    if amplitude <= 0:
        return FLOOR_DBFS
    return max(FLOOR_DBFS, 20 * math.log10(amplitude / FULL_SCALE))
