"""One received stream, measured: messages in, chunk by chunk or a file at once, figures out.

The same folds serve a live stream and a capture and give the same numbers however the messages
were cut into chunks: audio rows go through in blocks of 25, aligned to the stream's first.
"""

from __future__ import annotations

from collections import Counter
from typing import Any, NamedTuple

import numpy as np

from voipbin_cli.analysis.arrivals import ArrivalReader, Arrivals, joined
from voipbin_cli.analysis.buffering import ADAPTIVE, FIXED_60, BufferFold
from voipbin_cli.analysis.bursts import BurstFold, Bursts, VariationFold
from voipbin_cli.analysis.columns import Blocks, wrapped_steps
from voipbin_cli.analysis.drift import DriftFold
from voipbin_cli.analysis.emodel import Quality, assess
from voipbin_cli.analysis.gaps import Pause, PauseFold
from voipbin_cli.analysis.hearing import Hearing
from voipbin_cli.analysis.intervals import IntervalFold
from voipbin_cli.analysis.jitter import Jitter, JitterFold
from voipbin_cli.analysis.judging import BLOCK_FRAMES, CodecJudge, Reading
from voipbin_cli.analysis.lateness import LatenessFold
from voipbin_cli.analysis.levels import FloorLevel
from voipbin_cli.analysis.metrics import Measured, Outage
from voipbin_cli.analysis.paces import ClockFold
from voipbin_cli.analysis.reception import MAX_DROPOUT, Reception, SequenceFold
from voipbin_cli.analysis.rules.frames import Frames, Ints
from voipbin_cli.analysis.trace import Trace
from voipbin_cli.codec.encapsulation import Encapsulation
from voipbin_cli.codec.fingerprint import name_dialect
from voipbin_cli.codec.pcm import SAMPLE_RATE_HZ

_NS_PER_SAMPLE = 1_000_000_000 // SAMPLE_RATE_HZ
_MAX_STEP_NS = 60_000_000_000
_SECOND_FRAMES = 50
_LOSSES_NOTED = 100_000


class _Last(NamedTuple):
    """What the next row has to know of the one before it."""

    time_ns: int
    place_ns: int
    own_ns: int
    sequence_number: int
    timestamp: int
    ticks: int


class Glance(NamedTuple):
    """Frames so far, jitter now, what a 60 ms buffer drops, what delay an adaptive one takes."""

    frames: int
    jitter_ms: float | None
    late_ratio: float
    delay_ms: float


