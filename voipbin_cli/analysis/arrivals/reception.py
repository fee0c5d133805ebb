"""Sequence accounting of RTP reception: RFC 3550 appendices A.1 and A.3."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from voipbin_cli.analysis.columns import Ints, Mask, wrapped_steps
from voipbin_cli.codec.rtp import MAX_DROPOUT, MAX_MISORDER
from voipbin_cli.codec.serial import difference

# A.1: so many packets in sequence make a source valid.
MIN_SEQUENTIAL = 2
SEQUENCE_BITS = 16

# Which of the last 128 numbers were seen: A.1 accepts none that is MAX_MISORDER (100) behind the
# highest or more.
_WINDOW = 128
_WINDOW_MASK = (1 << _WINDOW) - 1
# Numbers judged at once, if A.1 accepts every one of them: else one by one.
_BLOCK = 4096


class Reception(NamedTuple):
    """What the sequence numbers say. All of these are counts of packets.

    `base` … `lost` are RFC 3550's own, since the source's last (re)start: `expected` =
    `extended_highest` - `base` + 1, `lost` = `expected` - `received`, negative where duplicates
    outnumber losses. `base` and `extended_highest` are None before the source is valid.

    The others cover the whole stream, restarts included: `total_expected` and `total_received`
    sum over all starts; `missing` numbers never came; a `duplicate` number came before; a
    `reordered` packet came after a higher number, for the first time; a `late` one came so far
    behind (100 to 2999 numbers) that A.1 refuses it; `refused` counts all that A.1 refused, the
    late, the probation's and the jumps; `restarts` are jumps that the next packet confirmed.
    `skipped` are numbers left out from one packet of the probation to the next.
    """

    base: int | None
    extended_highest: int | None
    expected: int
    received: int
    lost: int
    missing: int
    duplicate: int
    reordered: int
    late: int
    refused: int
    restarts: int
    total_expected: int
    total_received: int
    skipped: int = 0

    @property
    def is_unproven(self) -> bool:
        """No packet ever had the number after the one before: A.1 takes none of them."""
        return not self.total_received and self.refused > 1

    @property
    def is_stuck(self) -> bool:
        """None was ahead of that number either: it stands still, or goes backwards."""
        return self.is_unproven and not self.skipped

    @property
    def is_whole(self) -> bool:
        """Nothing was lost after the numbers were given: none is missing, and none begins anew."""
        return not (self.missing or self.restarts)

    def after(self, earlier: Reception) -> Reception:
        """The same after an earlier connection's: the counts add up."""
        sums = {name: getattr(self, name) + getattr(earlier, name) for name in self._fields[2:]}
        return self._replace(**sums)


