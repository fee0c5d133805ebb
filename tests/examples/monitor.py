"""A monitor: says nothing into the call, and tells its level each second and when it is silent.

voipbin stream pipe CALL --events 3 -- python monitor.py >&2

What it tells goes to stderr, as its stdout is what is said into the call.
"""

from __future__ import annotations

import array
import math
import sys

RATE_HZ = 8000
SILENT_DBFS = -55.0


def level_dbfs(samples: array.array[int]) -> float:
    """The RMS level, -90 for digital silence."""
    power = sum(sample * sample for sample in samples) / len(samples)
    return 10 * math.log10(power / 32768**2) if power else -90.0


def main() -> None:
    second = 0
    while data := sys.stdin.buffer.read(2 * RATE_HZ):
        level = level_dbfs(array.array("h", data[: len(data) // 2 * 2]))
        state = "silent" if level < SILENT_DBFS else "sound"
        second += 1
        print(f"{second} s: {level:.1f} dBFS, {state}", file=sys.stderr, flush=True)


main()
