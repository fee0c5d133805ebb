"""What is received as one unbroken track: each sample at the time at which it was spoken.

A message is sent when it is full, so its last sample was spoken when it came, and its first one as
long before as the message plays. How long it was on its way nothing tells.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from voipbin_cli.analysis.columns import Ints, Samples
from voipbin_cli.codec.codecs import SAMPLE_RATE_HZ

NS_PER_SAMPLE = 1_000_000_000 // SAMPLE_RATE_HZ
# The least delay within so many messages is what the stream needs: a stall catches up in that time,
# and what is lost never does.
_AHEAD_ROWS = 50
# Less is unevenness of the arrivals, more is silence to fill in or samples too many.
_SLACK_NS = 20_000_000
_FILL_SAMPLES = 10 * SAMPLE_RATE_HZ


class TimedSound(NamedTuple):
    """Samples from a time on (ns); the next piece begins where this one ends."""

    at_ns: int
    samples: Samples


class ReceivedTrack:
    """Puts messages on a line of time.

    Samples follow each other as long as the messages come about as fast as they play; where audio
    is missing zeros go in, and where more came than time passed the surplus is left out.
    """

    def __init__(self) -> None:
        self._time = np.empty(0, np.int64)
        self._count = np.empty(0, np.int64)
        self._samples = np.empty(0, np.int16)
        self._played_ns = 0
        self._anchor_ns: int | None = None
        self._next_ns: int | None = None

    def add(self, time_ns: Ints, samples: Samples) -> Iterator[TimedSound]:
        """Take messages of one length each; yield what is placed for good."""
        counts = np.full(len(time_ns), len(samples) // max(1, len(time_ns)), np.int64)
        self._time = np.concatenate([self._time, time_ns])
        self._count = np.concatenate([self._count, counts])
        self._samples = np.concatenate([self._samples, samples])
        yield from self._place(len(self._time) - _AHEAD_ROWS)

    def finish(self) -> Iterator[TimedSound]:
        """Yield what is left: the stream is over."""
        yield from self._place(len(self._time))

    def _place(self, rows: int) -> Iterator[TimedSound]:
        if rows <= 0:
            return
        ends = np.cumsum(self._count)
        starts = ends - self._count
        least = _least_ahead(self._time - self._played_ns - ends * NS_PER_SAMPLE)[:rows]
        at = 0
        while at < rows:
            if self._anchor_ns is None or abs(least[at] - self._anchor_ns) > _SLACK_NS:
                self._anchor_ns = int(least[at])
            off = np.abs(least[at:] - self._anchor_ns) > _SLACK_NS
            until = at + int(off.argmax()) if off.any() else rows
            at_ns = self._anchor_ns + self._played_ns + int(starts[at]) * NS_PER_SAMPLE
            yield from self._play(at_ns, self._samples[starts[at] : ends[until - 1]])
            at = until
        self._played_ns += int(ends[rows - 1]) * NS_PER_SAMPLE
        self._samples = self._samples[ends[rows - 1] :]
        self._time, self._count = self._time[rows:], self._count[rows:]

    def _play(self, at_ns: int, samples: Samples) -> Iterator[TimedSound]:
        if self._next_ns is None:
            self._next_ns = at_ns
        missing = (at_ns - self._next_ns) // NS_PER_SAMPLE
        while missing > 0:
            yield self._next(np.zeros(min(missing, _FILL_SAMPLES), np.int16))
            missing -= _FILL_SAMPLES
        kept = samples[max(0, (self._next_ns - at_ns) // NS_PER_SAMPLE) :]
        if kept.size:
            yield self._next(kept)

    def _next(self, samples: Samples) -> TimedSound:
        assert self._next_ns is not None
        piece = TimedSound(self._next_ns, samples)
        self._next_ns += len(samples) * NS_PER_SAMPLE
        return piece


def _least_ahead(delay_ns: Ints) -> Ints:
    """The least of each value and the 49 behind it."""
    ahead = np.pad(delay_ns, (0, _AHEAD_ROWS - 1), mode="edge")
    least: Ints = np.lib.stride_tricks.sliding_window_view(ahead, _AHEAD_ROWS).min(axis=1)
    return least
