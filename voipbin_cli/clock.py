"""The clock of a run: it never goes back, and goes on while the machine is suspended."""

from __future__ import annotations

import time

# Linux stops its monotonic clock while it is suspended, and has another one that goes on. On macOS
# the one of clock_gettime goes on, and that of Python's time.monotonic does not.
_CLOCK = getattr(time, "CLOCK_BOOTTIME", getattr(time, "CLOCK_MONOTONIC", None))


def unix_offset_ns() -> int:
    """Return what has to be added to times of `now_ns` to make Unix time of them, as of now."""
    return time.time_ns() - now_ns()


def now_ns() -> int:
    """Return nanoseconds since a moment in the past; no other clock counts from the same one."""
    return time.monotonic_ns() if _CLOCK is None else time.clock_gettime_ns(_CLOCK)
