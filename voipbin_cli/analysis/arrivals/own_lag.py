"""This process's own lateness, and the frames that it kept waiting; round trips beside it."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

import numpy as np

from voipbin_cli.analysis.columns import Ints, Mask
from voipbin_cli.analysis.pauses import Grounds, Pause
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


class Sleep(NamedTuple):
    """A stretch of time in which this process did nothing."""

    begin_ns: int
    end_ns: int


class LatenessFold:
    """Ticks that came late, as stretches of time in which this process did nothing."""

    def __init__(self) -> None:
        self._late: deque[tuple[int, int]] = deque(maxlen=_NOTED)
        self._trips_ms: deque[float] = deque(maxlen=_TRIPS_NOTED)

    def add(self, at_ns: int, late_ns: int) -> None:
        """Take a tick that came `late_ns` late at `at_ns`, in order; punctual ones do not count."""
        if late_ns >= LEAST_NS:
            self._late.append((at_ns, late_ns))

    def trips(self, trips_ms: list[float]) -> None:
        """Take round-trip times in milliseconds."""
        self._trips_ms.extend(trips_ms)

    def sleeps(self, begin_ns: int, end_ns: int) -> list[Sleep]:
        """Those that ended between two instants, in order."""
        found: list[Sleep] = []
        for at_ns, late_ns in reversed(self._late):
            if at_ns < begin_ns:
                break
            if at_ns <= end_ns:
                found.append(Sleep(at_ns - late_ns, at_ns))
        return found[::-1]

    def is_asleep_in(self, pause: Pause) -> bool:
        """Whether this process slept in a pause, or around it, for longer than a frame.

        Of the frames that it found then nobody knows which one the pause was before.
        """
        begin_ns, end_ns = pause.at_ns - pause.length_ns - FRAME_NS, pause.at_ns + FRAME_NS
        return any(
            late_ns > FRAME_NS and at_ns >= begin_ns and at_ns - late_ns <= end_ns
            for at_ns, late_ns in self._late
        )

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


class Came(NamedTuple):
    """Columns of frames: when each came, its length, its place in the audio; in ns.

    `meant` is for how long the sender says that it was silent before.
    """

    time: Ints
    own: Ints
    place: Ints
    meant: Ints

    def part(self, start: int, stop: int) -> Came:
        """Some frames in a row."""
        return Came(*(column[start:stop] for column in self))


NO_FRAMES = Came(*(np.empty(0, np.int64) for _ in range(4)))


class KeptWaiting:
    """Takes out of the arrivals what this process kept waiting, and nothing else.

    What is found when it wakes up may have come at any time since it fell asleep: it is taken to
    have come as late as the frame before or the one right after, or when the sleep began where that
    is later. So a stall that began before or ended after a sleep keeps the rest of its length, and
    audio that never came is missing all the same: over TCP a sleeping reader loses nothing. A
    sleep has to be told before the frames that follow it.
    """

    def __init__(self, lateness: LatenessFold) -> None:
        self.pauses: list[Pause] = []
        self._lateness = lateness
        self._held = NO_FRAMES
        self._frames = 0
        self._last_ns = 0  # when the latest frame was read
        self._delay_ns: int | None = None  # of the latest frame that did not wait

    def add(self, read: Came) -> Came:
        """Take frames when they were read; return some when they may have come.

        What was found at a waking up is held back until the frame after it is there.
        """
        read = Came._make(map(np.concatenate, zip(self._held, read, strict=True)))
        sleeps = self._sleeps(read)
        ready = len(read.time)
        woken = [rows for sleep in sleeps if (rows := _woken(read.time, sleep)).size]
        if woken and woken[-1][-1] == ready - 1:
            ready = int(woken[-1][0])
        self._held = read.part(ready, len(read.time))
        return self._excused(read, ready, sleeps)

    def finish(self) -> Came:
        """Return what is held back: nothing comes after it."""
        read, self._held = self._held, NO_FRAMES
        return self._excused(read, len(read.time), self._sleeps(read)) if len(read.time) else read

    def _sleeps(self, read: Came) -> list[Sleep]:
        first, last = int(read.time[0]), int(read.time[-1])
        return self._lateness.sleeps(first - FRAME_NS, last + FRAME_NS)

    def _excused(self, read: Came, ready: int, sleeps: list[Sleep]) -> Came:
        """The first `ready` frames, less what each sleep kept waiting of them."""
        if not ready:
            return NO_FRAMES
        came, waited = read.time.copy(), np.zeros(len(read.time), np.bool_)
        for sleep in sleeps:
            waited[_woken(read.time, sleep)] = True
        for sleep in sleeps:
            rows = _woken(read.time[:ready], sleep)
            rows = rows[came[rows] == read.time[rows]]
            if rows.size:
                self._excuse(read, came, rows, waited, sleep)
        awake = np.flatnonzero(~waited[:ready])
        if awake.size:
            self._delay_ns = int(read.time[awake[-1]] - read.place[awake[-1]])
        self._frames += ready
        self._last_ns = int(read.time[ready - 1])
        return read.part(0, ready)._replace(time=came[:ready])

    def _excuse(self, read: Came, came: Ints, rows: Ints, waited: Mask, sleep: Sleep) -> None:
        first, after = int(rows[0]), int(rows[-1]) + 1
        delays = read.time - read.place
        before = np.flatnonzero(~waited[:first])
        delay_ns = int(delays[before[-1]]) if before.size else self._delay_ns
        if delay_ns is None:
            return
        follows = after < len(delays) and read.time[after] - sleep.end_ns <= 2 * FRAME_NS
        if follows and not waited[after]:
            delay_ns = max(delay_ns, int(delays[after]))
        on_time = np.maximum(read.place[rows] + delay_ns, sleep.begin_ns)
        came[rows] = np.minimum(read.time[rows], on_time)
        excused_ns = int(read.time[first] - came[first])
        if excused_ns and len(self.pauses) < _NOTED:
            at_ns = int(read.time[first])
            since_ns = int(read.time[first - 1]) if first else self._last_ns
            grounds = Grounds(own_lag_ns=sleep.end_ns - sleep.begin_ns)
            noted = Pause(self._frames + first, at_ns, at_ns - since_ns, grounds=grounds)
            self.pauses.append(noted._replace(excused_ns=excused_ns))


def _woken(times: Ints, sleep: Sleep) -> Ints:
    """The rows that were found at a waking up, at most a frame's length around its tick.

    One stream of many is read a little later; what came before the sleep did not wait in it.
    """
    around = (np.abs(times - sleep.end_ns) <= FRAME_NS) & (times > sleep.begin_ns)
    return np.flatnonzero(around)
