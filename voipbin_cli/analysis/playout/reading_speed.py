"""The delay between arrival and playing: its target, its error, the reading speed to correct it."""

from __future__ import annotations

import math

import numpy as np

from voipbin_cli.analysis.columns import Blocks
from voipbin_cli.analysis.playout.target_delay import BLOCK_FRAMES, MS, DelayTarget, Policy

# The lag is smoothed over a second. An error of up to 3 ms is left as it is; each further
# millisecond changes the speed by 200 ppm, 0.5 % at most, which is not heard.
DEAD_ZONE_MS = 3.0
_SMOOTHING_MS = 1000.0
_PPM_PER_MS = 200.0
_MOST_PPM = 5000.0
# The integral part changes only after 5 s of an error below 10 ms: a larger one comes from the
# delay's changing, not from the clocks' drift.
_DRIFT_MS = 20_000.0
_SETTLED_ERROR_MS = 10.0
_SETTLED_MS = 5000.0
# A lag that differs from the smoothed one by more is a jump, and taken without smoothing.
JUMP_MS = 250.0
# A sound card that asks for samples early by more than 5 ms needs so much more delay, up to 100 ms;
# what it needed is forgotten within seconds.
_UNEVEN_LEAST_MS = 5.0
_UNEVEN_MOST_MS = 100.0
_UNEVEN_SMOOTHING_MS = 5000.0


class DelayControl:
    """Computes the error of the delay, and the reading speed, from arrivals and due times.

    `delay_ms` is how much later than that of the fastest frames the audio is played now,
    `error_ms` (smoothed) by how much that is too much, negative where it is too little.
    `ratio_ppm` is how much faster than nominal to read; `drift_ppm` its lasting part, the
    difference between the far end's clock and the caller's.
    """

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._needs = DelayTarget()
        self._offsets: Blocks[np.int64] = Blocks(BLOCK_FRAMES, np.int64)
        self._blocks = 0
        self._block_base_ns: int | None = None
        self.base_ns: int | None = None
        self.delay_ms = 0.0
        self.error_ms = 0.0
        self.ratio_ppm = 0.0
        self.drift_ppm = 0.0
        self._lag_ms = -math.inf
        self._uneven_ms = 0.0
        self._pull_ms = 0.0
        self._settled_ms = 0.0

    def observe(self, offset_ns: int) -> None:
        """Take a frame's arrival less its place in the audio."""
        least = self._block_base_ns
        self._block_base_ns = offset_ns if least is None else min(least, offset_ns)
        blocks = self._offsets.add([offset_ns])
        if len(blocks):
            self._needs.add(blocks)
            self._blocks += 1
            self._block_base_ns = None
        known = (self._needs.base_ns, self._block_base_ns)
        self.base_ns = min(base for base in known if base is not None)

    @property
    def target_ms(self) -> float:
        """The delay aimed at, above the fastest frame's: what the arrivals and the puller need."""
        own_ms = self._pull_ms + self._uneven_ms + DEAD_ZONE_MS
        policy = self._policy._replace(margin_ms=own_ms)
        return float(policy.delay_ns(self._needs.needed_ns, self._blocks)) / MS

    def steer(self, lag_ms: float, length_ms: float) -> None:
        """Update delay and error: `lag_ms` is by how much playing is behind the far end's audio.

        `length_ms` is what is pulled now.
        """
        assert self.base_ns is not None
        if abs(lag_ms - self._lag_ms) > JUMP_MS:
            self._lag_ms = lag_ms
        self._lag_ms += (lag_ms - self._lag_ms) * min(1.0, length_ms / _SMOOTHING_MS)
        uneven_ms = self._uneven_ms * (1 - min(1.0, length_ms / _UNEVEN_SMOOTHING_MS))
        sooner_ms = self._lag_ms - lag_ms - _UNEVEN_LEAST_MS
        self._uneven_ms = min(_UNEVEN_MOST_MS, max(uneven_ms, sooner_ms))
        self._pull_ms = max(length_ms, self._pull_ms * 0.99)
        base_ms = self.base_ns / MS
        self.delay_ms = lag_ms - base_ms
        self.error_ms = self._lag_ms - base_ms - self.target_ms

    def moved(self, lag_ms: float) -> None:
        """Account for `lag_ms` of audio put in (negative: left out) between two pulls."""
        self._lag_ms += lag_ms
        self.error_ms += lag_ms
        self.delay_ms += lag_ms
        self._settled_ms = 0.0

    def set_speed(self, length_ms: float) -> None:
        """Set the reading speed: a PI controller, critically damped; its integral is the drift."""
        beyond_ms = math.copysign(max(0.0, abs(self.error_ms) - DEAD_ZONE_MS), self.error_ms)
        push_ppm = beyond_ms * _PPM_PER_MS
        self.ratio_ppm = _bounded(self.drift_ppm + push_ppm)
        self._settled_ms += length_ms
        if abs(self.error_ms) > _SETTLED_ERROR_MS:
            self._settled_ms = 0.0
        if self._settled_ms > _SETTLED_MS:
            self.drift_ppm = _bounded(self.drift_ppm + push_ppm * length_ms / _DRIFT_MS)


def _bounded(ppm: float) -> float:
    return min(_MOST_PPM, max(-_MOST_PPM, ppm))
