"""How alike a sound is to a part of another, wherever in it that is."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt


class Likeness(NamedTuple):
    """The best place: the correlation there, -1 to 1, and its first sample."""

    correlation: float
    at: int


def likeness(heard: npt.NDArray[np.int16], wanted: npt.NDArray[np.int16]) -> Likeness:
    """Find where `heard` is most like `wanted`, by the normalized cross-correlation.

    1 is the same at any loudness, 0 nothing in common. A `heard` that is shorter is taken to go on
    in silence. Raises ValueError where `wanted` is silent.
    """
    template = wanted.astype(np.float64) - wanted.mean(dtype=np.float64)
    energy = float(np.dot(template, template))
    if energy == 0.0:
        raise ValueError("silence is like everything and nothing")
    size = len(template)
    sound = np.concatenate([heard.astype(np.float64), np.zeros(max(0, size - len(heard)))])
    bins = 1 << (len(sound) + size - 1).bit_length()
    spectrum = np.fft.rfft(sound, bins) * np.conj(np.fft.rfft(template, bins))
    products = np.fft.irfft(spectrum, bins)[: len(sound) - size + 1]
    # The mean of the part is taken out, too: of its sum and its squares, by running totals.
    sums = _windows(sound, size)
    spread = _windows(sound**2, size) - sums**2 / size
    floor = 1e-9 * max(1.0, float(spread.max(initial=0.0)))
    correlations = products / np.sqrt(np.maximum(spread, floor) * energy)
    best = int(np.argmax(correlations))
    return Likeness(float(np.clip(correlations[best], -1.0, 1.0)), best)


def _windows(values: npt.NDArray[np.float64], size: int) -> npt.NDArray[np.float64]:
    """The sum of each `size` values in a row."""
    totals = np.concatenate([np.zeros(1), np.cumsum(values)])
    found: npt.NDArray[np.float64] = totals[size:] - totals[:-size]
    return found
