"""How a link held frames back: now and then, in batches, before the start, or each a little."""

from __future__ import annotations

import numpy as np

from voipbin_cli.analysis.metrics import Measured
from voipbin_cli.analysis.pauses import HELD_NS, PauseKind

# So many holds show a period: with fewer it may be chance.
_LEAST_HOLDS = 4
# A timer is even: half of the times between two flushes are within a tenth of its period.
_EVEN = 0.1
# Of all the audio so much comes in the batches of a timer, and what comes between them is none.
_HELD_SHARE = 0.6
# Where a stall is an exception, most frames come when they are due; where each is late by what
# chance says, hardly any does (of delays of up to 120 ms one in twelve, of 60 ms one in six).
_CALM = 0.3


def period_ms(measured: Measured) -> float | None:
    """The period of what collects frames and hands them on together, None where there is none."""
    ends = np.array([pause.at_ns for pause in measured.stalls], np.int64)
    held_ms = sum(pause.late_ns for pause in measured.stalls) / 1e6
    if ends.size < _LEAST_HOLDS or measured.share(held_ms) < _HELD_SHARE:
        return None
    low, period, high = np.percentile(np.diff(ends), [25, 50, 75]).tolist()
    return float(period) / 1e6 if high - low <= 2 * _EVEN * period else None


def is_each_late(measured: Measured) -> bool:
    """Whether the delay of each frame varies, so that pauses are its chance and no stalls."""
    longest_ns = max((pause.late_ns for pause in measured.stalls), default=0)
    return measured.calm_ratio < _CALM and longest_ns < HELD_NS and period_ms(measured) is None


def backlog_ms(measured: Measured) -> float:
    """Audio that had waited before the first frame, this machine's own lateness left out."""
    is_own = measured.lag.max_ms * 2 >= measured.backlog_ms
    return 0.0 if is_own else measured.backlog_ms


def held_ms(measured: Measured) -> list[float]:
    """How long the link held frames back, each time, where it did that at all."""
    late = [pause.late_ns / 1e6 for pause in measured.stalls]
    wandered = sum(pause.late_ns for pause in measured.paused(PauseKind.WANDER)) / 1e6
    return [] if sum(late) < wandered or is_each_late(measured) else late
