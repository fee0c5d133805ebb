"""Reading samples faster or slower by up to some permille, by windowed-sinc interpolation."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Audio = NDArray[np.float32]

# Samples of the source that make one of the output, and positions between two samples.
_TAPS = 32
_PHASES = 512
# Taps left of the sample that a position falls on or after.
_LEFT = _TAPS // 2 - 1


def _kernel() -> Audio:
    """Row p: the taps for a position p/512 past a sample; Kaiser window, unity gain at DC."""
    taps = np.arange(-_LEFT, _TAPS - _LEFT)
    distance = taps[None, :] - np.arange(_PHASES + 1)[:, None] / _PHASES
    inside = np.clip(1 - (distance / (_TAPS / 2)) ** 2, 0, None)
    rows = np.sinc(distance) * np.i0(7.0 * np.sqrt(inside)) * (inside > 0)
    return np.asarray(rows / rows.sum(axis=1, keepdims=True), np.float32)


class FractionalReader:
    """Reads `step` samples in for each sample out; bit-exact while `step` has always been 1.

    `produce(count)` delivers the next `count` samples of the source. With any other step the
    reader looks 16 samples ahead (2 ms at 8 kHz).
    """

    _KERNEL = _kernel()

    def __init__(self, produce: Callable[[int], Audio]) -> None:
        self._produce = produce
        self._held = np.zeros(_LEFT, np.float32)
        self._at = float(_LEFT)

    @property
    def pending(self) -> float:
        """Samples produced and not yet read."""
        return self._held.size - self._at

    def read(self, count: int, step: float = 1.0) -> Audio:
        """Return `count` samples."""
        if count == 0:
            return np.empty(0, np.float32)
        exact = step == 1.0 and self._at.is_integer()
        after = self._at + count * step
        last = int(after) if exact else int(self._at + (count - 1) * step) + _TAPS - _LEFT
        missing = max(last, int(after)) - self._held.size
        if missing > 0:
            self._held = np.concatenate([self._held, self._produce(missing)])
        output = self._copy(count) if exact else self._interpolate(count, step)
        drop = int(after) - _LEFT
        self._held = self._held[drop:]
        self._at = after - drop
        return output

    def insert(self, samples: Audio) -> None:
        """Read these after what was produced so far and before what will be."""
        self._held = np.concatenate([self._held, samples])

    def _copy(self, count: int) -> Audio:
        start = int(self._at)
        return self._held[start : start + count]

    def _interpolate(self, count: int, step: float) -> Audio:
        positions = self._at + np.arange(count) * step
        whole = positions.astype(np.int64)
        phases = np.rint((positions - whole) * _PHASES).astype(np.int64)
        window = np.lib.stride_tricks.sliding_window_view(self._held, _TAPS)
        taps = window[whole - _LEFT]
        return np.asarray(np.einsum("ij,ij->i", taps, self._KERNEL[phases]), np.float32)
