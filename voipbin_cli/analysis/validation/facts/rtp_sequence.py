"""What each RTP packet is to those before it: its place in the sequence (RFC 3550 A.1)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from voipbin_cli.analysis.columns import Ints, Mask, Scalar, before, equal, unequal
from voipbin_cli.analysis.headers import RtpHeaders
from voipbin_cli.analysis.validation.facts.payload import BLOCK_FRAMES
from voipbin_cli.codec.rtp import MAX_DROPOUT, MAX_MISORDER
from voipbin_cli.codec.serial import difference

# More than all that one stretch of a block can advance: 2**12 packets of MAX_DROPOUT each.
_STRETCH = 1 << 40


@dataclass(frozen=True, slots=True)
class SequencePast:
    """What a block has to know of the last packet before it; `is_none` where there was none.

    `behind`: so many numbers it was below the highest of its stretch. `payload_type` is that of
    the last packet of audio, `first_type` of the first one.
    """

    is_none: bool = True
    ssrc: int = 0
    sequence_number: int = 0
    payload_type: int | None = None
    first_type: int | None = None
    behind: int = 0
    was_relabelled: bool = False


class PacketOrder(NamedTuple):
    """The packets with a readable header, and how each stands to the highest number so far.

    `at` are their places in the block; `is_fresh` begins a stretch: the first packet, a new
    source, or a jump. `ahead` is 1 for the next number in turn, 0 for the same one again.
    """

    at: Ints
    is_fresh: Mask
    is_new_source: Mask
    is_jump: Mask
    ahead: Ints
    behind: Ints


class SequenceFacts:
    """Columns of the sequence; of what is no packet they are zero."""

    def __init__(self, packets: RtpHeaders, past: SequencePast) -> None:
        self._packets = packets
        self._past = past

    @cached_property
    def order(self) -> PacketOrder:
        """The packets alone, in the order in which they came."""
        past = self._past
        at = np.flatnonzero(self._packets.is_packet)
        numbers, sources = self._packets.sequence_number[at], self._packets.ssrc[at]
        step = difference(numbers, before(numbers, past.sequence_number), 16)
        is_first = self._is_first(at)
        is_new_source = unequal(sources, before(sources, past.ssrc)) & ~is_first
        is_jump = (step >= MAX_DROPOUT) | (step <= -MAX_MISORDER)
        is_jump &= ~is_first & ~is_new_source
        is_fresh = is_first | is_new_source | is_jump
        # Each stretch lies above all before it, so the running maximum is that of the stretch.
        travelled = np.cumsum(np.where(is_fresh, 0, step))
        start = np.maximum.accumulate(np.where(is_fresh, np.arange(len(at)), -1))
        base = np.where(start >= 0, travelled[start], past.behind)
        place = travelled - base + np.cumsum(is_fresh) * _STRETCH
        highest = np.maximum.accumulate(np.concatenate(([0], place)))
        ahead = np.where(is_fresh, 1, place - highest[:-1])
        return PacketOrder(at, is_fresh, is_new_source, is_jump, ahead, highest[1:] - place)

    def _is_first(self, at: Ints) -> Mask:
        """Of the packets, the first one of the stream."""
        first = np.zeros(len(at), bool)
        first[:1] = self._past.is_none
        return first

    def _of_messages(self, values: NDArray[Scalar]) -> NDArray[Scalar]:
        """A column of all messages from one of the packets."""
        column = np.zeros(len(self._packets.messages), values.dtype)
        column[self.order.at] = values
        return column

    @cached_property
    def is_new_source(self) -> Mask:
        """Its SSRC is not that of the packet before."""
        return self._of_messages(self.order.is_new_source)

    @cached_property
    def is_jump(self) -> Mask:
        """A.1: so far from the packet before that a sender must have begun anew."""
        return self._of_messages(self.order.is_jump)

    @cached_property
    def missing(self) -> Ints:
        """Numbers left out before the packet."""
        return self._of_messages(np.maximum(self.order.ahead - 1, 0))

    @cached_property
    def is_duplicate(self) -> Mask:
        """The highest number so far, once more."""
        return self._of_messages(equal(self.order.ahead, 0))

    @cached_property
    def is_reordered(self) -> Mask:
        """A number below the highest so far."""
        return self._of_messages(self.order.ahead < 0)

    @cached_property
    def _heard(self) -> Ints:
        """Of the packets, those of audio: comfort noise and events have types of their own."""
        return np.flatnonzero(~self._packets.is_aside[self.order.at])

    @cached_property
    def is_other_type(self) -> Mask:
        """Its payload type is not that of the audio before, of the same source."""
        at = self.order.at[self._heard]
        types = self._packets.payload_type[at]
        past = self._past.payload_type
        earlier = before(types, past if past is not None else int(types[0]) if len(at) else 0)
        column = np.zeros(len(self._packets.messages), bool)
        column[at] = unequal(types, earlier) & ~self.order.is_new_source[self._heard]
        return column

    @cached_property
    def is_relabelled(self) -> Mask:
        """Its payload type is not that of the first audio of the stream."""
        first = self._first_type
        if first is None:
            return np.zeros(len(self._packets.messages), bool)
        return self._packets.is_audio & unequal(self._packets.payload_type, first)

    @cached_property
    def keeps_type(self) -> Mask:
        """No audio had another payload type before, or has one in this block."""
        blocks = np.arange(len(self.is_relabelled)) // BLOCK_FRAMES
        relabelled = np.bincount(blocks, self.is_relabelled).astype(np.int64)
        changed = np.cumsum(relabelled)[blocks]
        return equal(changed, 0) & (not self._past.was_relabelled)

    @property
    def _first_type(self) -> int | None:
        if self._past.first_type is not None or not len(self._heard):
            return self._past.first_type
        return int(self._packets.payload_type[self.order.at[self._heard[0]]])

    @cached_property
    def is_fixed_start(self) -> Mask:
        """The first packet, numbered 0 or 1 and from SSRC 0, as no random choice has it."""
        first = self.order.at[: int(self._past.is_none)]
        column = np.zeros(len(self._packets.messages), bool)
        column[first] = equal(self._packets.ssrc[first], 0)
        column[first] &= self._packets.sequence_number[first] <= 1
        return column

    @property
    def end(self) -> SequencePast:
        """What the block after this one has to know."""
        order, packets = self.order, self._packets
        if not len(order.at):
            return self._past
        last, heard = int(order.at[-1]), order.at[self._heard]
        latest = int(packets.payload_type[heard[-1]]) if len(heard) else self._past.payload_type
        return SequencePast(
            is_none=False,
            ssrc=int(packets.ssrc[last]),
            sequence_number=int(packets.sequence_number[last]),
            payload_type=latest,
            first_type=self._first_type,
            behind=int(order.behind[-1]),
            was_relabelled=bool(self._past.was_relabelled or self.is_relabelled.any()),
        )
