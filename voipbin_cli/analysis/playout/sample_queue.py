"""Audio that waits to be played, by its position in the stream."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Audio = NDArray[np.float32]


class SampleQueue:
    """Pieces of audio in order of position, none overlapping another, `capacity` samples at most.

    Positions count samples. Pieces may come out of order and with gaps between them.
    """

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.held = 0
        self._pieces: list[tuple[int, Audio]] = []

    @property
    def first(self) -> int | None:
        """The position of the first sample held."""
        return self._pieces[0][0] if self._pieces else None

    def put(self, position: int, samples: Audio, floor: int | None = None) -> int:
        """Keep what is new of `samples`, from position `floor` on.

        Return by how many samples the front had to move for the queue to stay within its
        capacity, counted from `floor`; mostly 0.
        """
        if floor is not None and position < floor:
            samples, position = samples[floor - position :], floor
        index = len(self._pieces)
        while index and self._pieces[index - 1][0] > position:
            index -= 1
        if index:
            before, held = self._pieces[index - 1]
            overlap = max(0, before + held.size - position)
            samples, position = samples[overlap:], position + overlap
        if index < len(self._pieces):
            samples = samples[: max(0, self._pieces[index][0] - position)]
        if samples.size:
            self._pieces.insert(index, (position, samples))
            self.held += samples.size
        return self._shrink(floor)

    def take(self, position: int, count: int) -> Audio:
        """Remove and return up to `count` samples that stand from `position` on."""
        self.drop_before(position)
        if not self._pieces or self._pieces[0][0] != position:
            return np.empty(0, np.float32)
        _, samples = self._pieces.pop(0)
        if samples.size > count:
            self._pieces.insert(0, (position + count, samples[count:]))
            samples = samples[:count]
        self.held -= samples.size
        return samples

    def peek(self, position: int, count: int) -> Audio:
        """Up to `count` samples that stand from `position` on without a gap, left in place."""
        found = []
        for start, samples in self._pieces:
            if start != position or count <= 0:
                break
            found.append(samples[:count])
            position += samples.size
            count -= samples.size
        return np.concatenate(found) if found else np.empty(0, np.float32)

    def available(self, position: int) -> int:
        """How many samples stand from `position` on without a gap."""
        start = position
        for begin, samples in self._pieces:
            if begin != position:
                break
            position += samples.size
        return position - start

    def gap(self, position: int, most: int) -> int:
        """How many samples are missing from `position` on, up to `most`."""
        return min(most, self._pieces[0][0] - position) if self._pieces else most

    def drop_before(self, position: int) -> None:
        """Forget what stands before `position`."""
        while self._pieces and self._pieces[0][0] < position:
            start, samples = self._pieces.pop(0)
            rest = samples[position - start :] if start + samples.size > position else samples[:0]
            self.held -= samples.size - rest.size
            if rest.size:
                self._pieces.insert(0, (position, rest))

    def _shrink(self, floor: int | None) -> int:
        if not self._pieces:
            return 0
        last, samples = self._pieces[-1]
        front = last + samples.size - self.capacity
        start = self._pieces[0][0] if floor is None else floor
        if front <= start:
            return 0
        self.drop_before(front)
        return front - start
