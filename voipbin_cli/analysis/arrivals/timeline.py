"""Where a stream's audio lies on the clock: stalls that caught up, audio that never came.

RTP loss figures see none of it: over TCP nothing is lost or reordered, and the sequence numbers
are made at the platform's bridge. What tells is the *delay* of each frame, its arrival less the
audio received before it. On a steady stream the delay is flat. A stall lifts it and the catch-up
brings it down again; audio that never came lifts it for good; a far clock that runs slow or fast
tilts it, too slowly to matter within one gap.
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from voipbin_cli.codec.pcm import FRAME_NS

# The platform's own gaps reach 33 ms on a quiet machine; one frame that never came makes 40 ms.
GAP_NS = 35_000_000
# What is still missing half a second after the stream goes on is lost: a TCP catch-up takes a few
# round trips.
SETTLE_NS = 500_000_000
# A link that is still catching up is given longer, but a recording cannot wait for ever.
PATIENCE_NS = 2_000_000_000
# What counts as the delay before a gap: of the lowest in each half second of the last two, the
# highest. So jitter, which lifts every such minimum now and then, is not taken for loss.
FLOOR_FRAMES = 100
BLOCK_FRAMES = 25
# The delay is floored by jitter from above only: a rise under this much is no loss.
LEAST_LOSS_NS = 12_000_000
# Back to the old delay within this much: all the audio of the gap has come after all.
CAUGHT_UP_NS = 8_000_000
# A queue that fills up lifts the delay for good, too: so much of it has to show in the pings.
QUEUE_SHARE = 0.6


class Gap(NamedTuple):
    """A pause in the arrivals, judged.

    `frame` is the index of the first frame after it, `at_ns` that frame's arrival, `length_ns`
    the time since the frame before. `lost_ns` is the audio that never came; what is left of
    the pause was a stall that caught up.
    """

    frame: int
    at_ns: int
    length_ns: int
    lost_ns: int


class _Segment:
    """The frames between one gap and the next, while it is still open what became of them."""

    __slots__ = ("at_ns", "frame", "least_delay_ns", "length_ns")

    def __init__(self, frame: int, at_ns: int, length_ns: int, delay_ns: int) -> None:
        self.frame = frame
        self.at_ns = at_ns
        self.length_ns = length_ns
        self.least_delay_ns = delay_ns


class Timeline:
    """A fold over (arrival, duration) of frames that says which gaps lost audio.

    `add` returns the gaps that this frame has settled, mostly none. While `open` is true the
    frames since `open_frame` may still turn out to follow lost audio, and a recorder that must
    put silence before them holds them back. `finish` judges what is open at the end.
    """

    def __init__(self) -> None:
        self.frames = 0
        self.open = False
        self._audio_ns = 0
        self._last_ns = 0
        self._floor: deque[int] = deque(maxlen=FLOOR_FRAMES)
        self._floor_ns = 0
        self._spread_ns = 0
        self._range_ns = 0
        self._shift_ns = 0  # all that was lost so far: the delays before it count as lifted, too
        self._broken = False
        self._segments: list[_Segment] = []
        self._last_drop_ns = 0
        self._duration_ns = FRAME_NS

    @property
    def last_ns(self) -> int:
        """When the latest frame arrived, 0 before the first."""
        return self._last_ns

    @property
    def open_frame(self) -> int:
        """Index of the first frame whose place on the clock is not settled."""
        return self._segments[0].frame if self._segments else self.frames

    def add(self, arrival_ns: int, duration_ns: int) -> tuple[Gap, ...]:
        """Take one frame that arrived at `arrival_ns` and holds `duration_ns` of audio."""
        delay_ns = arrival_ns - self._audio_ns
        gap_ns = arrival_ns - self._last_ns if self.frames else 0
        settled: tuple[Gap, ...] = ()
        if self._broken and self.frames:
            self._open_gap(arrival_ns, gap_ns, delay_ns)
            settled = self._settle(len(self._segments))
        elif gap_ns > max(GAP_NS, 2 * duration_ns - (duration_ns >> 2)):
            self._open_gap(arrival_ns, gap_ns, delay_ns)
        elif self.open:
            settled = self._follow(arrival_ns, delay_ns)
        self._floor.append(delay_ns - self._shift_ns)
        self._broken = False
        self.frames += 1
        self._duration_ns = duration_ns
        self._audio_ns += duration_ns
        self._last_ns = arrival_ns
        return settled

    def broke(self) -> tuple[Gap, ...]:
        """Judge what is open: the connection is gone.

        What was under way will never catch up, so the pause before the next frame is lost audio.
        """
        self._broken = True
        return self.finish()

    def finish(self) -> tuple[Gap, ...]:
        """Judge the gaps that are still open by what has come so far.

        A few frames have no minimum to speak of, so only what is later than any frame before
        the gap counts as lost.
        """
        self._spread_ns = self._range_ns
        return self._settle(len(self._segments)) if self.open else ()

    def _open_gap(self, arrival_ns: int, gap_ns: int, delay_ns: int) -> None:
        if not self.open:
            self.open = True
            self._measure_floor()
        self._segments.append(_Segment(self.frames, arrival_ns, gap_ns, delay_ns))
        self._last_drop_ns = arrival_ns

    def _measure_floor(self) -> None:
        delays_ns = list(self._floor)
        first = len(delays_ns) % BLOCK_FRAMES if len(delays_ns) >= BLOCK_FRAMES else 0
        blocks = range(first, len(delays_ns), BLOCK_FRAMES)
        minima = [min(delays_ns[i : i + BLOCK_FRAMES]) for i in blocks]
        self._floor_ns = max(minima) + self._shift_ns
        self._spread_ns = max(minima) - min(minima)
        self._range_ns = max(delays_ns) - min(delays_ns)

    def _lower_delays_since(self, frame: int, lost_ns: int) -> None:
        """Audio that never came lifts all later delays: take that out of the known ones."""
        if lost_ns:
            self._shift_ns += lost_ns
            known = len(self._floor) - min(len(self._floor), self.frames - frame)
            for i in range(known, len(self._floor)):
                self._floor[i] -= lost_ns

    def _follow(self, arrival_ns: int, delay_ns: int) -> tuple[Gap, ...]:
        segment = self._segments[-1]
        if delay_ns < segment.least_delay_ns - CAUGHT_UP_NS:
            self._last_drop_ns = arrival_ns
        segment.least_delay_ns = min(segment.least_delay_ns, delay_ns)
        if segment.least_delay_ns - self._floor_ns < CAUGHT_UP_NS:
            return self._settle(len(self._segments))
        steady = arrival_ns - max(self._last_drop_ns, segment.at_ns) >= SETTLE_NS
        if steady or arrival_ns - segment.at_ns >= PATIENCE_NS:
            return self._settle(len(self._segments))
        if arrival_ns - self._segments[0].at_ns >= PATIENCE_NS:
            return self._settle(len(self._segments) - 1)
        return ()

    def _settle(self, count: int) -> tuple[Gap, ...]:
        """Judge the first `count` gaps: what a later frame still caught up, none of them lost."""
        gaps: list[Gap] = []
        least_ns = [segment.least_delay_ns for segment in self._segments]
        for i in reversed(range(len(least_ns) - 1)):
            least_ns[i] = min(least_ns[i], least_ns[i + 1])
        for segment, delay_ns in zip(self._segments[:count], least_ns, strict=False):
            lost_ns = self._whole_frames(delay_ns - self._floor_ns)
            self._floor_ns += lost_ns
            self._lower_delays_since(segment.frame, lost_ns)
            gaps.append(Gap(segment.frame, segment.at_ns, segment.length_ns, lost_ns))
        del self._segments[:count]
        self.open = bool(self._segments)
        return tuple(gaps)

    def _whole_frames(self, rise_ns: int) -> int:
        """Audio goes missing in whole frames; what jitter adds to the rise is not loss."""
        if rise_ns < LEAST_LOSS_NS + 2 * self._spread_ns:
            return 0
        return round(rise_ns / self._duration_ns) * self._duration_ns
