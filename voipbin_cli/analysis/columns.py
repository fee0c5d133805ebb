"""Blocks of one size out of chunks of any size, and steps of numbers that wrap around."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from voipbin_cli.codec import serial

Scalar = TypeVar("Scalar", bound=np.generic)


class Blocks(Generic[Scalar]):
    """Cuts a stream of numbers into blocks of `size`, aligned to the first number ever added.

    At most `size - 1` numbers are held back between calls.
    """

    def __init__(self, size: int, dtype: DTypeLike) -> None:
        self.size = size
        self._dtype = np.dtype(dtype)
        self._held: list[NDArray[Scalar]] = []
        self._held_count = 0

    def add(self, values: ArrayLike) -> NDArray[Scalar]:
        """Return the whole blocks that `values` completes, shape (blocks, size)."""
        chunk: NDArray[Scalar] = np.asarray(values, self._dtype).ravel()
        self._held_count += chunk.size
        if self._held_count < self.size:
            if chunk.size:
                self._held.append(chunk.copy())
            return np.empty((0, self.size), self._dtype)
        joined = np.concatenate([*self._held, chunk]) if self._held else chunk
        whole = joined.size - joined.size % self.size
        self._keep(joined[whole:])
        return joined[:whole].reshape(-1, self.size)

    def _keep(self, rest: NDArray[Scalar]) -> None:
        self._held = [rest.copy()] if rest.size else []
        self._held_count = rest.size

    @property
    def rest(self) -> NDArray[Scalar]:
        """The numbers of the block that is not complete yet, shape (0 … size - 1,)."""
        if len(self._held) > 1:
            self._held = [np.concatenate(self._held)]
        return self._held[0] if self._held else np.empty(0, self._dtype)


def wrapped_steps(values: NDArray[np.int64], bits: int) -> NDArray[np.int64]:
    """Signed shortest way from each value to the next, modulo 2**`bits`, shape (len - 1,).

    The rule is codec.serial's own: its arithmetic holds for a column as for one number.
    """
    newer: Any = values[1:]
    older: Any = values[:-1]
    steps: Any = serial.difference(newer, older, bits)
    return np.asarray(steps, np.int64)
