"""The place of each row in the audio, and its time by the stream's own clock."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from voipbin_cli.analysis.arrivals.arrival_log import Arrivals, Begins
from voipbin_cli.analysis.columns import Ints, before, wrapped_steps
from voipbin_cli.analysis.pauses import ANY_LENGTH_NS, GAP_NS
from voipbin_cli.codec.codecs import SAMPLE_RATE_HZ
from voipbin_cli.codec.encapsulation import Encapsulation
from voipbin_cli.codec.rtp import MAX_DROPOUT

NS_PER_SAMPLE = 1_000_000_000 // SAMPLE_RATE_HZ
# A timestamp more than a minute from that of the packet before is wrong, and not used.
_MAX_STEP_NS = 60_000_000_000
# One that goes back, or this much further on than time did, begins to count anew.
_JUMP_NS = 1_000_000_000
# What counts slower or faster is no RTP clock.
_LEAST_HZ, _MOST_HZ = 1000, 200_000


class Placed(NamedTuple):
    """Columns of rows in order of arrival, in nanoseconds where not said otherwise.

    `gap` is the time since the row before. `own` is a row's own length, `place` where in the
    audio it belongs. `ticks` is what the stream's clock counts, unwrapped; `steps` by how much
    the sequence number is ahead of the one before, 1 where there is none. `meant` is for how long
    the sender says that it was silent before a row, ANY_LENGTH_NS where it does not say; of that
    `told` is what its timestamps say and the arrivals agree to. `begins` are those of the rows,
    and where the timestamps begin anew. `is_fresh`: the first row is the stream's first, or that
    of another connection, and its gap means nothing.
    """

    time: Ints
    gap: Ints
    own: Ints
    place: Ints
    ticks: Ints
    steps: Ints
    meant: Ints
    told: Ints
    begins: Ints
    is_fresh: bool

    def chosen(self, which: slice) -> Placed:
        """A part of the rows."""
        is_fresh = self.is_fresh and not which.start
        return Placed._make([*(column[which] for column in self[:-1]), is_fresh])


def joined(first: Placed, second: Placed) -> Placed:
    """The rows of both, in that order."""
    columns = map(np.concatenate, zip(first[:-1], second[:-1], strict=True))
    return Placed._make([*columns, first.is_fresh])


class _Said(NamedTuple):
    """What timestamps say: silence before a row (ns), where they begin anew, their rate."""

    silent: Ints
    begins: Ints
    ticks_per_ns: float


class _Last(NamedTuple):
    """The latest row, from which the next one is placed."""

    time_ns: int
    own_ns: int
    place_ns: int
    ticks: int
    sequence_number: int
    timestamp: int
    ticks_per_ns: float  # of the timestamp; 0 until it is known


class Placer:
    """Places rows one after the other, with a gap for each number that is missing.

    `clock_hz` is the RTP clock of `is_datagrams` where it is known: there timestamps, and not
    the numbers, tell how much audio there is. `is_video`: pictures come in the order in which they
    are decoded, so that their timestamps go back a little (RFC 6184 5.1).
    """

    def __init__(
        self,
        encapsulation: Encapsulation,
        *,
        is_datagrams: bool,
        clock_hz: int | None,
        is_video: bool = False,
    ) -> None:
        self._least_ns = -_JUMP_NS if is_video else 0
        self._is_rtp = encapsulation is Encapsulation.RTP
        self._told_hz = clock_hz if is_datagrams else None
        self._last: _Last | None = None
        self.is_new = False

    @property
    def last_ns(self) -> int | None:
        """The arrival of the latest row, None before the first."""
        return self._last.time_ns if self._last else None

    @property
    def last_own_ns(self) -> int:
        """The length of the latest row."""
        return self._last.own_ns if self._last else 0

    def restart(self) -> None:
        """The next row is the first of another connection, whose numbers and clock begin anew."""
        self.is_new = True

    def place(self, rows: Arrivals, own: Ints, clock_hz: int | None) -> Placed:
        """Place rows that are so long (ns) each; `clock_hz` is the RTP clock once it is known."""
        is_fresh = self._last is None or self.is_new
        earlier = rows.time_ns[0] if self._last is None or is_fresh else self._last.time_ns
        gap = np.maximum(np.diff(rows.time_ns, prepend=earlier), 0)
        steps = self._sequence_steps(rows)
        stamps = self._timestamp_steps(rows)
        media = before(own, own[0] if self._last is None else self._last.own_ns) * steps
        said = self._stamped(rows, steps, stamps, media, gap)
        place = self._places(rows, media, stamps, gap, said.begins)
        ticks = self._ticks(rows, place, stamps, said.begins, clock_hz or SAMPLE_RATE_HZ)
        self._last = _Last(
            time_ns=int(rows.time_ns[-1]),
            own_ns=int(own[-1]),
            place_ns=int(place[-1]),
            ticks=int(ticks[-1]),
            sequence_number=int(rows.sequence_number[-1]),
            timestamp=int(rows.timestamp[-1]),
            ticks_per_ns=said.ticks_per_ns,
        )
        self.is_new = False
        meant = np.where(rows.resumes, ANY_LENGTH_NS, said.silent)
        told = np.where(2 * gap >= said.silent, said.silent, 0)
        return Placed(
            rows.time_ns, gap, own, place, ticks, steps, meant, told, said.begins, is_fresh
        )

    def _sequence_steps(self, rows: Arrivals) -> Ints:
        if not self._is_rtp:
            return np.ones(len(rows), np.int64)
        numbers = rows.sequence_number
        before = numbers[0] - 1 if self._last is None or self.is_new else self._last.sequence_number
        steps = wrapped_steps(np.concatenate([[before], numbers]), 16)
        steps[(np.abs(steps) >= MAX_DROPOUT) | (rows.begins > 0)] = 1
        return steps

    def _timestamp_steps(self, rows: Arrivals) -> Ints:
        if not self._is_rtp:
            return np.empty(0, np.int64)
        before = rows.timestamp[0] if self._last is None else self._last.timestamp
        return wrapped_steps(np.concatenate([[before], rows.timestamp]), 32)

    def _stamped(self, rows: Arrivals, steps: Ints, stamps: Ints, media: Ints, gap: Ints) -> _Said:
        """What the timestamps say of each row, at the rate at which they counted before it."""
        rate = self._last.ticks_per_ns if self._last else 0.0
        none = np.zeros(len(rows), np.int64)
        if not self._is_rtp:
            return _Said(none, rows.begins, rate)
        is_first = none > 0
        is_first[0] = self._last is None or self.is_new
        usable = (steps > 0) & (media > 0) & ~is_first & (rows.begins == 0)
        rates = np.divide(stamps, media, out=np.zeros(len(rows)), where=usable)
        counts = (rates >= _LEAST_HZ / 1e9) & (rates <= _MOST_HZ / 1e9)
        # At each row the rate of the latest row before it that had one.
        latest = np.maximum.accumulate(np.where(counts, np.arange(len(rows)), -1))
        known = np.where(latest >= 0, rates[latest], rate)
        usual = before(known, 0)
        usual[0] = rate
        spans = np.divide(stamps, usual, out=media.astype(np.float64), where=usual > 0)
        usable &= usual > 0
        anew = usable & ((spans < self._least_ns) | (spans > np.maximum(gap, media) + _JUMP_NS))
        silent = usable & ~anew & (steps == 1) & (spans >= 1.5 * media)
        begins = rows.begins | np.where(anew, int(Begins.TIMESTAMP), 0)
        return _Said(np.where(silent, spans - media, 0).astype(np.int64), begins, float(known[-1]))

    def _places(self, rows: Arrivals, media: Ints, stamps: Ints, gap: Ints, begins: Ints) -> Ints:
        last = self._last
        advance: Ints = media.copy()
        if self._told_hz:
            told = stamps * 1_000_000_000 // self._told_hz
            advance = np.where(np.abs(told) < _MAX_STEP_NS, told, advance)
        # Between what ended and what begins anew there was nothing, for as long as it took.
        anew = (begins & ~Begins.LABEL) > 0
        advance = np.where(anew, np.where(gap > GAP_NS, gap, media), advance)
        if last is None:
            advance[0] = 0
            return np.cumsum(advance)
        if self.is_new:
            advance[0] = rows.time_ns[0] - last.time_ns
        return last.place_ns + np.cumsum(advance)

    def _ticks(
        self, rows: Arrivals, place: Ints, stamps: Ints, begins: Ints, clock_hz: int
    ) -> Ints:
        """What the stream's clock counts: unwrapped RTP timestamps, else samples."""
        if not self._is_rtp:
            return place // NS_PER_SAMPLE
        last = self._last
        # A new source has a clock of its own: the ticks go on by the time between arrivals.
        earlier = rows.time_ns[0] if last is None else last.time_ns
        passed = np.diff(rows.time_ns, prepend=earlier) * clock_hz // 1_000_000_000
        anew = (begins & ~Begins.LABEL) > 0
        anew[0] |= self.is_new
        stamps = np.where(anew, passed, stamps)
        return (0 if last is None else last.ticks) + np.cumsum(stamps)
