"""When the frames of a stream came: every fold over arrivals, led through in one go."""

from __future__ import annotations

from operator import attrgetter

import numpy as np

from voipbin_cli.analysis.arrivals.backlog import BacklogFold
from voipbin_cli.analysis.arrivals.bursts import VariationFold
from voipbin_cli.analysis.arrivals.delay_floor import FloorLevel
from voipbin_cli.analysis.arrivals.drift import Drift, DriftFold
from voipbin_cli.analysis.arrivals.due_clock import WINDOW_FRAMES, DueClock
from voipbin_cli.analysis.arrivals.intervals import IntervalFold
from voipbin_cli.analysis.arrivals.jitter import Jitter, JitterFold
from voipbin_cli.analysis.arrivals.own_lag import Came, KeptWaiting, LatenessFold
from voipbin_cli.analysis.arrivals.paces import ClockFold
from voipbin_cli.analysis.arrivals.pause_fold import PauseFold, Settled
from voipbin_cli.analysis.arrivals.placing import Placed, joined
from voipbin_cli.analysis.columns import Blocks, Ints
from voipbin_cli.analysis.pauses import Pause, weigh
from voipbin_cli.analysis.playout.late_frames import BufferFold, Outcome
from voipbin_cli.analysis.playout.target_delay import ADAPTIVE, FIXED_60
from voipbin_cli.codec.codecs import FRAME_NS

_SECOND_FRAMES = 50
_NOTED = 20_000


