"""When each frame is due: an absolute grid, a lead over it, and what a stall does to it.

No clock is read here: times come in as nanoseconds of whichever clock the caller has.
"""

from __future__ import annotations

import math
from collections import Counter

from voipbin_cli.codec.codecs import FRAME_NS

# A frame that waits at the far end before its time, so that a wake-up 20 ms late is no hole.
DEFAULT_LEAD_MS = 40
# A conference throws its whole queue away when more than this waits in it, and the frame that is
# being played waits there, too.
MAX_LEAD_NS = 80_000_000
_STEP_NS = 10_000


class Errors:
    """How far sending was off its grid, in steps of 10 µs: small, however long a run lasts."""

    def __init__(self) -> None:
        self.count = 0
        self.max_ns = 0
        self._steps: Counter[int] = Counter()

    def add(self, error_ns: int) -> None:
        """Count one frame."""
        self.count += 1
        self.max_ns = max(self.max_ns, error_ns)
        self._steps[error_ns // _STEP_NS] += 1

    def merge(self, other: Errors) -> None:
        """Count all that `other` has counted."""
        self.count += other.count
        self.max_ns = max(self.max_ns, other.max_ns)
        self._steps.update(other._steps)

    def percentile_ns(self, percent: float) -> int:
        """Return the least error that `percent` of the frames do not exceed (nearest rank)."""
        rank = math.ceil(self.count * percent / 100)
        seen = 0
        for step in sorted(self._steps):
            seen += self._steps[step]
            if seen >= rank:
                return min(step * _STEP_NS + _STEP_NS // 2, self.max_ns)
        return 0

    def as_fields(self) -> dict[str, float] | None:
        """Return `send_error_ms` of a summary; None when nothing was sent."""
        if not self.count:
            return None
        p50_ns, p99_ns = self.percentile_ns(50), self.percentile_ns(99)
        return {"p50": _ms(p50_ns), "p99": _ms(p99_ns), "max": _ms(self.max_ns)}


def _ms(ns: int) -> float:
    return round(ns / 1e6, 3)


class Pacer:
    """Says when the next frame is to be sent.

    Frame n is to be heard from `start + n * 20 ms` on, `start` being when the first one was sent.
    The lead is how much audio waits at the far end just after a frame has come, that frame
    counted: its end is sent `lead` before it is to be heard, and the first `lead / 20 ms` frames
    go at once. So 80 ms is what a conference's queue holds, and less than a frame is a frame.
    Late wake-ups never add up, because every deadline is counted from the start.

    A frame that is late by up to what waits before it (by up to a frame where that is shorter)
    changes nothing: those that follow catch up. Later than that the far end has run dry, and the
    rest is *delayed*: the frame starts a new grid, as the first one did. So nothing is lost, and
    no burst is longer than the one at the start.
    """

    def __init__(self, lead_ns: int = DEFAULT_LEAD_MS * 1_000_000) -> None:
        self.lead_ns = min(max(lead_ns, FRAME_NS), MAX_LEAD_NS)
        self.errors = Errors()
        self.late_frames = 0
        self.delayed_ns = 0
        self.max_lead_ns = 0
        self._start_ns = 0
        self._sent = 0

    def start(self, now_ns: int) -> None:
        """Begin a grid: the next frame is the first of it, due at once."""
        self._start_ns = now_ns
        self._sent = 0

    @property
    def due_ns(self) -> int:
        """When the next frame is to be sent."""
        return max(self._start_ns, self._heard_until_ns - self.lead_ns)

    @property
    def _heard_from_ns(self) -> int:
        return self._start_ns + self._sent * FRAME_NS

    @property
    def _heard_until_ns(self) -> int:
        return self._heard_from_ns + FRAME_NS

    def sent(self, now_ns: int) -> None:
        """Count the next frame as sent at `now_ns`."""
        if not self._sent:
            self._start_ns = now_ns
        self.errors.add(max(0, now_ns - self.due_ns))
        dry_ns = now_ns - self._heard_from_ns
        if dry_ns > max(0, 2 * FRAME_NS - self.lead_ns):
            self.late_frames += 1
            self.delayed_ns += dry_ns
            self.start(now_ns)
        self.max_lead_ns = max(self.max_lead_ns, self._heard_until_ns - now_ns)
        self._sent += 1
