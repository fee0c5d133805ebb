"""The playout buffer: from frames as they arrive to samples when they are due.

One class for the loudspeaker and for the question what a listener would have heard. It knows
no clock: arrivals and due times are arguments, of one and the same clock, in nanoseconds.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from voipbin_cli.analysis.playout.conceal import Audio, Concealer
from voipbin_cli.analysis.playout.reading_speed import JUMP_MS, DelayControl
from voipbin_cli.analysis.playout.sample_queue import SampleQueue
from voipbin_cli.analysis.playout.target_delay import MS, Policy
from voipbin_cli.analysis.playout.variable_speed import FractionalReader

# From these errors of the delay on samples are left out or put in: in silence (below -45 dBFS) up
# to 20 ms at a time, in speech one pitch period every 60 ms, where it is periodic enough.
_QUIET_ERROR_MS = 10.0
_QUIET_STEP_MS = 20.0
_SPEECH_ERROR_MS = 40.0
_QUIET_LEVEL = 10 ** (-45 / 20)
_PERIODIC = 0.5
_BLEND_MS = 10.0
_SPEECH_PAUSE_MS = 60.0
# Frames too late one after the other, each at least 0.7 of a frame's length after the one before,
# do not catch up, or not soon. The third is played later: 60 ms of silence are heard until then.
_SUSPECTS = 3
_NORMAL_PACE = 0.7


class Mode(StrEnum):
    """Whether the delay follows what the arrivals need."""

    ADAPTIVE = "adaptive"
    FIXED = "fixed"


class PlayoutStats(NamedTuple):
    """Counters and gauges. Milliseconds of played audio, counts of frames, or as named.

    `delay_ms` is the delay now beyond that of the fastest frames, `mean_delay_ms` its mean,
    `target_ms` what is aimed at, `depth_ms` the audio held; `drift_ppm` how much faster than
    the sound card the far end runs; `adjustments` how often samples were put in or left out;
    `put_off_ms` by how much frames that went on being too late were played later.
    """

    frames: int
    late_frames: int
    late_ratio: float
    played_ms: float
    concealed_ms: float
    concealed_ratio: float
    delay_ms: float
    mean_delay_ms: float
    target_ms: float
    depth_ms: float
    ratio_ppm: float
    drift_ppm: float
    adjustments: int
    inserted_ms: float
    skipped_ms: float
    put_off_ms: float


class PlayoutFrame(NamedTuple):
    """Samples with the time of their arrival and their place in the audio."""

    arrival_ns: int
    position: int
    samples: Audio


class PlayoutBuffer:
    """Holds audio until it is due, as long as arrival variation needs and no longer.

    It starts `start_ms` after the first frame. `adaptive` then keeps late frames under 1 %
    with the least delay that does, `fixed` stays. A missing frame is concealed, a late one
    dropped. The difference between the far clock and the caller's is taken up by reading a
    few parts in a million faster or slower. Memory is bounded whatever is pushed or pulled.
    What it would do is foretold, without any audio, by `late_frames.BufferFold`.
    """

    def __init__(
        self,
        start_ms: float = 60.0,
        mode: Mode | str = Mode.ADAPTIVE,
        *,
        rate_hz: int = 8000,
        most_ms: float = 500.0,
    ) -> None:
        self.mode = Mode(mode)
        self.rate_hz = rate_hz
        fixed_ms = start_ms if self.mode is Mode.FIXED else None
        policy = Policy(self.mode, fixed_ms, start_ms, most_ms=most_ms)
        self._control = DelayControl(policy)
        self._start_ns = round(start_ms * MS)
        self._queue = SampleQueue(round((most_ms / 1000 + 1) * rate_hz))
        self._concealer = Concealer(rate_hz)
        self._reader = FractionalReader(self._produce)
        self._next = 0
        self._suspects: list[PlayoutFrame] = []
        self._position: int | None = None
        self._pause_ms = 0.0
        self._hold = False
        self._frames = self._late_frames = self._adjustments = 0
        self._played = self._concealed = self._inserted = self._skipped = self._put_off = 0
        self._delay_sum = 0.0

    def push(self, arrival_ns: int, samples: NDArray[Any], *, position: int | None = None) -> None:
        """Take a frame, int16 or float32 in [-1, 1], that arrived at `arrival_ns`.

        `position` is its place in the audio in samples, where the stream tells one (extended
        RTP timestamps): frames may then be missing or out of order. Without it each frame
        follows the one before, and where frames go on being too late a hole is put before them.
        """
        audio = _as_float(samples)
        if not audio.size:
            return
        self._frames += 1
        told = position is not None
        place = self._next if position is None else position
        self._next = place + audio.size
        frame = PlayoutFrame(arrival_ns, place, audio)
        if self._position is None or place >= self._position:
            self._settle()
            self._accept(frame)
        elif told:
            self._accept(frame)
        else:
            self._suspect(frame)

    def pull(self, now_ns: int, count: int) -> Audio:
        """Return the `count` samples that are due from `now_ns` on: float32, always so many."""
        lead = 0
        if self._position is None:
            lead = self._begin(now_ns, count)
            if lead >= count:
                return np.zeros(count, np.float32)
        self._steer(now_ns + self._ns(lead), count - lead)
        output = self._reader.read(count - lead, 1.0 + self._control.ratio_ppm * 1e-6)
        self._played += count - lead
        self._delay_sum += self._control.delay_ms * (count - lead)
        return np.concatenate([np.zeros(lead, np.float32), output]) if lead else output

    @property
    def stats(self) -> PlayoutStats:
        """The figures so far."""
        late = self._late_frames + sum(map(self._too_late, self._suspects))
        played = max(1, self._played)
        return PlayoutStats(
            frames=self._frames,
            late_frames=late,
            late_ratio=late / max(1, self._frames),
            played_ms=self._ms(self._played),
            concealed_ms=self._ms(self._concealed),
            concealed_ratio=min(1.0, self._concealed / played),
            delay_ms=self._control.delay_ms,
            mean_delay_ms=self._delay_sum / played,
            target_ms=self._control.target_ms,
            depth_ms=self._ms(self._queue.held),
            ratio_ppm=self._control.ratio_ppm,
            drift_ppm=self._control.drift_ppm,
            adjustments=self._adjustments,
            inserted_ms=self._ms(self._inserted),
            skipped_ms=self._ms(self._skipped),
            put_off_ms=self._ms(self._put_off),
        )

    # Frames in

    def _accept(self, frame: PlayoutFrame) -> None:
        """Keep what of a frame is not too late; a frame wholly too late counts as late."""
        self._control.observe(self._offset(frame))
        if self._too_late(frame):
            self._late_frames += 1
            return
        dropped = self._queue.put(frame.position, frame.samples, self._position)
        if dropped and self._position is not None:
            self._skip(dropped)

    def _too_late(self, frame: PlayoutFrame) -> bool:
        return self._position is not None and frame.position + frame.samples.size <= self._position

    def _suspect(self, frame: PlayoutFrame) -> None:
        """Too late, in part at least; if frames go on being so at the normal pace, play them later.

        That is no verdict on the pause: a sound card cannot wait half a second for one.
        """
        assert self._position is not None
        self._queue.put(frame.position, frame.samples, self._position)
        if self._suspects:
            gap_ns = frame.arrival_ns - self._suspects[-1].arrival_ns
            if gap_ns < _NORMAL_PACE * self._ns(frame.samples.size):
                self._settle()
        self._suspects.append(frame)
        if len(self._suspects) == _SUSPECTS:
            self._put_hole()

    def _settle(self) -> None:
        """Count the suspects as late: the frame after them was not."""
        for frame in self._suspects:
            self._accept(frame)
        self._suspects.clear()

    def _put_hole(self) -> None:
        """Shift the suspects to later positions, by what makes the fastest of them on time."""
        assert self._control.base_ns is not None
        lift_ns = min(map(self._offset, self._suspects)) - self._control.base_ns
        lift = max(0, round(lift_ns * self.rate_hz / 1e9))
        self._put_off += lift
        self._next += lift
        for frame in self._suspects:
            self._accept(frame._replace(position=frame.position + lift))
        self._suspects.clear()

    def _offset(self, frame: PlayoutFrame) -> int:
        return frame.arrival_ns - self._ns(frame.position)

    # The delay

    def _begin(self, now_ns: int, count: int) -> int:
        """Start `start_ms` after the first frame; return how many samples that is from now."""
        first = self._queue.first
        base_ns = self._control.base_ns
        if first is None or base_ns is None:
            return count
        wait_ns = base_ns + self._ns(first) + self._start_ns - now_ns
        lead = -(-wait_ns * self.rate_hz // 1_000_000_000)
        if lead < count:
            self._position = first + max(0, -lead)
            self._queue.drop_before(self._position)
        return max(0, lead)

    def _steer(self, due_ns: int, count: int) -> None:
        """Measure the delay, and choose the speed and the steps that bring it to the target."""
        assert self._position is not None
        length_ms = self._ms(count)
        head = self._position - self._reader.pending
        self._control.steer(due_ns / MS - self._ms(head), length_ms)
        # A dry buffer may wait for its audio as long as it plays sooner than it should.
        self._hold = self._control.error_ms < -1.0 and self.mode is Mode.ADAPTIVE
        self._pause_ms = max(0.0, self._pause_ms - length_ms)
        self._correct()
        self._control.set_speed(length_ms)

    def _correct(self) -> None:
        """Leave samples out or put some in, where the speed alone would take too long."""
        error_ms = abs(self._control.error_ms)
        if error_ms > JUMP_MS:
            move = self._skip if self._control.error_ms > 0 else self._insert
            move(self._samples(error_ms))
        elif error_ms > _QUIET_ERROR_MS and self._quiet(_BLEND_MS):
            self._shift(self._samples(min(error_ms, _QUIET_STEP_MS)))
        elif error_ms > _SPEECH_ERROR_MS and not self._pause_ms:
            period, likeness = self._concealer.pitch()
            if likeness > _PERIODIC:
                self._shift(period)
                self._pause_ms = _SPEECH_PAUSE_MS

    def _shift(self, count: int) -> None:
        """Skip or repeat `count` samples, where the audio at hand allows it."""
        room = self._queue.available(self._position or 0)
        if room < count + self._samples(_BLEND_MS):
            return
        if self._control.error_ms < 0:
            self._insert(count)
        elif not self._quiet(0) or self._quiet(self._ms(count) + _BLEND_MS):
            self._skip(count)

    def _quiet(self, ahead_ms: float) -> bool:
        """Whether the sound is below _QUIET_LEVEL now and in the next `ahead_ms`."""
        count = self._samples(_BLEND_MS)
        if self._concealer.level(count) > _QUIET_LEVEL:
            return False
        piece = self._queue.peek(self._position or 0, self._samples(ahead_ms))
        return not piece.size or float(np.sqrt(np.mean(piece * piece))) < _QUIET_LEVEL

    def _skip(self, count: int) -> None:
        assert self._position is not None
        self._concealer.interrupt()
        self._position += count
        self._queue.drop_before(self._position)
        self._skipped += count
        self._moved(-count)

    def _insert(self, count: int) -> None:
        """Put in `count` samples that continue the sound, before those still to be read."""
        self._reader.insert(self._concealer.conceal(count))
        self._inserted += count
        self._moved(count)

    def _moved(self, count: int) -> None:
        self._adjustments += 1
        self._control.moved(self._ms(count))

    # Samples out

    def _produce(self, count: int) -> Audio:
        """The next `count` samples of the audio, synthesised where there are none."""
        assert self._position is not None
        pieces = []
        while count > 0:
            good = self._queue.take(self._position, count)
            if good.size:
                piece = self._concealer.good(good)
                self._position += good.size
            else:
                piece = self._concealer.conceal(min(count, self._queue.gap(self._position, count)))
                self._concealed += piece.size
                if self._hold and not self._queue.held:
                    self._control.moved(self._ms(piece.size))
                else:
                    self._position += piece.size
            pieces.append(piece)
            count -= piece.size
        return np.concatenate(pieces)

    def _ns(self, samples: int) -> int:
        return samples * 1_000_000_000 // self.rate_hz

    def _ms(self, samples: float) -> float:
        return samples * 1000.0 / self.rate_hz

    def _samples(self, ms: float) -> int:
        return int(ms * self.rate_hz / 1000)


def _as_float(samples: NDArray[Any]) -> Audio:
    audio = np.asarray(samples).ravel()
    if audio.dtype.kind == "i":
        return audio.astype(np.float32) / np.float32(32768)
    return audio.astype(np.float32)
