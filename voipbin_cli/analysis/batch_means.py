"""How sure a mean is, from the means of stretches that know little of each other."""

from __future__ import annotations

import math

import numpy as np

from voipbin_cli.analysis.columns import Floats
from voipbin_cli.analysis.comparison.interval import student

# Fewer say too little of how much they scatter.
LEAST = 4


class BatchMeans:
    """Sums over the means of batches of `size` values in a row. What makes no batch is left out."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._count = 0
        self._sum = self._squares = 0.0

    def add(self, values: Floats) -> None:
        """Take whole batches of values."""
        means = self._means(values)
        self._count += means.size
        self._sum += float(means.sum())
        self._squares += float(np.square(means).sum())

    def uncertainty(self, rest: Floats, unit: float = 1.0) -> float | None:
        """Return half the 99 % interval of the mean in `unit`, `rest` included; None of too few."""
        means = self._means(rest[: rest.size - rest.size % self._size])
        total, squares = self._sum + float(means.sum()), self._squares
        return half_interval(
            self._count + means.size, total, squares + float(np.square(means).sum()), unit
        )

    def _means(self, values: Floats) -> Floats:
        means: Floats = values.reshape(-1, self._size).mean(axis=1)
        return means


def half_interval(count: int, total: float, squares: float, unit: float = 1.0) -> float | None:
    """Return half the 99 % interval of the mean of `count` values; None of fewer than four."""
    if count < LEAST:
        return None
    variance = max(0.0, squares - total * total / count) / (count - 1)
    return student(count - 1) * math.sqrt(variance / count) * unit
