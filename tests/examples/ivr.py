"""A menu: says a prompt, and for each digit that is pressed the answer of that digit.

voipbin stream pipe CALL --events 3 -- python ivr.py

The prompt is one tone, an answer as many short ones as its digit says; a real menu would write the
samples of its recordings. A digit that comes while something is said waits until it is over.
"""

from __future__ import annotations

import json
import math
import os
import struct
import sys
import threading

RATE_HZ = 8000
PAUSE = bytes(2 * RATE_HZ // 10)


def tone(hertz: float, seconds: float) -> bytes:
    """A tone, faded in and out over 10 ms so that it does not click."""
    count = round(seconds * RATE_HZ)
    samples = (
        8000 * min(1, n / 80, (count - n) / 80) * math.sin(2 * math.pi * hertz * n / RATE_HZ)
        for n in range(count)
    )
    return struct.pack(f"<{count}h", *map(round, samples))


def say(sound: bytes) -> None:
    sys.stdout.buffer.write(sound)
    sys.stdout.buffer.flush()


def swallow(sound: int) -> None:
    """Read what comes, and do nothing with it: the digits are told on descriptor 3."""
    while os.read(sound, 320):
        pass


def main() -> None:
    threading.Thread(target=swallow, args=(sys.stdin.fileno(),), daemon=True).start()
    say(tone(440, 0.5))
    with open(3, encoding="utf-8") as events:
        for line in events:
            event = json.loads(line)
            if event["event"] == "dtmf" and event["digit"].isdigit():
                say((PAUSE + tone(660, 0.1)) * int(event["digit"]))


main()
