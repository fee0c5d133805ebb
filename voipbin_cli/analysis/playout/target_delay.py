"""The delay that a playout buffer aims at: how much the arrivals need, and what it allows."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from voipbin_cli.analysis.columns import Ints

MS = 1_000_000

# Half a second of 20 ms frames a block; what was needed in the last 30 s is needed next.
BLOCK_FRAMES = 25
WINDOW_BLOCKS = 60
# The fastest frame of the last 4 s is the zero that delays are measured from: drift and a
# longer route move it.
BASE_BLOCKS = 8
# Under 1 % of the frames may be late; a little less to have some left for surprises. A young
# stream counts as this many frames, so that its first stall alone does not decide.
LATE_BUDGET = 0.007
LEAST_FRAMES = 500
STEP_NS = 5 * MS
MAX_NS = 500 * MS
_BUCKETS = MAX_NS // STEP_NS + 1
_SUPERBLOCK = 512
_FAR = np.iinfo(np.int64).max


class DelayTarget:
    """From blocks of arrival offsets to the delay that keeps late frames within the budget.

    An offset is a frame's arrival less its place in the audio, in nanoseconds; only differences
    between offsets matter. `base_ns` is the least offset of the last 4 s, `needed_ns` (a whole
    number of 5 ms, 500 ms at most) how far beyond it all but 0.7 % of the last 30 s arrived.
    """

    def __init__(self) -> None:
        self.base_ns: int | None = None
        self.needed_ns = 0
        self._minima = np.full(BASE_BLOCKS - 1, _FAR, np.int64)
        # Of the blocks before, none at first: those count as empty.
        self._counts: Ints = np.zeros((0, _BUCKETS), np.int64)

    def add(self, blocks: Ints) -> tuple[Ints, Ints]:
        """Take offsets, shape (blocks, BLOCK_FRAMES); return base and need after each block."""
        parts = [self._add(part) for part in bounded_parts(blocks)]
        bases = np.concatenate([part[0] for part in parts])
        needs = np.concatenate([part[1] for part in parts])
        if bases.size:
            self.base_ns, self.needed_ns = int(bases[-1]), int(needs[-1])
        return bases, needs

    def _add(self, blocks: Ints) -> tuple[Ints, Ints]:
        minima = np.concatenate([self._minima, blocks.min(axis=1, initial=_FAR)])
        bases = np.lib.stride_tricks.sliding_window_view(minima, BASE_BLOCKS).min(axis=1)
        self._minima = minima[1 - BASE_BLOCKS :]
        excess = -((bases[:, None] - blocks) // STEP_NS)
        counts = np.concatenate([self._counts, _counts(np.minimum(excess, _BUCKETS - 1))])
        none_yet = np.zeros((WINDOW_BLOCKS - len(self._counts), _BUCKETS), np.int64)
        self._counts = counts[1 - WINDOW_BLOCKS :]
        total = np.concatenate([none_yet, counts.cumsum(axis=0)])
        window = (total[WINDOW_BLOCKS:] - total[:-WINDOW_BLOCKS]).cumsum(axis=1)
        frames = window[:, -1:]
        allowed = (np.maximum(frames, LEAST_FRAMES) * LATE_BUDGET).astype(np.int64)
        return bases, np.argmax(frames - window <= allowed, axis=1) * STEP_NS


def bounded_parts(blocks: Ints) -> list[Ints]:
    """Parts of a bounded size, at least one."""
    return [blocks[at : at + _SUPERBLOCK] for at in range(0, max(1, len(blocks)), _SUPERBLOCK)]


def _counts(buckets: Ints) -> Ints:
    """A histogram for each row, shape (rows, _BUCKETS)."""
    rows = np.arange(len(buckets))[:, None] * _BUCKETS
    flat = np.bincount((buckets + rows).ravel(), minlength=len(buckets) * _BUCKETS)
    return flat.reshape(len(buckets), _BUCKETS).astype(np.int64)


class Policy(NamedTuple):
    """A playout buffer: `fixed_ms` of delay, or, where that is None, as much as is needed.

    An adaptive one holds `start_ms` for the first 2 s at least, never goes under `least_ms` nor
    over `most_ms`, and adds `margin_ms` for the blocks in which a sound card asks.
    """

    name: str
    fixed_ms: float | None = None
    start_ms: float = 60.0
    least_ms: float = 20.0
    most_ms: float = 500.0
    margin_ms: float = 20.0

    def delay_ns(self, needed_ns: ArrayLike, block: ArrayLike) -> Ints:
        """The delay beyond the base, after so many whole blocks, in nanoseconds."""
        if self.fixed_ms is not None:
            return np.full(np.shape(needed_ns), round(self.fixed_ms * MS), np.int64)
        wanted = np.asarray(needed_ns, np.int64) + round(self.margin_ms * MS)
        young = np.asarray(block) < START_BLOCKS
        least = np.where(young, max(self.start_ms, self.least_ms), self.least_ms) * MS
        return np.clip(wanted, least, self.most_ms * MS).astype(np.int64)


START_BLOCKS = 4
FIXED_60 = Policy("fixed 60 ms", 60.0)
FIXED_120 = Policy("fixed 120 ms", 120.0)
FIXED_200 = Policy("fixed 200 ms", 200.0)
ADAPTIVE = Policy("adaptive")
POLICIES = (FIXED_60, FIXED_120, FIXED_200, ADAPTIVE)
