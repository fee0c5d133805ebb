"""Runs of equal samples: what digital silence, a filled-in hole and a stuck converter look like."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from voipbin_cli.analysis.columns import Ints, Mask, Samples

# 5 ms. Sound has runs of equal samples, too, but no longer than two or three milliseconds, where
# it is clipped or very faint.
LEAST_SAMPLES = 40
# A run of LEAST_SAMPLES holds a whole block of half its length, wherever it begins.
_BLOCK = LEAST_SAMPLES // 2


class ConstantRuns(NamedTuple):
    """Where runs of at least 40 equal samples start, and where what is behind them does."""

    starts: Ints
    stops: Ints


def constant_runs(samples: Samples) -> ConstantRuns:
    """Find them all, each from its first sample to its last."""
    blocks = samples[: samples.size - samples.size % _BLOCK].reshape(-1, _BLOCK)
    flat = np.flatnonzero(_is_flat(blocks))
    if not flat.size:
        return ConstantRuns(flat, flat)
    values = blocks[flat, 0]
    is_new = np.ones(flat.size, np.bool_)
    is_new[1:] = (np.diff(flat) > 1) | (values[1:] != values[:-1])
    firsts = np.flatnonzero(is_new)
    lasts = np.append(firsts[1:], flat.size) - 1
    starts = flat[firsts] * _BLOCK
    stops = (flat[lasts] + 1) * _BLOCK
    starts = starts - _equal_before(samples, starts, values[firsts])
    stops = stops + _equal_after(samples, stops, values[firsts])
    long = stops - starts >= LEAST_SAMPLES
    return ConstantRuns(starts[long], stops[long])


def _is_flat(blocks: Samples) -> Mask:
    """Rows of equal samples. Three samples of each rule out nearly all of them, at little cost."""
    first = blocks[:, 0]
    flat: Mask = (first == blocks[:, _BLOCK // 2]) & (first == blocks[:, -1])
    rows = np.flatnonzero(flat)
    flat[rows] = (blocks[rows] == first[rows, None]).all(axis=1)
    return flat


def _equal_before(samples: Samples, starts: Ints, values: Samples) -> Ints:
    """How many samples before each start are equal to its value; fewer than a block are."""
    places = starts[:, None] - 1 - np.arange(_BLOCK)
    return _leading((samples[np.maximum(places, 0)] == values[:, None]) & (places >= 0))


def _equal_after(samples: Samples, stops: Ints, values: Samples) -> Ints:
    """How many samples from each stop on are equal to its value; fewer than a block are."""
    places = stops[:, None] + np.arange(_BLOCK)
    last = samples.size - 1
    return _leading((samples[np.minimum(places, last)] == values[:, None]) & (places <= last))


def _leading(same: Mask) -> Ints:
    """How many columns from the left are true, a number for each row."""
    return np.asarray(np.logical_and.accumulate(same, axis=1).sum(axis=1), np.int64)