class DeliveryFold:
    """Jitter, pauses, drift, and what playout buffers would have dropped.

    `clock_hz` is the RTP clock where something else tells it, `is_sampled` says that frames are
    known to be of so many samples. Jitter and intervals are those that were measured; what
    `lateness` explains is in none of the verdicts.
    """

    def __init__(
        self, lateness: LatenessFold, clock_hz: int | None = None, *, is_sampled: bool = True
    ) -> None:
        self._lateness = lateness
        self._waiting = KeptWaiting(lateness)
        self.intervals = IntervalFold()
        self.backlog = BacklogFold()
        self.variation = VariationFold()
        self.clock = ClockFold(clock_hz, is_sampled=is_sampled)
        self.due = DueClock(is_told=clock_hz is not None)
        self._held: Placed | None = None
        self._jitter: JitterFold | None = None
        self._unclocked: list[tuple[Ints, Ints]] = []
        self._pauses = PauseFold()
        self._floor = FloorLevel()
        self._drift = DriftFold()
        self._offsets: Blocks[np.int64] = Blocks(_SECOND_FRAMES, np.int64)
        self._buffers = BufferFold()
        self._silent: dict[int, Pause] = {}
        self._silence_ns = 0
        self._frames = 0

    def add(self, rows: Placed) -> None:
        """Take rows in order of arrival."""
        self._frames += len(rows.time)
        self.intervals.add(rows.gap[1:] if rows.is_fresh else rows.gap)
        self._note_silence(rows)
        self._unclocked.append((rows.time, rows.ticks))
        # The timestamps count the silence, too, of which there is no audio.
        silence = self._silence_ns + np.cumsum(rows.told)
        self._silence_ns = int(silence[-1])
        self.clock.add(rows.time, rows.ticks, rows.place + silence)
        self._take_clock()
        self._held = rows if self._held is None else joined(self._held, rows)
        whole = len(self._held.time) - len(self._held.time) % WINDOW_FRAMES
        if whole and self.clock.hz is not None:
            self._lay(self._held.chosen(slice(0, whole)), self.clock.hz)
            self._held = self._held.chosen(slice(whole, None))

    def _lay(self, placed: Placed, clock_hz: int) -> None:
        """Pass on rows by when they were due."""
        if len(placed.time):
            rows = self.due.lay(placed, clock_hz)
            self._judge(self._waiting.add(Came(rows.time, rows.own, rows.place, rows.meant)))

    def _lay_rest(self) -> None:
        """Nothing more comes on this connection."""
        self.clock.decide()
        self._take_clock()
        held, self._held = self._held, None
        if held is not None and self.clock.hz is not None:
            self._lay(held, self.clock.hz)
        self._judge(self._waiting.finish())

    def _note_silence(self, rows: Placed) -> None:
        """Pauses that the timestamps tell of: what is placed by them never looks late."""
        for row in np.flatnonzero(rows.told >= FRAME_NS)[: _NOTED - len(self._silent)].tolist():
            frame, at_ns = self._frames - len(rows.time) + row, int(rows.time[row])
            told = Pause(frame, at_ns, int(rows.gap[row]), meant_ns=int(rows.told[row]))
            self._silent[frame] = told

    def broke(self) -> None:
        """The connection is gone."""
        self._lay_rest()
        self._take_settled(self._pauses.broke())
        self._drift.cut()
        self.backlog.restart()

    def flush(self) -> None:
        """Judge what is open by what has come."""
        self._lay_rest()
        self._take_settled(self._pauses.finish())

    def _judge(self, frames: Came) -> None:
        if not len(frames.time):
            return
        self.backlog.add(frames.time, frames.own)
        offsets = frames.time - frames.place
        self._floor.add(offsets)
        self._take_settled(self._pauses.add(*frames))
        seconds = self._offsets.add(offsets)
        self.variation.add((seconds - seconds.min(axis=1)[:, None]) / 1e6)

    def _take_settled(self, rows: Settled) -> None:
        self._drift.add(*rows)
        self._buffers.add(rows.delays)

    def _take_clock(self) -> None:
        """Hand over to the jitter what waited for its clock; one that stands still is none."""
        if self.clock.hz is None:
            return
        if self.clock.hz == 0:
            self._unclocked.clear()
            return
        if self._jitter is None:
            self._jitter = JitterFold(self.clock.hz)
        for times, ticks in self._unclocked:
            self._jitter.add(times, ticks & 0xFFFFFFFF)
        self._unclocked.clear()

    # Out

    @property
    def jitter(self) -> Jitter:
        """RFC 3550's, at the clock that was found; None without one that runs."""
        if self._jitter is None:
            return Jitter(None, None, None, self.clock.hz or None, self._frames)
        return self._jitter.result()

    @property
    def drift(self) -> Drift:
        """Of the far clock, where there is one: against the pace of arrivals nothing drifts."""
        told = self._drift.result()
        is_clock = self.due.is_believable and not self.due.was_paced
        return told if is_clock else told._replace(ppm=None, uncertainty_ppm=None)

    def pauses(self, *, may_be_silent: bool) -> tuple[Pause, ...]:
        """Every pause, those that this process made too, judged by all that is known so far."""
        pauses = self._pauses.pauses
        queued_ms = self._lateness.round_trips().queued_ms
        judged = weigh(
            pauses,
            rises=self._floor.rises(pauses),
            queued_ms=queued_ms,
            may_be_silent=may_be_silent,
        )
        known = {pause.frame for pause in judged if pause.meant_ns}
        silent = [pause for frame, pause in self._silent.items() if frame not in known]
        return tuple(sorted((*judged, *silent, *self._waiting.pauses), key=attrgetter("frame")))

    def glance(self) -> tuple[float, float]:
        """The share of frames late for a 60 ms buffer, and an adaptive one's delay in ms."""
        told = self.buffers
        if not told:
            return 0.0, 0.0
        return told[FIXED_60.name].late_ratio, told[ADAPTIVE.name].mean_delay_ms

    @property
    def buffers(self) -> dict[str, Outcome]:
        """By policy, over the frames whose place on the clock is settled; none without a clock."""
        return self._buffers.result() if self._frames and self.due.is_believable else {}

    @property
    def late_rows(self) -> Ints:
        """Which frames an adaptive buffer would have dropped; none without a clock."""
        if not self._frames or not self.due.is_believable:
            return np.empty(0, np.int64)
        return self._buffers.late_rows(ADAPTIVE.name)
