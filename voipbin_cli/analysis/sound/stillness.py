"""Digital silence: frames in which every sample is the same, so that there is not even noise."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from voipbin_cli.analysis.columns import Mask, Samples
from voipbin_cli.analysis.sound.cutting import SoundFrames
from voipbin_cli.analysis.sound.hole_edges import EDGE_SAMPLES, UNBROKEN_DBFS, edge_dbfs, is_tone
from voipbin_cli.codec.codecs import FRAME_SAMPLES


class Stillness(NamedTuple):
    """Counts of 20 ms frames: all, the still ones, the longest row of these and those at the end.

    `longest_start` is the first frame of that row. `broken_dbfs` is the level of the sound that
    the still frames at the end break off, -100 where it died away.
    """

    frames: int = 0
    still: int = 0
    longest: int = 0
    longest_start: int = 0
    at_end: int = 0
    broken_dbfs: int = UNBROKEN_DBFS

    @property
    def sounding(self) -> int:
        """How many hold anything else."""
        return self.frames - self.still


class StillnessFold:
    """Finds the still frames of a stream, however many come at a time."""

    def __init__(self) -> None:
        self._frames = self._still = 0
        self._sounded = -1
        self._longest = self._longest_start = 0
        self._last_sound = np.empty(0, np.int16)
        self._value = 0

    def add(self, sound: SoundFrames) -> None:
        """Take some frames."""
        frames = sound.frames
        if not len(frames):
            return
        still = _is_still(frames)
        sounding = np.flatnonzero(~still)
        # A row ends with the frame that sounds, or with the chunk.
        ends = np.append(sounding, len(frames)) + self._frames
        before = np.append(self._sounded, ends[:-1])
        rows = ends - before - 1
        best = int(rows.argmax())
        if rows[best] > self._longest:
            self._longest, self._longest_start = int(rows[best]), int(before[best]) + 1
        if sounding.size:
            last = int(sounding[-1])
            earlier = self._last_sound[-FRAME_SAMPLES:] if last == 0 else frames[last - 1]
            self._last_sound = np.concatenate([earlier, frames[last]])
            self._sounded = self._frames + last
        self._value = int(frames[-1, -1])
        self._frames += len(frames)
        self._still += int(np.count_nonzero(still))

    def result(self) -> Stillness:
        """The figures so far."""
        at_end = self._frames - 1 - self._sounded
        return Stillness(
            frames=self._frames,
            still=self._still,
            longest=self._longest,
            longest_start=self._longest_start,
            at_end=at_end,
            broken_dbfs=self._broken_dbfs() if at_end else UNBROKEN_DBFS,
        )

    def _broken_dbfs(self) -> int:
        """The silence at the end begins somewhere in the last frame that sounds."""
        other = np.flatnonzero(self._last_sound != self._value)
        edge = self._last_sound[: other[-1] + 1] if other.size else self._last_sound[:0]
        # A tone stops at once where it ends.
        if edge.size < EDGE_SAMPLES or is_tone(edge[-FRAME_SAMPLES:]):
            return UNBROKEN_DBFS
        nearest_first = edge[: -EDGE_SAMPLES - 1 : -1].astype(np.float64)
        return int(edge_dbfs(nearest_first[None], np.array([float(self._value)]))[0])


def _is_still(frames: Samples) -> Mask:
    """Three samples of each frame rule out nearly all that are not."""
    first = frames[:, 0]
    still: Mask = (first == frames[:, FRAME_SAMPLES // 2]) & (first == frames[:, -1])
    rows = np.flatnonzero(still)
    still[rows] = (frames[rows] == first[rows, None]).all(axis=1)
    return still
