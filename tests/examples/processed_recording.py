"""A recording with processing: takes hum and rumble out of what is heard, and keeps it as WAV.

voipbin stream pipe CALL -- python processed_recording.py call.wav

Each 20 ms goes through a high-pass filter of 200 Hz as it comes. (`voipbin stream record` keeps the
sound as it is, and is safe against a kill; this shows where a filter of one's own goes.)
"""

from __future__ import annotations

import array
import math
import sys
import wave

RATE_HZ = 8000
CUTOFF_HZ = 200.0


class HighPass:
    """A Butterworth filter of second order; it goes on from one piece to the next."""

    def __init__(self) -> None:
        k = math.tan(math.pi * CUTOFF_HZ / RATE_HZ)
        scale = 1 / (1 + math.sqrt(2) * k + k * k)
        self._b = (scale, -2 * scale, scale)
        self._a = (2 * (k * k - 1) * scale, (1 - math.sqrt(2) * k + k * k) * scale)
        self._first = self._second = 0.0

    def filtered(self, samples: array.array[int]) -> array.array[int]:
        out = array.array("h")
        for x in samples:
            y = self._b[0] * x + self._first
            self._first = self._b[1] * x - self._a[0] * y + self._second
            self._second = self._b[2] * x - self._a[1] * y
            out.append(max(-32768, min(32767, round(y))))
        return out


def main(path: str) -> None:
    high_pass = HighPass()
    with wave.open(path, "wb") as out:
        out.setparams((1, 2, RATE_HZ, 0, "NONE", ""))
        while data := sys.stdin.buffer.read(320):
            piece = array.array("h", data[: len(data) // 2 * 2])
            out.writeframes(high_pass.filtered(piece).tobytes())


main(sys.argv[1])
