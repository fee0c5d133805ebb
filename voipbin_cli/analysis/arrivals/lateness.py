"""This process's own lateness, and which pauses it excuses; round trips beside it."""

from __future__ import annotations

from collections import deque

import numpy as np

from voipbin_cli.analysis.arrivals.gaps import Pause
from voipbin_cli.analysis.arrivals.timeline import QUEUE_SHARE
from voipbin_cli.analysis.metrics import Lag, Trips

# So late at least has a tick to be to say anything: an event loop is no more punctual.
LEAST_NS = 10_000_000
_FRAME_NS = 20_000_000
# From here on a rise of the round trips is a queue.
QUEUE_MS = 40.0
_NOTED = 20_000
_TRIPS_NOTED = 5_000


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

    def queued(self, pauses: list[Pause]) -> list[Pause]:
        """The same pauses; audio that seems lost is only late where pings came to wait as long.

        A queue that fills up lifts the delay for good, as lost audio does.
        """
        lost_ms = sum(pause.lost_ns for pause in pauses) / 1e6
        if not lost_ms or self.round_trips().queued_ms < lost_ms * QUEUE_SHARE:
            return pauses
        return [pause._replace(lost_ns=0, late_ns=pause.length_ns) for pause in pauses]

    def excuse(self, pauses: list[Pause]) -> tuple[list[Pause], list[Pause]]:
        """The pauses that the network has to answer for, and those that are this machine's."""
        if not self._late:
            return pauses, []
        ends = np.array([at for at, _ in self._late])
        starts = np.array([at - late for at, late in self._late])
        guilty: list[Pause] = []
        excused: list[Pause] = []
        for pause in pauses:
            begin, end = pause.at_ns - pause.length_ns, pause.at_ns
            shared = np.minimum(ends, end + _FRAME_NS) - np.maximum(starts, begin)
            own = int(shared.max(initial=0))
            (excused if own * 2 >= pause.length_ns - _FRAME_NS else guilty).append(pause)
        return guilty, excused

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
