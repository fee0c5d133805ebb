"""Arrivals over links of many kinds, for measuring how often a figure is right."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Random = np.random.Generator
MS = 1_000_000
FRAME_MS = 20.0


class Link(NamedTuple):
    """What a link did to frames of 20 ms: the truth, and when each came that was not lost."""

    name: str
    ppm: float
    arrivals_ns: NDArray[np.int64]


def _held(rng: Random, delays: Floats, every: float, least_ms: float, most_ms: float) -> Floats:
    """Hold the frames back now and then, all until the same instant."""
    at = int(rng.exponential(every)) + 5
    while at < delays.size:
        hold_ms = rng.uniform(least_ms, most_ms)
        falling = hold_ms - FRAME_MS * np.arange(min(int(hold_ms / FRAME_MS) + 1, delays.size - at))
        stretch = slice(at, at + falling.size)
        delays[stretch] = np.maximum(delays[stretch], falling)
        at += int(rng.exponential(every)) + 5
    return delays


def quiet(rng: Random, sent_ms: Floats) -> Floats:
    """A quiet machine: gaps p99 21 to 23 ms, at most 26 to 33."""
    usual = rng.exponential(0.4, sent_ms.size)
    return np.where(rng.random(sent_ms.size) < 0.995, usual, rng.uniform(3, 10, sent_ms.size))


def even(rng: Random, sent_ms: Floats) -> Floats:
    """Each frame delayed by anything up to 5 to 150 ms, whatever happened to the one before."""
    return rng.uniform(0, rng.choice([5, 15, 40, 80, 150]), sent_ms.size)


def gamma(rng: Random, sent_ms: Floats) -> Floats:
    """Many short delays and a few long ones, each frame for itself."""
    return rng.gamma(rng.choice([0.7, 1, 2, 3]), rng.choice([2, 5, 10, 20]), sent_ms.size)


def mobile(rng: Random, sent_ms: Floats) -> Floats:
    """Like 4G: delays that go on for 0.1 to 2.4 s, and a radio that holds frames back."""
    stays = np.exp(-1 / rng.choice([5, 10, 25, 60, 120]))
    news = rng.normal(size=sent_ms.size) * np.sqrt(1 - stays * stays)
    state, states = rng.normal(), np.empty(sent_ms.size)
    for frame in range(sent_ms.size):
        state = states[frame] = stays * state + news[frame]
    scale = rng.choice([5, 10, 20])
    delays = np.maximum(scale * np.exp(0.8 * states) - 0.3 * scale, 0)
    return _held(rng, delays + rng.exponential(3, sent_ms.size), rng.choice([50, 150]), 40, 300)


def wander(rng: Random, sent_ms: Floats) -> Floats:
    """A delay that has a new aim, up to 400 ms, each 120 ms."""
    most = rng.choice([60, 150, 250, 400])
    aims = rng.uniform(0, most, sent_ms.size // 6 + 2)
    between = np.interp(np.arange(sent_ms.size) / 6, np.arange(aims.size), aims)
    return 0.9 * between + rng.uniform(0, 0.1 * most, sent_ms.size)


def stalls(rng: Random, sent_ms: Floats) -> Floats:
    """A quiet link on which TCP has to repeat a segment now and then."""
    return _held(rng, quiet(rng, sent_ms), rng.choice([100, 200, 500]), 60, 900)


def batches(rng: Random, sent_ms: Floats) -> Floats:
    """A proxy that hands on what it has each 100 ms to 1 s."""
    period_ms = rng.choice([100, 200, 500, 1000])
    due = sent_ms + rng.uniform(0, period_ms)
    return np.ceil(due / period_ms) * period_ms - due + rng.exponential(0.5, sent_ms.size)


def _all_come(_rng: Random, sent_ms: Floats) -> Floats:
    return sent_ms


def _single(rng: Random, sent_ms: Floats) -> Floats:
    """One frame in 200 to one in 20 is lost where no number tells of it."""
    return sent_ms[rng.random(sent_ms.size) > rng.choice([0.005, 0.02, 0.05])]


def _gaps(rng: Random, sent_ms: Floats) -> Floats:
    """Of each few seconds 60 to 800 ms are lost."""
    keep = np.ones(sent_ms.size, np.bool_)
    for at in np.cumsum(rng.exponential(120, sent_ms.size // 60) + 10).astype(int).tolist():
        keep[at : at + int(rng.integers(3, 40))] = False
    return sent_ms[keep]


def _dry(rng: Random, sent_ms: Floats) -> Floats:
    """The sender pauses each few seconds for any time, and goes on where it was."""
    later = sent_ms.copy()
    for at in np.cumsum(rng.exponential(100, sent_ms.size // 50) + 10).astype(int).tolist():
        later[at:] += rng.uniform(60, 900)
    return later


QUEUES = (quiet, even, gamma, mobile, wander, stalls, batches)
LOSSES: tuple[Callable[[Random, Floats], Floats], ...] = (_all_come, _single, _gaps, _dry)
PPMS = (0, 0, 0, 50, -80, 300, -300, 1000, -3000)


def links(
    count: int,
    *,
    seed: int,
    ppms: tuple[float, ...] = PPMS,
    queues: tuple[Callable[[Random, Floats], Floats], ...] = QUEUES,
) -> Iterator[Link]:
    """So many links of 8 to 60 s: every queue with every loss, this machine late on a third."""
    for number in range(count):
        rng = np.random.default_rng([seed, number])
        queue = queues[number % len(queues)]
        lose = LOSSES[number // len(queues) % len(LOSSES)]
        ppm = float(rng.choice(ppms))
        frames = int(rng.choice([8, 10, 12, 15, 20, 30, 60])) * 50
        sent_ms = np.arange(frames) * FRAME_MS / (1 + ppm * 1e-6)
        # A queue delays what was sent, lost ones and all, and order is kept.
        came_ms = lose(rng, sent_ms)
        arrivals_ms = np.maximum.accumulate(came_ms + queue(rng, came_ms))
        if rng.random() < 1 / 3:
            arrivals_ms = _read_late(rng, arrivals_ms)
        name = f"{queue.__name__} {lose.__name__} {frames / 50:g} s #{number}"
        yield Link(name, ppm, np.rint(arrivals_ms * MS).astype(np.int64))


def _read_late(rng: Random, arrivals_ms: Floats) -> Floats:
    """This machine sleeps for 20 to 300 ms each few seconds."""
    read_ms = arrivals_ms.copy()
    for at in np.cumsum(rng.exponential(80, read_ms.size // 40) + 5).astype(int).tolist():
        if at < read_ms.size:
            awake_ms = read_ms[at] + rng.uniform(20, 300)
            read_ms[at:] = np.maximum(read_ms[at:], awake_ms)
    return read_ms
