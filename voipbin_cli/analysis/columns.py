"""Blocks of one size out of chunks of any size, and steps of numbers that wrap around."""

from __future__ import annotations

from typing import Generic, TypeAlias, TypeVar

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from voipbin_cli.codec import serial

Ints: TypeAlias = NDArray[np.int64]
"""A column of integers: one element a message, a frame or an arrival."""
Floats: TypeAlias = NDArray[np.float64]
"""A column of measured values; the name of what holds one says the unit."""
Singles: TypeAlias = NDArray[np.float32]
"""Samples on the way through a filter: half the memory, and twice the speed."""
Mask: TypeAlias = NDArray[np.bool_]
"""A column of yes and no; it chooses the rows of other columns."""
Samples: TypeAlias = NDArray[np.int16]
"""Sound: 16-bit samples at 8 kHz."""

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


def wrapped_steps(values: Ints, bits: int) -> Ints:
    """Signed shortest way from each value to the next, modulo 2**`bits`, shape (len - 1,)."""
    return serial.difference(values[1:], values[:-1], bits)


def before(column: NDArray[Scalar], first: int | bool) -> NDArray[Scalar]:
    """The value one row up; `first` is that of the row before the column."""
    shifted = np.empty_like(column)
    if len(column):
        shifted[0] = first
        shifted[1:] = column[:-1]
    return shifted


def odd_before(sizes: Ints, is_odd: bool) -> Mask:
    """Whether the sizes before each one add up to an odd number; `is_odd` if those before all."""
    return equal((np.cumsum(sizes) - sizes + is_odd) % 2, 1)


def equal(one: Ints, other: Ints | int) -> Mask:
    """Where both are the same; numpy's own types say Any for `==`."""
    same: Mask = one == other
    return same


def unequal(one: Ints, other: Ints | int) -> Mask:
    """Where they differ; numpy's own types say Any for `!=`."""
    differs: Mask = one != other
    return differs
