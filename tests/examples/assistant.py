"""An assistant: answers when the caller has finished, and is quiet as soon as he speaks again.

voipbin stream pipe CALL --events 3 --barge-in -- python assistant.py

Its stdin is the caller's sound, its stdout what it says (16-bit mono, 8000 samples a second), and
descriptor 3 tells who speaks. A real one would hand the sound to a recogniser and say what its
voice makes of the answer; this one says two tones. It says its answer at once: `pipe` sends it in
time, and with --barge-in drops the rest when the caller interrupts.
"""

from __future__ import annotations

import json
import math
import os
import struct
import sys
import threading

RATE_HZ = 8000


def tone(hertz: float, seconds: float) -> bytes:
    """A tone, faded in and out over 10 ms so that it does not click."""
    count = round(seconds * RATE_HZ)
    samples = (
        8000 * min(1, n / 80, (count - n) / 80) * math.sin(2 * math.pi * hertz * n / RATE_HZ)
        for n in range(count)
    )
    return struct.pack(f"<{count}h", *map(round, samples))


def swallow(sound: int) -> None:
    """Read what the caller says; here a recogniser would get it."""
    while os.read(sound, 320):
        pass


def main() -> None:
    answer = tone(523, 0.6) + tone(659, 0.9)
    threading.Thread(target=swallow, args=(sys.stdin.fileno(),), daemon=True).start()
    with open(3, encoding="utf-8") as events:
        for line in events:
            event = json.loads(line)
            if event["event"] == "speech" and not event["speaking"]:
                sys.stdout.buffer.write(answer)
                sys.stdout.buffer.flush()


main()
