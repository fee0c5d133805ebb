"""What the rules know of a block of messages: its content, and when it came."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

import numpy as np

from voipbin_cli.analysis.columns import Floats, Ints, Mask, before
from voipbin_cli.analysis.validation.facts.content import (
    CODECS,
    MAX_PAYLOAD_BYTES,
    MISALIGNED,
    SAMPLE_BYTES,
    ContentFacts,
    Past,
    code_of,
)

__all__ = [
    "CODECS",
    "MAX_PAYLOAD_BYTES",
    "MISALIGNED",
    "SAMPLE_BYTES",
    "BlockFacts",
    "MessageFacts",
    "Past",
    "code_of",
]

_QUICK_NS = 2_000_000


class BlockFacts(ContentFacts):
    """Content and pacing; of SLN these are all there are."""

    @cached_property
    def is_timed(self) -> Mask:
        """An audio message whose time and length are known."""
        return (self.frames.time_ns >= 0) & (self.duration_ns > 0)

    @cached_property
    def _timed(self) -> Ints:
        return np.flatnonzero(self.is_timed)

    @cached_property
    def _gaps(self) -> Ints:
        """Nanoseconds since the timed message before, of the timed ones alone."""
        times = self.frames.time_ns[self._timed]
        gaps = times - before(times, self.past.time_ns)
        if len(gaps) and not self.past.is_timed:
            gaps[0] = 0
        return gaps.clip(0)

    @cached_property
    def _queue(self) -> tuple[Ints, Ints]:
        """Audio still unplayed when each timed message came, and how long none had been there.

        Lindley's recursion W = max(0, W + X), by cumulative sums.
        """
        durations = self.duration_ns[self._timed]
        steps = before(durations, 0) - self._gaps
        level = self.past.queued_ns + np.cumsum(steps)
        lowest = np.minimum.accumulate(np.minimum(level, 0)) if len(level) else level
        dry = before(lowest, 0) - lowest
        if len(dry) and not self.past.is_timed:
            dry[0] = 0
        return level - lowest, dry

    def _spread(self, values: Ints) -> Ints:
        """A column of all messages from one of the timed ones."""
        column = np.zeros(len(self.frames), np.int64)
        column[self._timed] = values
        return column

    @cached_property
    def gap_ms(self) -> Floats:
        """Milliseconds since the audio message before."""
        return self._spread(self._gaps) / 1e6

    @cached_property
    def lead_ms(self) -> Floats:
        """How far ahead of its time the message came, in ms."""
        return self._spread(self._queue[0]) / 1e6

    @cached_property
    def dry_ms(self) -> Floats:
        """How long there was nothing left to play before the message came, in ms."""
        return self._spread(self._queue[1]) / 1e6

    @cached_property
    def is_cut(self) -> Mask:
        """Sound before or after: a pause there would be heard."""
        timed = self._timed
        still = self.is_still[timed]
        cut = np.zeros(len(self.frames), bool)
        cut[timed] = ~still | ~before(still, self.past.was_still)
        return cut

    @cached_property
    def quick(self) -> Ints:
        """How many messages in a row came within 2 ms of the one before, this one counted."""
        is_quick = self._gaps <= _QUICK_NS
        if len(is_quick) and not self.past.is_timed:
            is_quick[0] = False
        place = np.arange(len(is_quick))
        broken = np.maximum.accumulate(np.where(is_quick, -1, place)) if len(place) else place
        run = np.where(broken < 0, place + 1 + self.past.quick, place - broken)
        return self._spread(run)

    # What comes after

    def next_past(self) -> Past:
        """Return what the block after this one has to know."""
        past = Past(**{name: getattr(self.past, name) for name in Past.__slots__})
        past.frames += len(self.frames)
        if len(self._timed):
            last = int(self._timed[-1])
            past.is_timed = True
            past.time_ns = int(self.frames.time_ns[last])
            past.queued_ns = int(self._queue[0][-1]) + int(self.duration_ns[last])
            past.quick = int(self.quick[last])
            past.was_still = bool(self.is_still[last])
        return past


class MessageFacts(Mapping[str, Any]):
    """The facts of one message by name, for the words of a rule's message."""

    def __init__(self, facts: BlockFacts, n: int) -> None:
        self._facts, self._n = facts, n

    def __getitem__(self, name: str) -> Any:
        value = getattr(self._facts, name)
        return value[self._n] if isinstance(value, np.ndarray) else value

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0
