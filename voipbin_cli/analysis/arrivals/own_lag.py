"""This process's own lateness, over the run and over a pause; round trips beside it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from voipbin_cli.analysis.pauses import Pause
from voipbin_cli.codec.codecs import FRAME_NS

# So late at least has a tick to be to say anything: an event loop is no more punctual.
LEAST_NS = 10_000_000
# From here on a rise of the round trips is a queue.
QUEUE_MS = 40.0
_NOTED = 20_000
_TRIPS_NOTED = 5_000


class Trips(NamedTuple):
    """Round trips of pings: how many, and their milliseconds.

    `queued_ms` is what the longest took more than the shortest, where that is a queue: a ping
    waits in the same ones as the audio.
    """

    pings: int
    min_ms: float | None
    p50_ms: float | None
    p99_ms: float | None
    queued_ms: float


class Lag(NamedTuple):
    """This process's own lateness: what 1 % of the time was over, and the most, in ms."""

    p99_ms: float
    max_ms: float


class LatenessFold:
    """Ticks that came late, as stretches of time in which this process did nothing."""

    def __init__(self) -> None:
        self._late: deque[tuple[int, int]] = deque(maxlen=_NOTED)
        self._trips_ms: deque[float] = deque(maxlen=_TRIPS_NOTED)

    def add(self, at_ns: int, late_ns: int) -> None:
        """Take a tick that came `late_ns` late at `at_ns`; punctual ones do not count."""
        if late_ns >= LEAST_NS:
            self._late.append((at_ns, late_ns))

    def trips(self, trips_ms: list[float]) -> None:
        """Take round-trip times in milliseconds."""
        self._trips_ms.extend(trips_ms)

    def own_lag_ns(self, pauses: Iterable[Pause]) -> list[int]:
        """For how long this process slept within each pause, at a stretch, in ns.

        What it found waiting when it woke up may be stamped a frame's length later.
        """
        ends = np.array([at for at, _ in self._late], np.int64)
        starts = ends - np.array([late for _, late in self._late], np.int64)
        spans = ((pause.at_ns - pause.length_ns, pause.at_ns + FRAME_NS) for pause in pauses)
        return [
            int((np.minimum(ends, end) - np.maximum(starts, begin)).max(initial=0))
            for begin, end in spans
        ]

    def result(self, duration_ns: int) -> Lag:
        """What this process was late by for 1 % of the time, and at most."""
        late = sorted((late for _, late in self._late), reverse=True)
        left = duration_ns / 100
        for late_ns in late:
            left -= late_ns
            if left <= 0:
                return Lag(late_ns / 1e6, late[0] / 1e6)
        return Lag(0.0, late[0] / 1e6 if late else 0.0)

    def round_trips(self) -> Trips:
        """Least, median and 99th percentile."""
        if not self._trips_ms:
            return Trips(0, None, None, None, 0.0)
        low, p50, p99, high = np.percentile(np.array(self._trips_ms), [0, 50, 99, 100]).tolist()
        rise_ms = high - low
        return Trips(len(self._trips_ms), low, p50, p99, rise_ms if rise_ms > QUEUE_MS else 0.0)