class SequenceFold:
    """RFC 3550 A.1 and A.3 over sequence numbers in order of arrival, with probation."""

    def __init__(self) -> None:
        self._valid = False
        self._probation = MIN_SEQUENTIAL
        # A.1's max_seq + 1 during probation, and its bad_seq: where a number in sequence would be.
        self._follower: int | None = None
        self._bad: int | None = None
        self._base = 0
        self._highest = 0
        self._received = 0
        self._distinct = 0
        # Bit n: the number n behind the highest has been seen.
        self._seen = 0
        self._finished_expected = 0
        self._finished_received = 0
        self._finished_missing = 0
        self._duplicate = 0
        self._reordered = 0
        self._late = 0
        self._refused = self._skipped = 0
        self._restarts = 0

    def add(self, sequence_numbers: ArrayLike) -> None:
        """Take a chunk of sequence numbers (0 to 65535) in order of arrival."""
        numbers = np.asarray(sequence_numbers, np.int64).ravel()
        for start in range(0, numbers.size, _BLOCK):
            block = numbers[start : start + _BLOCK]
            if not (self._valid and self._add_block(block)):
                for number in block.tolist():
                    self.add_one(number)

    def add_one(self, sequence_number: int) -> None:
        """Take one sequence number (0 to 65535)."""
        if not self._valid:
            self._prove(sequence_number)
            return
        # A.1: udelta = seq - max_seq, here signed: -x stands for RTP_SEQ_MOD - x. "in order, with
        # permissible gap" is udelta < MAX_DROPOUT, "duplicate or reordered packet" is
        # udelta > RTP_SEQ_MOD - MAX_MISORDER, and in between "the sequence number made a very
        # large jump".
        ahead = difference(sequence_number, self._highest, SEQUENCE_BITS)
        if -MAX_MISORDER < ahead < MAX_DROPOUT:
            self._accept(ahead)
        else:
            self._jump(sequence_number, ahead)

    def restart(self) -> None:
        """The source is known to begin anew with the next number, or another is heard."""
        self._finish()
        self._restarts += 1
        self._valid, self._probation, self._follower = False, MIN_SEQUENTIAL, None

    def _finish(self) -> None:
        self._finished_expected += self._expected()
        self._finished_received += self._received
        self._finished_missing += self._expected() - self._distinct
        self._received = self._distinct = 0

    def result(self) -> Reception:
        """The figures so far."""
        expected = self._expected()
        return Reception(
            base=self._base if self._valid else None,
            extended_highest=self._highest if self._valid else None,
            expected=expected,
            received=self._received,
            lost=expected - self._received,
            missing=self._finished_missing + expected - self._distinct,
            duplicate=self._duplicate,
            reordered=self._reordered,
            late=self._late,
            refused=self._refused,
            restarts=self._restarts,
            total_expected=self._finished_expected + expected,
            total_received=self._finished_received + self._received,
            skipped=self._skipped,
        )

    def _expected(self) -> int:
        # A.3: expected = extended_max - base_seq + 1.
        return self._highest - self._base + 1 if self._valid else 0

    def _prove(self, number: int) -> None:
        """A.1's probation: the source is valid once MIN_SEQUENTIAL packets came in sequence."""
        # A.1, while probation lasts: a packet in sequence counts it down, any other begins it anew.
        ahead = 0
        if self._follower is not None:
            ahead = difference(number, self._follower, SEQUENCE_BITS)
        follows = self._follower is not None and not ahead
        self._skipped += ahead if 0 < ahead < MAX_DROPOUT else 0
        self._probation = self._probation - 1 if follows else MIN_SEQUENTIAL - 1
        self._follower = number + 1
        if self._probation == 0:
            self._start(number)
        else:
            self._refused += 1

    def _start(self, number: int) -> None:
        """A.1's init_seq, at the second of two packets in sequence."""
        self._valid = True
        self._bad = None
        self._base = self._highest = number
        self._received = self._distinct = 1
        # The number before was seen too, though A.1 does not count it.
        self._seen = 0b11

    def _jump(self, number: int, ahead: int) -> None:
        """A number that A.1 does not accept, unless it confirms the jump before it."""
        # A.1: "Two sequential packets -- assume that the other side restarted without telling us so
        # just re-sync (i.e., pretend this was the first packet)."
        if self._bad is not None and _same(number, self._bad):
            self._finish()
            self._restarts += 1
            self._start(number)
            return
        self._bad = number + 1
        self._refused += 1
        self._late += -MAX_DROPOUT < ahead < 0

    def _accept(self, ahead: int) -> None:
        """Count a packet `ahead` of the highest number, or behind it where negative."""
        # A.3: what is received includes any late or duplicate packets, so that `lost` may be
        # negative.
        self._received += 1
        if ahead > 0:
            self._highest += ahead
            self._distinct += 1
            self._seen = ((self._seen << ahead) | 1) & _WINDOW_MASK if ahead < _WINDOW else 1
        elif self._seen >> -ahead & 1:
            self._duplicate += 1
        else:
            self._seen |= 1 << -ahead
            self._reordered += 1
            # A number below the base was never expected.
            self._distinct += self._highest + ahead >= self._base

    def _add_block(self, block: Ints) -> bool:
        """Count a block at once if A.1 accepts all of it; else change nothing and return False."""
        steps = wrapped_steps(np.concatenate([[self._highest], block]), SEQUENCE_BITS)
        extended = self._highest + np.cumsum(steps)
        highest = np.maximum.accumulate(np.concatenate([[self._highest], extended]))
        ahead = extended - highest[:-1]
        if ahead.min() <= -MAX_MISORDER or ahead.max() >= MAX_DROPOUT:
            return False
        in_order = int(np.count_nonzero(ahead > 0))
        fresh = self._mark(extended, int(highest[-1]), all_in_order=in_order == block.size)
        self._received += block.size
        self._reordered += fresh - in_order
        self._duplicate += block.size - fresh
        return True

    def _mark(self, extended: Ints, top: int, *, all_in_order: bool) -> int:
        """Mark numbers as seen in a presence array; return how many were new."""
        floor = self._highest - _WINDOW + 1
        present = np.zeros(top - floor + 1, np.bool_)
        present[:_WINDOW] = _bits(self._seen)
        before_base = int(np.count_nonzero(present[: max(0, self._base - floor)]))
        before = int(np.count_nonzero(present))
        present[extended - floor] = True
        fresh = extended.size if all_in_order else int(np.count_nonzero(present)) - before
        old = int(np.count_nonzero(present[: max(0, self._base - floor)])) - before_base
        self._distinct += fresh - old
        self._highest = top
        self._seen = int.from_bytes(np.packbits(present[-_WINDOW:]).tobytes(), "big")
        return fresh


def _same(number: int, wanted: int) -> bool:
    return difference(number, wanted, SEQUENCE_BITS) == 0


def _bits(seen: int) -> Mask:
    """The window's bits, oldest number first."""
    packed = np.frombuffer(seen.to_bytes(_WINDOW // 8, "big"), np.uint8)
    return np.unpackbits(packed).astype(np.bool_)
