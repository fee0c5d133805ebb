"""Intervals that a figure is in with 99 %, and what they say of the difference of two."""

from __future__ import annotations

import math
from typing import NamedTuple

# Half the width of a 99 % interval in standard errors. Some ten figures are looked at at once: at
# 95 % each, two healthy runs would be told apart every other time.
Z = 2.576
# Student's t of f degrees of freedom as Z (1 + a/f + b/f^2 + c/f^3): within 2 % from f = 3 on
# (5.84; 3.71 at 6; 3.17 at 10).
_STUDENT = (1.9, 3.2, 8.0)


class Interval(NamedTuple):
    """A figure, and between which values it is."""

    value: float
    low: float
    high: float


def within(value: float, uncertainty: float) -> Interval:
    """Return the interval of a figure whose uncertainty is known."""
    return Interval(value, value - uncertainty, value + uncertainty)


def share(hits: float, of: int, run_length: float = 1.0) -> Interval:
    """Return the interval of a share: `hits` of so many, which come in runs (Wilson).

    A run counts as one: in a run of ten lost frames there is the news of one. Runs whose lengths
    differ as chance makes them (geometric) count for half of that.
    """
    if not of:
        return Interval(0.0, 0.0, 1.0)
    n = max(1.0, of / max(1.0, 2 * run_length - 1))
    p, square = hits / of, Z * Z
    middle = (p + square / (2 * n)) / (1 + square / n)
    half = Z / (1 + square / n) * math.sqrt(p * (1 - p) / n + square / (4 * n * n))
    return Interval(p, min(p, max(0.0, middle - half)), max(p, min(1.0, middle + half)))


def rate(events: int, time: float) -> Interval:
    """Return the interval of how often something happens that happened `events` times in `time`.

    Poisson's, in Byar's approximation.
    """
    if time <= 0:
        return Interval(0.0, 0.0, math.inf)
    low = 0.0 if not events else _byar(events, -Z)
    return Interval(events / time, low / time, _byar(events + 1, Z) / time)


def _byar(events: int, z: float) -> float:
    root: float = max(0.0, 1 - 1 / (9 * events) + z / (3 * math.sqrt(events)))
    return events * root**3


def student(freedom: int) -> float:
    """Return how many standard errors half a 99 % interval is wide, of 3 degrees and more."""
    a, b, c = _STUDENT
    return Z * (1 + a / freedom + b / freedom**2 + c / freedom**3)


def difference(before: Interval, after: Interval) -> Interval:
    """Return by how much the second is more: from the intervals of both (MOVER, Zou 2008)."""
    change = after.value - before.value
    down = math.hypot(after.value - after.low, before.high - before.value)
    up = math.hypot(after.high - after.value, before.value - before.low)
    return Interval(change, change - down, change + up)
