"""What playout buffers of several kinds would have dropped, foretold from the arrivals alone."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from voipbin_cli.analysis.columns import Blocks, Ints, Mask
from voipbin_cli.analysis.playout.target_delay import (
    BLOCK_FRAMES,
    MS,
    POLICIES,
    DelayTarget,
    Policy,
    bounded_parts,
)

# Late frames kept by their row, so that a hostile stream cannot fill the memory.
_NOTED = 100_000


class Outcome(NamedTuple):
    """What a buffer would have made of the arrivals: frames, those too late, delay it added.

    `late_runs`: how often a row of them was too late, one and more.
    """

    frames: int
    late: int
    late_ratio: float
    mean_delay_ms: float
    late_runs: int = 0


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
        self._late_rows = [array("q") for _ in self._policies]

    def add(self, offsets_ns: Ints) -> None:
        """Take the offsets of a chunk of frames."""
        if self._first is None and offsets_ns.size:
            self._first = offsets_ns[:1].copy()
        self._play(self._offsets.add(offsets_ns))

    def result(self) -> dict[str, Outcome]:
        """By the policies' names; the frames of a block begun count by the delay then due."""
        rest = self._offsets.rest
        frames = self._blocks * BLOCK_FRAMES + rest.size
        outcomes = {}
        for index, policy in enumerate(self._policies):
            late, delay = int(self._late[index]), self._delay[index]
            if rest.size:
                late += int(np.count_nonzero(self._is_late(policy, rest)))
                delay += self._due_ns(policy) * rest.size
            ratio = late / frames if frames else 0.0
            rows = self.late_rows(policy.name)
            runs = int(np.count_nonzero(np.diff(rows) != 1)) + bool(rows.size)
            mean_ms = delay / max(1, frames) / MS
            outcomes[policy.name] = Outcome(frames, late, ratio, mean_ms, runs)
        return outcomes

    def late_rows(self, name: str) -> Ints:
        """Which frames, counted from the first, were too late for one policy."""
        index = next(n for n, policy in enumerate(self._policies) if policy.name == name)
        is_late = self._is_late(self._policies[index], self._offsets.rest)
        rest = self._blocks * BLOCK_FRAMES + np.flatnonzero(is_late)
        return np.concatenate([np.array(self._late_rows[index], np.int64), rest])

    def _is_late(self, policy: Policy, rest: Ints) -> Mask:
        """Which of the frames of a block begun are late by the delay then due."""
        first = self._first if self._first is not None else rest
        base_ns = self._target.base_ns
        base = first[:1] if base_ns is None else np.array([base_ns])
        is_late: Mask = rest > base + self._due_ns(policy) if rest.size else rest > 0
        return is_late

    def _due_ns(self, policy: Policy) -> int:
        return int(policy.delay_ns(self._target.needed_ns, self._blocks))

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
            late = np.flatnonzero(blocks > (bases + delays)[:, None])
            self._late[index] += late.size
            room = _NOTED - len(self._late_rows[index])
            self._late_rows[index].extend((self._blocks * BLOCK_FRAMES + late[:room]).tolist())
            self._delay[index] += int(delays.sum()) * BLOCK_FRAMES
        self._blocks += len(blocks)
