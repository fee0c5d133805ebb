"""When the frames of a stream came: every fold over arrivals, led through in one go."""

from __future__ import annotations

import numpy as np

from voipbin_cli.analysis.arrivals.bursts import VariationFold
from voipbin_cli.analysis.arrivals.drift import Drift, DriftFold
from voipbin_cli.analysis.arrivals.gaps import Pause, PauseFold
from voipbin_cli.analysis.arrivals.intervals import IntervalFold
from voipbin_cli.analysis.arrivals.jitter import Jitter, JitterFold
from voipbin_cli.analysis.arrivals.levels import FloorLevel
from voipbin_cli.analysis.arrivals.paces import ClockFold
from voipbin_cli.analysis.arrivals.placing import Placed
from voipbin_cli.analysis.columns import Blocks
from voipbin_cli.analysis.messages import Ints
from voipbin_cli.analysis.playout.policies import ADAPTIVE, FIXED_60, BufferFold, Outcome
from voipbin_cli.codec.pcm import SAMPLE_RATE_HZ

_SECOND_FRAMES = 50


class DeliveryFold:
    """Jitter, gaps, drift, and what playout buffers would have dropped.

    `clock_hz` is the RTP clock where something else tells it. `has_numbers`: sequence numbers or
    timestamps may tell places that arrivals do not; `is_datagrams`: they always do.
    """

    def __init__(
        self, *, clock_hz: int | None = None, has_numbers: bool = True, is_datagrams: bool = False
    ) -> None:
        self.intervals = IntervalFold()
        self.variation = VariationFold()
        self.clock = ClockFold(clock_hz)
        self._jitter: JitterFold | None = None
        self._unclocked: list[tuple[Ints, Ints]] = []
        self._pauses = PauseFold()
        self._floor = FloorLevel()
        self._drift = DriftFold()
        self._offsets: Blocks[np.int64] = Blocks(_SECOND_FRAMES, np.int64)
        self._by_arrival, self._by_place = not is_datagrams, has_numbers
        self._plain: BufferFold | None = None
        self._placed: BufferFold | None = None
        self._frames = 0
        self._top_ns = -1
        self._audio_ns = 0

    def add(self, rows: Placed) -> None:
        """Take rows in order of arrival."""
        self._frames += len(rows.time)
        self.intervals.add(rows.gap[1:] if rows.is_fresh else rows.gap)
        offsets = rows.time - rows.place
        self._drift.add(rows.time, rows.place)
        self._floor.add(offsets)
        self._play(rows)
        seconds = self._offsets.add(offsets)
        self.variation.add((seconds - seconds.min(axis=1)[:, None]) / 1e6)
        self._pause(rows)
        self._unclocked.append((rows.time, rows.ticks))
        self.clock.add(rows.time, rows.ticks)
        self._take_clock()

    def broke(self) -> None:
        """The connection is gone."""
        self.clock.decide()
        self._pauses.broke()

    def flush(self) -> None:
        """Judge what is open by what has come."""
        self._pauses.finish()
        self.clock.decide()
        self._take_clock()

    def _play(self, rows: Placed) -> None:
        if self._plain is None or self._placed is None:
            frame_ms = float(np.median(rows.own)) / 1e6
            self._plain, self._placed = BufferFold(frame_ms), BufferFold(frame_ms)
        if self._by_arrival:
            self._plain.add(rows.time)
        if self._by_place:
            self._placed.add(rows.time, rows.place)

    def _pause(self, rows: Placed) -> None:
        """Pauses of what came in order; a missing number is not taken for a late frame."""
        times, own, place = rows.time, rows.own, rows.place
        highest = np.maximum.accumulate(np.concatenate([[self._top_ns], place]))
        self._top_ns = int(highest[-1])
        kept = place > highest[:-1]
        if not kept.all():
            times, own, place = times[kept], own[kept], place[kept]
        audio = self._audio_ns + np.cumsum(own)
        self._audio_ns += int(own.sum())
        self._pauses.add(times, own, place - audio + own)

    def _take_clock(self) -> None:
        """Hand over to the jitter what waited for its clock."""
        if self.clock.hz is None:
            return
        if self._jitter is None:
            self._jitter = JitterFold(self.clock.hz)
        for times, ticks in self._unclocked:
            self._jitter.add(times, ticks & 0xFFFFFFFF)
        self._unclocked.clear()

    # Out

    @property
    def jitter(self) -> Jitter:
        """RFC 3550's, at the clock that was found."""
        if self._jitter is None:
            return Jitter(None, None, None, self.clock.hz or SAMPLE_RATE_HZ, self._frames)
        return self._jitter.result()

    @property
    def drift(self) -> Drift:
        """Of the far clock."""
        return self._drift.result()

    @property
    def pauses(self) -> list[Pause]:
        """Every pause, what only seemed lost in it told as late."""
        return self._floor.confirmed(self._pauses.pauses)

    def glance(self) -> tuple[float, float]:
        """The share of frames late for a 60 ms buffer, and an adaptive one's delay in ms."""
        told = self.buffers(is_numbered=False)
        if not told:
            return 0.0, 0.0
        return told[FIXED_60.name].late_ratio, told[ADAPTIVE.name].mean_delay_ms

    def buffers(self, *, is_numbered: bool) -> dict[str, Outcome]:
        """By policy; `is_numbered`: by place, where the numbers tell of trouble."""
        by_place = self._by_place and (is_numbered or not self._by_arrival)
        fold = self._placed if by_place else self._plain
        return fold.result() if fold else {}
