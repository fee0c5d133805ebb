"""What the timestamps of RTP packets count (RFC 3550 5.1)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from voipbin_cli.analysis.columns import Ints, Mask, before, equal, unequal
from voipbin_cli.analysis.headers import RtpHeaders
from voipbin_cli.analysis.validation.facts.rtp_sequence import PacketOrder
from voipbin_cli.codec.serial import difference


@dataclass(frozen=True, slots=True)
class ClockPast:
    """What a block has to know of the last packet in turn before it."""

    timestamp: int = 0
    samples: int = 0
    payload_type: int = 0


class _Advance(NamedTuple):
    """The packets in turn: their places in the block, and the steps of their timestamps.

    `due` is what each step should be in samples, 0 where nothing can be said.
    """

    at: Ints
    step: Ints
    due: Ints


class ClockFacts:
    """Columns of the timestamps; of what is no packet they are zero.

    `samples` are those of each packet as its sender counts them, of `sample_bytes` each.
    """

    def __init__(
        self,
        packets: RtpHeaders,
        order: PacketOrder,
        samples: Ints,
        is_linear: Mask,
        past: ClockPast,
    ) -> None:
        self._packets = packets
        self._order = order
        self._samples = samples
        self._is_linear = is_linear
        self._past = past

    @cached_property
    def _advance(self) -> _Advance:
        """Packets out of turn say nothing of the clock, and neither does the first of a stretch."""
        turn = np.flatnonzero(self._order.ahead > 0)
        at = self._order.at[turn]
        stamps, types = self._packets.timestamp[at], self._packets.payload_type[at]
        step = difference(stamps, before(stamps, self._past.timestamp), 32)
        samples = before(self._samples[at], self._past.samples)
        same_type = equal(types, before(types, self._past.payload_type))
        counts = ~self._order.is_fresh[turn] & (samples > 0) & same_type
        return _Advance(at, step, np.where(counts, samples * self._order.ahead[turn], 0))

    def _of_messages(self, values: Ints) -> Ints:
        """A column of all messages from one of the packets in turn."""
        column = np.zeros(len(self._packets.messages), np.int64)
        column[self._advance.at] = values
        return column

    @cached_property
    def step(self) -> Ints:
        """By how much the timestamp advanced since the packet before in turn."""
        return self._of_messages(self._advance.step)

    @cached_property
    def due(self) -> Ints:
        """By how much it should have, in samples; 0 where nothing can be said."""
        return self._of_messages(self._advance.due)

    @cached_property
    def is_counting_bytes(self) -> Mask:
        """The timestamp advances by the bytes of linear audio."""
        return (self.due > 0) & equal(self.step, 2 * self.due) & self._is_linear

    @cached_property
    def is_off(self) -> Mask:
        """It advances by something else; after silence it may jump ahead (RFC 3551 4.1)."""
        wrong = (self.due > 0) & unequal(self.step, self.due)
        after_silence = self._packets.marker & (self.step > self.due)
        return wrong & ~self.is_counting_bytes & ~after_silence

    @property
    def end(self) -> ClockPast:
        """What the block after this one has to know."""
        at = self._advance.at
        if not len(at):
            return self._past
        last = int(at[-1])
        return ClockPast(
            timestamp=int(self._packets.timestamp[last]),
            samples=int(self._samples[last]),
            payload_type=int(self._packets.payload_type[last]),
        )