class StreamFold:
    """Measures one direction of one stream.

    `clock_hz` is the RTP clock where something else tells it (a static payload type, SDP);
    otherwise it is found from the stream itself. `is_datagrams`: RTP over UDP, where timestamps
    and not the arrivals tell how much audio there is.
    """

    def __init__(
        self,
        encapsulation: Encapsulation,
        *,
        is_datagrams: bool = False,
        clock_hz: int | None = None,
        keep_samples: int = 0,
        keep_rows: int = 0,
    ) -> None:
        self.encapsulation = encapsulation
        self.is_datagrams = is_datagrams
        self.reader = ArrivalReader(encapsulation, is_datagrams=is_datagrams)
        self.judge = CodecJudge(encapsulation)
        self.hearing = Hearing(keep_samples)
        self.trace = Trace(keep_rows)
        self.lateness = LatenessFold()
        self.frames = 0
        self.labels: Counter[int] = Counter()
        self._held: Arrivals | None = None
        self._undecided: list[Arrivals] = []
        self._given_hz = clock_hz
        self._clock = ClockFold(clock_hz)
        self._unclocked: list[tuple[Ints, Ints]] = []
        self._jitter: JitterFold | None = None
        self._intervals = IntervalFold()
        self._sequence = SequenceFold()
        self._finished_sequences: list[Reception] = []
        self._pauses = PauseFold()
        self._floor = FloorLevel()
        self._drift = DriftFold()
        self._buffers: tuple[BufferFold, BufferFold] | None = None
        self._variation = VariationFold()
        self._offsets: Blocks[np.int64] = Blocks(_SECOND_FRAMES, np.int64)
        self._sizes: Counter[int] = Counter()
        self._lost_frames: list[tuple[int, int]] = []
        self._last: _Last | None = None
        self._began_ns = 0
        self._is_new = False
        self._outages: list[Outage] = []
        self._top_ns = -1
        self._audio_ns = 0

    # In

    def add(self, frames: Frames) -> None:
        """Take messages, in order of arrival."""
        rows = self.reader.read(frames)
        if self.encapsulation is Encapsulation.RTP and len(rows):
            self._sequence.add(rows.sequence_number)
        audio = rows if rows.is_audio.all() else rows.chosen(rows.is_audio)
        if not len(audio):
            return
        held = audio if self._held is None else joined(self._held, audio)
        whole = len(held) - len(held) % BLOCK_FRAMES
        self._held = held.chosen(slice(whole, None)).compact() if whole < len(held) else None
        if whole:
            self._judge(held.chosen(slice(0, whole)) if whole < len(held) else held)

    def lagged(self, at_ns: int, late_ns: int) -> None:
        """This process woke up `late_ns` late at `at_ns`."""
        self.lateness.add(at_ns, late_ns)

    def round_trips(self, trips_ms: list[float]) -> None:
        """Take the round-trip times of pings."""
        self.lateness.trips(trips_ms)

    def broke(self, at_ns: int) -> None:
        """The connection is lost, while the call goes on; what comes next is of another."""
        self.flush()
        self._outages.append(Outage(at_ns, None))
        self._begin_anew()

    def reopened(self) -> None:
        """Another connection of the same stream is up; `broke` was called if one was lost."""
        if self._last is not None and not self._is_new:
            self.flush()
            self._begin_anew()

    def _begin_anew(self) -> None:
        self._clock.decide()
        self._pauses.broke()
        self._finished_sequences.append(self._sequence.result())
        self._sequence = SequenceFold()
        self.reader.restart()
        self._is_new = True

    def flush(self) -> None:
        """Let nothing wait any longer: the stream is over, or its connection."""
        if self._held is not None:
            held, self._held = self._held, None
            self._judge(held)
        self.judge.force()
        self._release_undecided()
        self._pauses.finish()
        self._clock.decide()
        self._take_clock()

    # Block by block

    def _judge(self, rows: Arrivals) -> None:
        """Find out how each block is read, and pass on what is decided, in runs read alike."""
        start, reading = 0, self.judge.reading
        for at in range(0, len(rows), BLOCK_FRAMES):
            if self.judge.is_due:
                self.judge.hear(rows.chosen(slice(at, at + BLOCK_FRAMES)))
            else:
                self.judge.skip(min(BLOCK_FRAMES, len(rows) - at))
            if self.judge.reading != reading:
                if reading is not None:
                    self._fold(rows.chosen(slice(start, at)), reading)
                    start = at
                else:
                    self._release_undecided()
                reading = self.judge.reading
        rest = rows.chosen(slice(start, None)) if start else rows
        if reading is None:
            self._undecided.append(rest.compact())
        else:
            self._fold(rest, reading)

    def _release_undecided(self) -> None:
        undecided, self._undecided = self._undecided, []
        for rows in undecided:
            assert self.judge.reading is not None
            self._fold(rows, self.judge.reading)

    def _fold(self, rows: Arrivals, reading: Reading) -> None:
        if not len(rows):
            return
        self.hearing.add(rows, reading)
        samples = rows.length // reading.codec.sample_bytes
        self._count(rows, samples)
        last = self._last
        times = rows.time_ns
        own = samples * _NS_PER_SAMPLE
        steps = self._sequence_steps(rows, last)
        place = self._places(rows, own, steps, last)
        ticks = self._ticks(rows, place, last)
        if last is None:
            self._began_ns = int(times[0])
        fresh = last is None or self._is_new
        before = times[:1] if last is None or fresh else np.array([last.time_ns])
        gaps = np.maximum(np.diff(np.concatenate([before, times])), 0)
        self._intervals.add(gaps[1:] if fresh else gaps)
        self._time(times, own, place, ticks)
        self._note_losses(steps)
        if self._is_new:
            self._note_return(int(times[0]))
        self.trace.add(times, gaps, times - place)
        self.frames += len(rows)
        self._is_new = False
        self._last = _Last(
            int(times[-1]),
            int(place[-1]),
            int(own[-1]),
            int(rows.sequence_number[-1]),
            int(rows.timestamp[-1]),
            int(ticks[-1]),
        )

    def _count(self, rows: Arrivals, samples: Ints) -> None:
        for counter, column in ((self.labels, rows.label), (self._sizes, samples)):
            low, high = int(column.min()), int(column.max())
            if low == high:
                counter[low] += len(column)
            else:
                counter.update(column.tolist())

    def _sequence_steps(self, rows: Arrivals, last: _Last | None) -> Ints:
        """By how much each sequence number is ahead of the one before; 1 where none is told."""
        steps = np.ones(len(rows), np.int64)
        if self.encapsulation is not Encapsulation.RTP:
            return steps
        numbers = rows.sequence_number
        before = numbers[0] - 1 if last is None or self._is_new else last.sequence_number
        steps = wrapped_steps(np.concatenate([[before], numbers]), 16)
        steps[np.abs(steps) >= MAX_DROPOUT] = 1
        return steps

    def _places(self, rows: Arrivals, own: Ints, steps: Ints, last: _Last | None) -> Ints:
        """Where in the audio each row belongs, ns: one after the other, missing ones left out."""
        first_ns = own[0] if last is None else last.own_ns
        advance = np.concatenate([[first_ns], own[:-1]]) * steps
        if self.is_datagrams and self._given_hz:
            before = rows.timestamp[0] if last is None else last.timestamp
            stamps = wrapped_steps(np.concatenate([[before], rows.timestamp]), 32)
            told = stamps * 1_000_000_000 // self._given_hz
            advance = np.where(np.abs(told) < _MAX_STEP_NS, told, advance)
        if last is None:
            advance[0] = 0
            return np.cumsum(advance)
        if self._is_new:
            advance[0] = rows.time_ns[0] - last.time_ns
        return last.place_ns + np.cumsum(advance)

    def _ticks(self, rows: Arrivals, place: Ints, last: _Last | None) -> Ints:
        """What the stream's own clock counts: RTP timestamps unwrapped, else its samples."""
        if self.encapsulation is not Encapsulation.RTP:
            return place // _NS_PER_SAMPLE
        before = rows.timestamp[0] if last is None else last.timestamp
        steps = wrapped_steps(np.concatenate([[before], rows.timestamp]), 32)
        if last is not None and self._is_new:
            # A new source: its clock goes on where the old one would be now.
            hz = self._clock.hz or SAMPLE_RATE_HZ
            steps[0] = (rows.time_ns[0] - last.time_ns) * hz // 1_000_000_000
        return (0 if last is None else last.ticks) + np.cumsum(steps)

    def _time(self, times: Ints, own: Ints, place: Ints, ticks: Ints) -> None:
        self._drift.add(times, place)
        self._floor.add(times - place)
        if self._buffers is None:
            frame_ms = float(np.median(own)) / 1e6
            self._buffers = BufferFold(frame_ms), BufferFold(frame_ms)
        plain, placed = self._buffers
        plain.add(times)
        if self.encapsulation is Encapsulation.RTP:
            placed.add(times, place)
        for second in self._offsets.add(times - place):
            self._variation.add((second - second.min()) / 1e6)
        self._pause(times, own, place)
        self._unclocked.append((times, ticks))
        self._clock.add(times, ticks)
        self._take_clock()

    def _pause(self, times: Ints, own: Ints, place: Ints) -> None:
        """Pauses of what came in order; a missing number is not taken for a late frame."""
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
        if self._clock.hz is None:
            return
        if self._jitter is None:
            self._jitter = JitterFold(self._clock.hz)
        for times, ticks in self._unclocked:
            self._jitter.add(times, ticks & 0xFFFFFFFF)
        self._unclocked.clear()

    def _note_losses(self, steps: Ints) -> None:
        """Runs of missing numbers by place; a number that comes late after all is no loss."""
        for n in np.flatnonzero(steps != 1).tolist():
            step = int(steps[n])
            if step > 1 and len(self._lost_frames) < _LOSSES_NOTED:
                self._lost_frames.append((self.frames + n, step - 1))
            elif step < 0 and self._lost_frames:
                frame, count = self._lost_frames.pop()
                if count > 1:
                    self._lost_frames.append((frame, count - 1))

    def _note_return(self, at_ns: int) -> None:
        if self._outages and self._outages[-1].after_ns is None:
            lost = self._outages[-1]
            self._outages[-1] = Outage(lost.at_ns, at_ns - lost.at_ns)

    # Out

    @property
    def last_ns(self) -> int | None:
        """The arrival of the latest frame that was measured, None before the first."""
        return self._last.time_ns if self._last else None

    def glance(self) -> Glance:
        """A few figures for a view that looks often."""
        buffers = self._buffers[0].result() if self._buffers else {}
        late = buffers[FIXED_60.name].late_ratio if buffers else 0.0
        delay = buffers[ADAPTIVE.name].mean_delay_ms if buffers else 0.0
        return Glance(self.frames, self._jitter_result().last_ms, late, delay)

    def measured(self) -> Measured:
        """All figures so far; complete after `flush`."""
        last = self._last
        frame_samples = self._sizes.most_common(1)[0][0] if self._sizes else None
        pauses, excused = self.lateness.excuse(self._floor.confirmed(self._pauses.pauses))
        reception = self._reception()
        bursts = self._bursts(pauses)
        buffers = self._played(reception)
        signal, holes = self.hearing.signal.result(), self.hearing.holes.result()
        drift = self._drift.result()
        reading = self.judge.reading
        duration_ns = 0 if last is None else last.time_ns - self._began_ns + last.own_ns
        return Measured(
            encapsulation=self.encapsulation,
            is_datagrams=self.is_datagrams,
            frames=self.frames,
            messages=self.reader.messages,
            message_bytes=self.reader.message_bytes,
            texts=self.reader.texts,
            malformed=self.reader.malformed,
            began_ns=self._began_ns,
            ended_ns=0 if last is None else last.time_ns,
            frame_ms=frame_samples / 8 if frame_samples else None,
            frame_samples=frame_samples,
            samples_hz=self._samples_hz(drift.ppm),
            clock_hz=self._clock.hz if self.encapsulation is Encapsulation.RTP else None,
            labels=tuple(self.labels.most_common(8)),
            fingerprint=self.reader.fingerprint,
            dialect=self._dialect(reading),
            reading=reading,
            is_settled=self.judge.is_settled,
            changes=tuple(self.judge.changes),
            heard_blocks=self.judge.heard,
            text_blocks=self.judge.texts,
            misfit_blocks=self.judge.misfits,
            magic=self.judge.magic,
            intervals=self._intervals.result(),
            jitter=self._jitter_result(),
            reception=reception,
            pauses=tuple(pauses),
            excused=tuple(excused),
            variation=self._variation.result(),
            drift=drift,
            bursts=bursts,
            buffers=buffers,
            signal=signal,
            holes=holes,
            floor=self.hearing.floor.result(),
            trips=self.lateness.round_trips(),
            lag=self.lateness.result(duration_ns),
            outages=tuple(self._outages),
            quality=self._quality(bursts, holes.lost_ms, duration_ns, buffers),
        )

    def _samples_hz(self, ppm: float | None) -> float | None:
        """Samples that arrive in a second while audio flows."""
        if ppm is not None:
            return SAMPLE_RATE_HZ * (1 + ppm / 1e6)
        last = self._last
        usual = self._intervals.result()
        if last is None or usual is None or self.frames < 2 or not usual.p50:
            return None
        return float(self._sizes.most_common(1)[0][0]) * 1000 / usual.p50

    def _dialect(self, reading: Reading | None) -> Any:
        if reading is None or self.is_datagrams:
            return None
        return name_dialect(self.encapsulation, reading.codec, self.reader.fingerprint)

    def _jitter_result(self) -> Jitter:
        if self._jitter is None:
            return Jitter(None, None, None, self._clock.hz or SAMPLE_RATE_HZ, self.frames)
        return self._jitter.result()

    def _reception(self) -> Reception | None:
        """Over all connections: the counts add up, base and highest are the latest."""
        if self.encapsulation is not Encapsulation.RTP:
            return None
        latest = self._sequence.result()
        for earlier in reversed(self._finished_sequences):
            names = Reception._fields[2:]
            sums = {name: getattr(earlier, name) + getattr(latest, name) for name in names}
            latest = latest._replace(**sums)
        return latest

    def _bursts(self, pauses: list[Pause]) -> Bursts:
        """Losses in the order of playing: missing numbers, and audio that never came."""
        frame_ns = (self._sizes.most_common(1)[0][0] if self._sizes else 160) * _NS_PER_SAMPLE
        lost = [(pause.frame, round(pause.lost_ns / max(frame_ns, 1))) for pause in pauses]
        fold = BurstFold(frame_ms=frame_ns / 1e6)
        done = 0
        for frame, count in sorted([*lost, *self._lost_frames]):
            fold.add(np.zeros(max(0, frame - done), np.bool_))
            fold.add(np.ones(count, np.bool_))
            done = max(done, frame)
        fold.add(np.zeros(max(0, self.frames - done), np.bool_))
        return fold.result()

    def _played(self, reception: Reception | None) -> Any:
        """What playout buffers would have dropped, by place where numbers tell of trouble."""
        if self._buffers is None:
            return {}
        plain, placed = self._buffers
        troubled = reception is not None and (
            reception.missing or reception.duplicate or reception.reordered
        )
        return (placed if self.is_datagrams or troubled else plain).result()

    def _quality(
        self, bursts: Bursts, upstream_ms: float, duration_ns: int, buffers: Any
    ) -> Quality:
        """Of what a listener with an adaptive buffer would have heard."""
        if not self.frames or not self.judge.is_settled:
            return assess(None)
        upstream = min(1.0, upstream_ms * 1e6 / max(duration_ns, 1))
        late = buffers["adaptive"].late_ratio if "adaptive" in buffers else 0.0
        loss = 1 - (1 - bursts.loss_ratio) * (1 - upstream)
        return assess(
            loss,
            discard_ratio=late,
            mean_burst_frames=bursts.mean_run_frames,
            listening_only=True,
        )
