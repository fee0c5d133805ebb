"""Pauses in the arrivals of a whole stream, judged by `timeline`, at the price of the pauses."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from voipbin_cli.analysis.arrivals.timeline import FLOOR_FRAMES, GAP_NS, Gap, Timeline
from voipbin_cli.analysis.messages import Ints

_NOTED = 20_000


class Pause(NamedTuple):
    """A pause that ended `at_ns` after `length_ns`; `lost_ns` of audio never came.

    `frame` counts audio rows of the stream. `late_ns` is what of the pause caught up, and `burst`
    the share of the frames due in it that came at once after it (1: all of them).
    """

    frame: int
    at_ns: int
    length_ns: int
    lost_ns: int
    late_ns: int
    burst: float


class PauseFold:
    """Finds the pauses in columns of arrivals and durations.

    Where nothing happens, frames are only remembered: `Timeline` sees the hundred frames before
    a pause and those after it until it is settled.
    """

    def __init__(self) -> None:
        self.pauses: list[Pause] = []
        self.count = 0
        self._frames = 0
        self._last_ns: int | None = None
        self._arrivals = np.empty(0, np.int64)
        self._durations = np.empty(0, np.int64)
        self._timeline: Timeline | None = None
        self._first = 0  # the stream's number of the timeline's first frame
        # Of the pauses that are not settled: the arrivals since, and what was missing before.
        self._recent: dict[int, list[int]] = {}
        self._shifts: dict[int, int] = {}
        self._missing_ns: Ints = np.empty(0, np.int64)

    def add(self, times_ns: Ints, durations_ns: Ints, missing_ns: Ints) -> None:
        """Take frames in order: arrivals, lengths, and how much audio is missing before each.

        What is missing by its number is no pause: the next frame is due that much later.
        """
        if not len(times_ns):
            return
        arrivals_ns = times_ns - missing_ns
        before = arrivals_ns[0] if self._last_ns is None else self._last_ns
        self._missing_ns = missing_ns
        gaps = np.diff(arrivals_ns, prepend=before)
        threshold = np.maximum(GAP_NS, 2 * durations_ns - (durations_ns >> 2))
        found = np.flatnonzero(gaps > threshold)
        done = 0
        while done < len(arrivals_ns):
            if self._timeline is None:
                ahead = found[np.searchsorted(found, done) :]
                if not len(ahead):
                    break
                done = int(ahead[0])
                self._prime(arrivals_ns[:done], durations_ns[:done])
            done = self._follow(arrivals_ns, durations_ns, done, set(found.tolist()))
        self._remember(arrivals_ns, durations_ns)

    def broke(self) -> None:
        """The connection is gone: judge what is open, and begin anew."""
        self.finish()
        self._arrivals = self._durations = np.empty(0, np.int64)
        self._last_ns = None

    def finish(self) -> None:
        """Judge what is open by what has come."""
        if self._timeline is not None:
            self._note(self._timeline.finish())
            self._timeline = None
            self._forget()

    def _prime(self, arrivals_ns: Ints, durations_ns: Ints) -> None:
        """Show a new timeline the frames before the pause."""
        arrivals = np.concatenate([self._arrivals, arrivals_ns])[-FLOOR_FRAMES:]
        durations = np.concatenate([self._durations, durations_ns])[-FLOOR_FRAMES:]
        self._timeline = Timeline()
        self._first = self._frames + len(arrivals_ns) - len(arrivals)
        for arrival, duration in zip(arrivals.tolist(), durations.tolist(), strict=True):
            self._timeline.add(arrival, duration)
        # What was settled before is not settled again.
        self._timeline.finish()

    def _follow(self, arrivals_ns: Ints, durations_ns: Ints, start: int, found: set[int]) -> int:
        """Let the timeline see frames until it has settled everything; return the next one."""
        timeline = self._timeline
        assert timeline is not None
        rows = zip(arrivals_ns[start:].tolist(), durations_ns[start:].tolist(), strict=True)
        for n, (arrival, duration) in enumerate(rows, start):
            settled = timeline.add(arrival, duration)
            for times in self._recent.values():
                times.append(arrival)
            if n in found:
                self._recent[self._frames + n] = [arrival]
                self._shifts[self._frames + n] = int(self._missing_ns[n])
            if settled:
                self._note(settled)
            if not timeline.open:
                self._timeline = None
                self._forget()
                return n + 1
        return len(arrivals_ns)

    def _forget(self) -> None:
        self._recent.clear()
        self._shifts.clear()

    def _note(self, gaps: tuple[Gap, ...]) -> None:
        for frame, at_ns, length_ns, lost_ns in gaps:
            number = self._first + frame
            self.count += 1
            if len(self.pauses) < _NOTED:
                late_ns = max(0, length_ns - lost_ns)
                burst = _burst(self._recent.get(number, []), late_ns)
                at_ns += self._shifts.get(number, 0)
                self.pauses.append(Pause(number, at_ns, length_ns, lost_ns, late_ns, burst))

    def _remember(self, arrivals_ns: Ints, durations_ns: Ints) -> None:
        self._arrivals = np.concatenate([self._arrivals, arrivals_ns])[-FLOOR_FRAMES:]
        self._durations = np.concatenate([self._durations, durations_ns])[-FLOOR_FRAMES:]
        self._frames += len(arrivals_ns)
        self._last_ns = int(arrivals_ns[-1])


def _burst(arrivals_ns: list[int], late_ns: int) -> float:
    """The share of the frames due in a pause that came within a third of their time after it."""
    due = max(1, round(late_ns / 20_000_000) - 1)
    if not arrivals_ns:
        return 0.0
    quick = sum(1 for time_ns in arrivals_ns[1:] if time_ns - arrivals_ns[0] <= late_ns / 3)
    return min(1.0, quick / due)
