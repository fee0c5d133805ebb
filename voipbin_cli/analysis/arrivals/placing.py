"""The place of each row in the audio, and its time by the stream's own clock."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from voipbin_cli.analysis.arrivals.arrival_log import Arrivals
from voipbin_cli.analysis.columns import Ints, before, wrapped_steps
from voipbin_cli.codec.codecs import SAMPLE_RATE_HZ
from voipbin_cli.codec.encapsulation import Encapsulation
from voipbin_cli.codec.rtp import MAX_DROPOUT

NS_PER_SAMPLE = 1_000_000_000 // SAMPLE_RATE_HZ
# A timestamp more than a minute from that of the packet before is wrong, and not used.
_MAX_STEP_NS = 60_000_000_000


class Placed(NamedTuple):
    """Columns of rows in order of arrival, in nanoseconds where not said otherwise.

    `gap` is the time since the row before. `own` is a row's own length, `place` where in the
    audio it belongs. `ticks` is what the stream's clock counts, unwrapped; `steps` by how much
    the sequence number is ahead of the one before, 1 where there is none. `is_fresh`: the first
    row is the stream's first, or that of another connection, and its gap means nothing.
    """

    time: Ints
    gap: Ints
    own: Ints
    place: Ints
    ticks: Ints
    steps: Ints
    is_fresh: bool

    def chosen(self, which: slice) -> Placed:
        """A part of the rows."""
        is_fresh = self.is_fresh and not which.start
        return Placed._make([*(column[which] for column in self[:-1]), is_fresh])


def joined(first: Placed, second: Placed) -> Placed:
    """The rows of both, in that order."""
    columns = map(np.concatenate, zip(first[:-1], second[:-1], strict=True))
    return Placed._make([*columns, first.is_fresh])


class _Last(NamedTuple):
    """The latest row, from which the next one is placed."""

    time_ns: int
    own_ns: int
    place_ns: int
    ticks: int
    sequence_number: int
    timestamp: int


class Placer:
    """Places rows one after the other, with a gap for each number that is missing.

    `clock_hz` is the RTP clock of `is_datagrams` where it is known: there timestamps, and not
    the numbers, tell how much audio there is.
    """

    def __init__(
        self, encapsulation: Encapsulation, *, is_datagrams: bool, clock_hz: int | None
    ) -> None:
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
        steps = self._sequence_steps(rows)
        stamps = self._timestamp_steps(rows)
        place = self._places(rows, own, steps, stamps)
        ticks = self._ticks(rows, place, stamps, clock_hz or SAMPLE_RATE_HZ)
        is_fresh = self._last is None or self.is_new
        before = rows.time_ns[0] if self._last is None or is_fresh else self._last.time_ns
        gap = np.diff(rows.time_ns, prepend=before)
        columns = rows.time_ns, own, place, ticks, rows.sequence_number, rows.timestamp
        self._last = _Last._make(int(column[-1]) for column in columns)
        self.is_new = False
        return Placed(rows.time_ns, np.maximum(gap, 0), own, place, ticks, steps, is_fresh)

    def _sequence_steps(self, rows: Arrivals) -> Ints:
        if not self._is_rtp:
            return np.ones(len(rows), np.int64)
        numbers = rows.sequence_number
        before = numbers[0] - 1 if self._last is None or self.is_new else self._last.sequence_number
        steps = wrapped_steps(np.concatenate([[before], numbers]), 16)
        steps[np.abs(steps) >= MAX_DROPOUT] = 1
        return steps

    def _timestamp_steps(self, rows: Arrivals) -> Ints:
        if not self._is_rtp:
            return np.empty(0, np.int64)
        before = rows.timestamp[0] if self._last is None else self._last.timestamp
        return wrapped_steps(np.concatenate([[before], rows.timestamp]), 32)

    def _places(self, rows: Arrivals, own: Ints, steps: Ints, stamps: Ints) -> Ints:
        last = self._last
        advance: Ints = before(own, own[0] if last is None else last.own_ns) * steps
        if self._told_hz:
            told = stamps * 1_000_000_000 // self._told_hz
            advance = np.where(np.abs(told) < _MAX_STEP_NS, told, advance)
        if last is None:
            advance[0] = 0
            return np.cumsum(advance)
        if self.is_new:
            advance[0] = rows.time_ns[0] - last.time_ns
        return last.place_ns + np.cumsum(advance)

    def _ticks(self, rows: Arrivals, place: Ints, stamps: Ints, clock_hz: int) -> Ints:
        """What the stream's clock counts: unwrapped RTP timestamps, else samples."""
        if not self._is_rtp:
            return place // NS_PER_SAMPLE
        last = self._last
        if last is not None and self.is_new:
            # A new source has a clock of its own: the ticks go on by the time between arrivals.
            stamps[0] = (rows.time_ns[0] - last.time_ns) * clock_hz // 1_000_000_000
        return (0 if last is None else last.ticks) + np.cumsum(stamps)
