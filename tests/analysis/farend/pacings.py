"""Ways to send, right and wrong: when each message goes out, and how many samples it has.

At the very edge of what a queue holds the phase of the phone's clock decides: no stall and no long
lead is there.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

import numpy as np

Sent = list[tuple[int, int]]
"""Nanoseconds since the start, samples at 8 kHz."""

SECONDS = 12


def every(ms: float, frame_ms: float = 20.0, jitter_ms: float = 0.0) -> Sent:
    """Messages of `frame_ms`, one each `ms`, each late by chance on an absolute grid."""
    rng = random.Random(1)
    times = (n * ms + rng.uniform(0, jitter_ms) for n in range(int(SECONDS * 1000 / ms)))
    return [(round(at * 1e6), round(frame_ms * 8)) for at in sorted(times)]


def ahead(lead_ms: int) -> Sent:
    """Frames of 20 ms, the end of each sent so far ahead of its time."""
    return [(max(0, n * 20 - lead_ms + 20) * 1_000_000, 160) for n in range(SECONDS * 50)]


def sleeping(sleep_ms: float, work_ms: float) -> Sent:
    """A sleep after each frame, and work that takes its time."""
    rng, now, sent = random.Random(1), 0.0, []
    while now < SECONDS * 1000:
        sent.append((round(now * 1e6), 160))
        now += sleep_ms + rng.expovariate(1 / work_ms)
    return sent


def stalling(stall_ms: float) -> Sent:
    """On a grid, but for a stall each two seconds, after which all that is due comes at once."""
    due = np.arange(SECONDS * 50) * 20.0
    into = (due - 1000) % 2000
    held = (due >= 1000) & (into < stall_ms)
    times = np.where(held, due - into + stall_ms, due)
    return [(round(at * 1e6), 160) for at in times.tolist()]


def in_words(said_ms: int, silent_ms: int) -> Sent:
    """Frames on a grid while a word lasts, and nothing in the silence behind it."""
    into = np.arange(SECONDS * 50) * 20 % (said_ms + silent_ms)
    return [(n * 20_000_000, 160) for n in np.flatnonzero(into < said_ms).tolist()]


def all_at_once(message_ms: int) -> Sent:
    """One message with all of it."""
    return [(0, message_ms * 8)]


def _pacings() -> Iterator[tuple[str, Sent]]:
    for ms in (20, 20.1, 20.5, 21, 21.3, 22, 25, 28, 30, 35, 40, 60):
        yield f"a frame each {ms} ms", every(ms)
    for jitter in (1, 3, 8, 15, 30, 50):
        yield f"late by up to {jitter} ms", every(20, jitter_ms=jitter)
    for lead in (0, 20, 40, 60, 80, 100, 200, 400, 480, 600, 1000, 12_000):
        yield f"{lead} ms ahead", ahead(lead)
    for size, ms in (
        (40, 40),
        (60, 60),
        (100, 100),
        (100, 130),
        (250, 250),
        (250, 300),
        (480, 500),
    ):
        yield f"{size} ms each {ms} ms", every(ms, size)
    for work in (0.3, 1.3, 4):
        yield f"sleeps 20 ms after {work} ms of work", sleeping(20, work)
    for stall in (40, 150, 450):
        yield f"stalls of {stall} ms", stalling(stall)
    for said, silent in ((600, 400), (1500, 900)):
        yield f"words of {said} ms, {silent} ms of nothing between them", in_words(said, silent)
    yield "one message of 3,750 ms", all_at_once(3750)
    yield "one message of 400 ms", all_at_once(400)


PACINGS = dict(_pacings())
PAUSING = frozenset(name for name in PACINGS if name.startswith("words"))
"""Those with pauses that are meant: the phone hears nothing then, and nothing is missing."""
