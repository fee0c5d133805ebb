"""Pauses in the arrivals of a whole stream, judged by `pauses`, at the price of the pauses."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from voipbin_cli.analysis.columns import Ints
from voipbin_cli.analysis.pauses import GAP_NS, Pause, PauseJudge, least_pause_ns

_NOTED = 20_000


class Settled(NamedTuple):
    """Frames in order of arrival whose place on the clock is settled; columns in nanoseconds.

    `places` count what is absent as time that passed; `delays` are arrivals less places,
    against any fixed instant. `absent` is what is not there right before a frame.
    """

    delays: Ints
    places: Ints
    absent: Ints


class _Frames(NamedTuple):
    """Columns as the judge takes them, ns."""

    times: Ints
    places: Ints
    durations: Ints
    meant: Ints


class PauseFold:
    """Leads columns of frames through the judge, and lays them on the clock with its verdict.

    `pauses` are those that are settled, the first 20,000; their `frame` counts the rows of the
    stream. What comes out of order, or twice, tells nothing of pauses.
    """

    def __init__(self) -> None:
        self.pauses: list[Pause] = []
        self._judge = PauseJudge()
        self._rows = 0
        self._top_ns = -1  # the highest place so far
        self._row_of: dict[int, int] = {}  # by the judge's number of a frame after a pause
        self._settled: list[Pause] = []
        self._held_delays = self._held_places = np.empty(0, np.int64)
        self._absent_ns = 0

    def add(
        self, times_ns: Ints, durations_ns: Ints, places_ns: Ints, meant_ns: Ints | None = None
    ) -> Settled:
        """Take frames in order of arrival: when they came, their lengths and places in the audio.

        `meant_ns` is for how long the sender says that it was silent before each. Return those
        that are settled now. A pause holds back what follows it, for two seconds at most.
        """
        self._held_delays = np.concatenate([self._held_delays, times_ns - places_ns])
        self._held_places = np.concatenate([self._held_places, places_ns])
        tops = np.maximum.accumulate(np.concatenate([[self._top_ns], places_ns]))
        self._top_ns = int(tops[-1])
        kept = np.flatnonzero(places_ns > tops[:-1])
        if kept.size:
            meant = np.zeros(len(times_ns), np.int64) if meant_ns is None else meant_ns
            frames = _Frames(*(c[kept] for c in (times_ns, places_ns, durations_ns, meant)))
            self._lead(frames, self._rows + kept)
        self._rows += len(times_ns)
        return self._release()

    def finish(self) -> Settled:
        """Judge what is open by what has come; return what was held back."""
        self._note(self._judge.finish())
        return self._release()

    def broke(self) -> Settled:
        """The connection is gone: judge what is open, and begin anew."""
        rest = self.finish()
        self._judge = PauseJudge()
        return rest

    def _lead(self, frames: _Frames, rows: Ints) -> None:
        """Show the judge each frame from a pause until that is settled, and the rest at once."""
        judge = self._judge
        times, places, durations, _ = frames
        delays = times - places
        delay_ns = judge.delay_ns if judge.frames else delays[0]
        before = np.concatenate([[judge.duration_ns], durations[:-1]])
        gaps = np.diff(delays, prepend=delay_ns) + before
        found = np.flatnonzero(gaps > np.maximum(GAP_NS, least_pause_ns(durations)))
        self._row_of |= zip((judge.frames + found).tolist(), rows[found].tolist(), strict=True)
        done = self._follow(frames, 0) if judge.open else 0
        for n in found.tolist():
            if n >= done:
                judge.pass_by(times[done:n], places[done:n], durations[done:n])
                done = self._follow(frames, n)
        judge.pass_by(times[done:], places[done:], durations[done:])

    def _follow(self, frames: _Frames, start: int) -> int:
        """Let the judge see frames until it has settled everything; return the next one."""
        for n in range(start, len(frames.times)):
            self._note(self._judge.add(*(int(column[n]) for column in frames)))
            if not self._judge.open:
                return n + 1
        return len(frames.times)

    def _note(self, settled: tuple[Pause, ...]) -> None:
        for pause in settled:
            told = pause._replace(frame=self._row_of.pop(pause.frame))
            self._settled.append(told)
            if len(self.pauses) < _NOTED:
                self.pauses.append(told)

    def _release(self) -> Settled:
        """Count the what is absent into the places that are settled."""
        judge = self._judge
        given = self._rows - len(self._held_delays)
        ready = (self._row_of[judge.open_frame] if judge.open else self._rows) - given
        delays, self._held_delays = self._held_delays[:ready], self._held_delays[ready:]
        places, self._held_places = self._held_places[:ready], self._held_places[ready:]
        absent = np.zeros(ready, np.int64)
        for pause in self._settled:
            absent[pause.frame - given] = pause.absent_ns
        passed = self._absent_ns + np.cumsum(absent)
        self._absent_ns += int(absent.sum())
        self._settled.clear()
        return Settled(delays - passed, places + passed, absent)
