"""What each RTP packet is to those before it: its place (RFC 3550 A.1) and its clock."""

from __future__ import annotations

from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from voipbin_cli.analysis.columns import Ints, Mask, Scalar, before, equal, unequal
from voipbin_cli.analysis.validation.facts.pacing import SAMPLE_BYTES, Past
from voipbin_cli.analysis.validation.facts.rtp_header import RtpHeaderFacts
from voipbin_cli.codec.rtp import MAX_DROPOUT, MAX_MISORDER
from voipbin_cli.codec.serial import difference

# More than all that one stretch of a block can advance: 2**12 packets of MAX_DROPOUT each.
_STRETCH = 1 << 40


class _Order(NamedTuple):
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


class RtpFacts(RtpHeaderFacts):
    """The columns of the header, and those of the sequence."""

    # The sequence

    @cached_property
    def _order(self) -> _Order:
        past = self.past
        at = np.flatnonzero(self.is_packet)
        numbers, sources = self.sequence_number[at], self.ssrc[at]
        step = difference(numbers, before(numbers, past.sequence_number), 16)
        is_new_source = unequal(sources, before(sources, past.ssrc))
        is_jump = (step >= MAX_DROPOUT) | (step <= -MAX_MISORDER)
        is_first = np.zeros(len(at), bool)
        is_first[:1] = past.packets == 0
        is_new_source &= ~is_first
        is_jump &= ~is_first & ~is_new_source
        is_fresh = is_first | is_new_source | is_jump
        # Each stretch lies above all before it, so the running maximum is that of the stretch.
        travelled = np.cumsum(np.where(is_fresh, 0, step))
        start = np.maximum.accumulate(np.where(is_fresh, np.arange(len(at)), -1))
        base = np.where(start >= 0, travelled[start], past.behind)
        place = travelled - base + np.cumsum(is_fresh) * _STRETCH
        highest = np.maximum.accumulate(np.concatenate(([0], place)))
        ahead = np.where(is_fresh, 1, place - highest[:-1])
        return _Order(at, is_fresh, is_new_source, is_jump, ahead, highest[1:] - place)

    def _of_packets(self, values: NDArray[Scalar]) -> NDArray[Scalar]:
        column = np.zeros(len(self.frames), values.dtype)
        column[self._order.at] = values
        return column

    @cached_property
    def is_new_source(self) -> Mask:
        """Its SSRC is not that of the packet before."""
        return self._of_packets(self._order.is_new_source)

    @cached_property
    def is_jump(self) -> Mask:
        """A.1: so far from the packet before that a sender must have begun anew."""
        return self._of_packets(self._order.is_jump)

    @cached_property
    def missing(self) -> Ints:
        """Numbers left out before the packet."""
        return self._of_packets(np.maximum(self._order.ahead - 1, 0))

    @cached_property
    def is_duplicate(self) -> Mask:
        """The highest number so far, once more."""
        return self._of_packets(equal(self._order.ahead, 0))

    @cached_property
    def is_reordered(self) -> Mask:
        """A number below the highest so far."""
        return self._of_packets(self._order.ahead < 0)

    @cached_property
    def is_other_type(self) -> Mask:
        """Its payload type is not that of the packet before, of the same source."""
        order = self._order
        types = self.payload_type[order.at]
        changed = unequal(types, before(types, self.past.payload_type))
        is_first = np.zeros(len(types), bool)
        is_first[:1] = self.past.packets == 0
        return self._of_packets(changed & ~is_first & ~order.is_new_source)

    @cached_property
    def is_fixed_start(self) -> Mask:
        """The first packet, numbered 1 and from SSRC 0, as no random choice has it."""
        start = np.zeros(len(self.frames), bool)
        if not self.past.packets and len(self._order.at):
            first = self._order.at[0]
            start[first] = self.ssrc[first] == 0 and self.sequence_number[first] <= 1
        return start

    # The clock

    @cached_property
    def _advance(self) -> tuple[Ints, Ints, Mask, Ints]:
        """Places of the packets in turn; their timestamp steps, which of them count, the samples.

        A packet out of turn says nothing of the clock, and neither does the first of a stretch.
        """
        order = self._order
        turn = np.flatnonzero(order.ahead > 0)
        at = order.at[turn]
        stamps, types = self.timestamp[at], self.payload_type[at]
        samples = self._clock_samples[at]
        step = difference(stamps, before(stamps, self.past.timestamp), 32)
        before_samples = before(samples, self.past.samples)
        same_type = equal(types, before(types, self.past.samples_payload_type))
        counts = ~order.is_fresh[turn] & (before_samples > 0) & same_type
        return at, step, counts, before_samples * order.ahead[turn]

    @cached_property
    def _clock_samples(self) -> Ints:
        """Samples as the sender counts them: of the codec that is heard, whatever is due."""
        known = self.sample_bytes if self.due.is_datagrams else SAMPLE_BYTES[self.codec]
        counted = self.payload_bytes // np.maximum(known, 1)
        return np.where(self.is_audio & (known > 0), counted, 0)

    @cached_property
    def timestamp_step(self) -> Ints:
        """By how much the timestamp advanced since the packet before in turn."""
        at, step, _, _ = self._advance
        column = np.zeros(len(self.frames), np.int64)
        column[at] = step
        return column

    @cached_property
    def timestamp_due(self) -> Ints:
        """By how much it should have, in samples; 0 where nothing can be said."""
        at, _, counts, due = self._advance
        column = np.zeros(len(self.frames), np.int64)
        column[at] = np.where(counts, due, 0)
        return column

    @cached_property
    def is_counting_bytes(self) -> Mask:
        """The timestamp advances by the bytes of linear audio."""
        twice = equal(self.timestamp_step, 2 * self.timestamp_due)
        return (self.timestamp_due > 0) & twice & equal(SAMPLE_BYTES[self.codec], 2)

    @cached_property
    def is_off_clock(self) -> Mask:
        """It advances by something else; after silence it may jump ahead (RFC 3551 4.1)."""
        wrong = (self.timestamp_due > 0) & unequal(self.timestamp_step, self.timestamp_due)
        after_silence = self.marker & (self.timestamp_step > self.timestamp_due)
        return wrong & ~self.is_counting_bytes & ~after_silence

    def next_past(self) -> Past:
        """Return what the block after this one has to know."""
        past = super().next_past()
        order = self._order
        if len(order.at):
            last = int(order.at[-1])
            past.packets += len(order.at)
            past.ssrc = int(self.ssrc[last])
            past.sequence_number = int(self.sequence_number[last])
            past.payload_type = int(self.payload_type[last])
            past.behind = int(order.behind[-1])
        at = self._advance[0]
        if len(at):
            last = int(at[-1])
            past.timestamp = int(self.timestamp[last])
            past.samples = int(self._clock_samples[last])
            past.samples_payload_type = int(self.payload_type[last])
        return past
