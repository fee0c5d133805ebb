"""What prediction from the samples on both sides leaves of each: of sound little, of a seam all."""

from __future__ import annotations

import numpy as np

from voipbin_cli.analysis.columns import Floats, Singles

# With the same weights throughout each sample is told from 16 on either side: of a tone or a room
# without a seam little is left.
REACH = 16
_BLOCK = 1000
# With weights of its own for each 25 ms, found in the 60 ms around it, of a voice less is left yet:
# its vowels stand for so long. A block's edge may leave something itself, so they are of a length
# that is in no chunk of a program's.
_TAPS, _HOP, _WINDOW = 18, 199, 480
# A trace of noise, 30 dB below and as loud as two units: weights for tones stay finite.
_NOISE_SHARE, _NOISE_POWER = 1e-3, 4.0


def unexplained(samples: Singles) -> Singles:
    """What the best mean of the samples on both sides leaves of each.

    The weights are those that leave least in this stretch (Wiener), found in a quarter of it; a
    trace of noise in them keeps them finite for tones.
    """
    blocks = samples[: samples.size - samples.size % _BLOCK].reshape(-1, _BLOCK)[::4]
    correlation = np.array(
        [
            np.einsum("ij,ij->", blocks[:, lag:], blocks[:, : _BLOCK - lag])
            for lag in range(2 * REACH + 1)
        ],
        np.float64,
    )
    offsets = np.array([n for n in range(-REACH, REACH + 1) if n])
    matrix = correlation[np.abs(offsets[:, None] - offsets[None, :])]
    matrix[np.diag_indices(len(offsets))] += 1e-5 * correlation[0] + 1.0
    weights = np.linalg.solve(matrix, correlation[np.abs(offsets)])
    kernel = np.zeros(2 * REACH + 1, np.float32)
    kernel[REACH + offsets] = -weights
    kernel[REACH] = 1.0
    return np.convolve(samples, kernel, "same")


def unexplained_here(samples: Singles) -> Singles:
    """The same, with the weights that leave least in the 60 ms around each.

    What explains a sample from those before it does so from those behind it, too: the error of
    prediction is led through the same filter once more, backwards.
    """
    count = -(-samples.size // _HOP)
    before = (_WINDOW - _HOP) // 2
    padded = np.pad(samples, (before, _WINDOW))
    windows = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)[::_HOP][:count]
    filters = _error_filters(windows * np.hanning(_WINDOW).astype(np.float32))
    kernels = _correlations(filters, _TAPS)
    kernels = (kernels / kernels[:, :1]).astype(np.float32)
    padded = np.pad(samples, (_TAPS, _TAPS + _HOP))
    rows = np.lib.stride_tricks.sliding_window_view(padded, _HOP + 2 * _TAPS)[::_HOP][:count]
    left = rows[:, _TAPS : _TAPS + _HOP].copy()
    for lag in range(1, _TAPS + 1):
        sides = rows[:, _TAPS - lag :][:, :_HOP] + rows[:, _TAPS + lag :][:, :_HOP]
        left += kernels[:, lag, None] * sides
    whole: Singles = left.ravel()[: samples.size]
    return whole


def _correlations(rows: Floats | Singles, most: int) -> Floats:
    """Of each row with itself, up to so many places off."""
    width = rows.shape[1]
    lags = [np.einsum("ij,ij->i", rows[:, lag:], rows[:, : width - lag]) for lag in range(most + 1)]
    correlations: Floats = np.stack(lags, axis=1).astype(np.float64)
    return correlations


def _error_filters(windows: Singles) -> Floats:
    """The filter that leaves the error of prediction, of each row (Levinson and Durbin)."""
    correlations = _correlations(windows, _TAPS)
    correlations[:, 0] = (1 + _NOISE_SHARE) * correlations[:, 0] + _NOISE_POWER * _WINDOW * 3 / 8
    filters = np.zeros_like(correlations)
    filters[:, 0] = 1.0
    error = correlations[:, 0].copy()
    for order in range(1, _TAPS + 1):
        known = filters[:, :order]
        reflection = -np.einsum("ij,ij->i", known, correlations[:, order:0:-1]) / error
        filters[:, 1 : order + 1] += reflection[:, None] * known[:, ::-1]
        error *= 1 - reflection**2
    return filters
