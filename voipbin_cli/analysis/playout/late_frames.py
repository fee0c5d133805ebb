"""What playout buffers of several kinds would have dropped, foretold from the arrivals alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from voipbin_cli.analysis.columns import Blocks, Ints
from voipbin_cli.analysis.playout.target_delay import (
    BLOCK_FRAMES,
    MS,
    POLICIES,
    DelayTarget,
    Policy,
    bounded_parts,
)


class Outcome(NamedTuple):
    """What a buffer would have made of the arrivals: frames, those too late, delay it added."""

    frames: int
    late: int
    late_ratio: float
    mean_delay_ms: float


class BufferFold:
    """What each policy would have dropped, over frames in order of arrival.

    An offset is a frame's arrival less its place on the listener's clock, in nanoseconds:
    audio that never came counts as time that passed, and makes no later frame late. Which that
    is `arrivals.pause_fold` tells.
    """

    def __init__(self, policies: Sequence[Policy] = POLICIES) -> None:
        self._policies = tuple(policies)
        self._target = DelayTarget()
        self._offsets: Blocks[np.int64] = Blocks(BLOCK_FRAMES, np.int64)
        self._first: Ints | None = None
        self._blocks = 0
        self._late = np.zeros(len(self._policies), np.int64)
        self._delay = [0] * len(self._policies)

    def add(self, offsets_ns: Ints) -> None:
        """Take the offsets of a chunk of frames."""
        if self._first is None and offsets_ns.size:
            self._first = offsets_ns[:1].copy()
        self._play(self._offsets.add(offsets_ns))

    def result(self) -> dict[str, Outcome]:
        """By the policies' names; the frames of a block begun count by the delay then due."""
        rest = self._offsets.rest
        frames = self._blocks * BLOCK_FRAMES + rest.size
        first = self._first if self._first is not None else rest[:1]
        outcomes = {}
        for index, policy in enumerate(self._policies):
            late, delay = int(self._late[index]), self._delay[index]
            if rest.size:
                base = self._target.base_ns if self._target.base_ns is not None else int(first[0])
                due = int(policy.delay_ns(self._target.needed_ns, self._blocks))
                late += int(np.count_nonzero(rest > base + due))
                delay += due * rest.size
            ratio = late / frames if frames else 0.0
            outcomes[policy.name] = Outcome(frames, late, ratio, delay / max(1, frames) / MS)
        return outcomes

    def _play(self, blocks: Ints) -> None:
        for part in bounded_parts(blocks):
            if len(part):
                self._play_part(part)

    def _play_part(self, blocks: Ints) -> None:
        """Each block is played by what was known before it."""
        assert self._first is not None
        base = self._first if self._target.base_ns is None else np.array([self._target.base_ns])
        need = np.array([self._target.needed_ns])
        bases, needs = self._target.add(blocks)
        bases = np.concatenate([base, bases[:-1]])
        needs = np.concatenate([need, needs[:-1]])
        numbers = self._blocks + np.arange(len(blocks))
        for index, policy in enumerate(self._policies):
            delays = policy.delay_ns(needs, numbers)
            self._late[index] += np.count_nonzero(blocks > (bases + delays)[:, None])
            self._delay[index] += int(delays.sum()) * BLOCK_FRAMES
        self._blocks += len(blocks)
