"""This machine's lag beside stalls and losses: each is told for what it is, whichever comes first.

The arrivals are made here: a steady stream, what the network does to it, and then a reader that
sleeps. What is expected is worked out from the times alone.
"""

from __future__ import annotations

import itertools
import random
from typing import NamedTuple

import pytest

from tests.corpus.runs import sound_of
from voipbin_cli.analysis.diagnosis import StreamDiagnosis, diagnose
from voipbin_cli.analysis.messages import TimedMessage, from_messages
from voipbin_cli.analysis.stream import StreamFold
from voipbin_cli.codec import g711
from voipbin_cli.codec.encapsulation import Encapsulation

pytestmark = pytest.mark.slow

MS = 1_000_000
START_NS = 1_700_000_000_000_000_000
SECONDS = 14


class Span(NamedTuple):
    """From one time to another, in ms."""

    begin: float
    end: float


FRAMES = [g711.s16le_to_mulaw(sound_of("speech", 1).frame(n)) for n in range((SECONDS + 3) * 50)]
NONE = Span(-1.0, -1.0)
FAULT_AT_MS = 6000.0


def came(stall: Span, loss: Span, seed: int) -> list[float]:
    """When frames come, in ms: those due in a stall at its end; in a loss nothing is sent."""
    rng = random.Random(seed)
    times, shift, latest = [], 0.0, 0.0
    for n in range(SECONDS * 50):
        due = n * 20.0 + shift
        if loss.begin <= due < loss.end:
            shift += loss.end - loss.begin
            due = n * 20.0 + shift
        at = due + min(rng.expovariate(2.5), 4.0)
        latest = max(latest, stall.end if stall.begin <= due < stall.end else at)
        times.append(latest)
    return times


def read(times: list[float], sleeps: list[Span]) -> list[float]:
    """When a reader that sleeps finds them."""
    ends = [(sleep.begin, sleep.end) for sleep in sleeps]
    return [next((end for begin, end in ends if begin <= at < end), at) for at in times]


def diagnosed(
    times: list[float], sleeps: list[Span], tick_ms: float = 0.0, loss: Span = NONE
) -> StreamDiagnosis:
    """Live order: a sleep is told when it ends, before what is found then.

    A tick that was due in a sleep of which `tick_ms` were over already is late by the rest. The
    sound of a loss is missing; the numbers go on, as a bridge makes them after it.
    """
    missing = round((loss.end - loss.begin) / 20)
    stream = StreamFold(Encapsulation.RTP)
    waiting: list[TimedMessage] = []
    ticks = sorted((sleep.end, sleep.end - sleep.begin - tick_ms) for sleep in sleeps)
    for n, at in enumerate(times):
        while ticks and ticks[0][0] <= at + 2.0:
            end, late = ticks.pop(0)
            stream.lagged(START_NS + round(end * MS), round(late * MS))
        at_frame = n + missing * (n * 20.0 >= loss.begin)
        head = bytes((0x80, 96)) + (n + 1 & 0xFFFF).to_bytes(2, "big")
        head += (160 * n + 160).to_bytes(4, "big") + bytes(4)
        waiting.append(TimedMessage(head + FRAMES[at_frame], START_NS + round(at * MS)))
        if len(waiting) == 30:
            stream.add(from_messages(waiting))
            waiting.clear()
    stream.add(from_messages(waiting))
    stream.flush()
    return diagnose(stream)


def told(diagnosis: StreamDiagnosis) -> dict[str, str]:
    return {finding.id.value: finding.severity.value for finding in diagnosis.findings}


def sleeps_around(fault: Span, lag_ms: float) -> dict[str, Span]:
    """Before a fault, over its begin, inside of it, over its end, over all of it, behind it."""
    begin, end = fault
    middle = (begin + end) / 2
    places = {
        "before": begin - 1500,
        "over the begin": begin - lag_ms / 2,
        "inside": middle - lag_ms / 2,
        "over the end": end - lag_ms / 2,
        "behind": end + 1500,
    }
    return {name: Span(at, at + lag_ms) for name, at in places.items()}


def held_back_ms(stall: Span, sleep: Span) -> float:
    """Of a stall what this machine cannot have made: it slept from then on until it was over."""
    if not sleep.begin <= stall.end < sleep.end:
        return stall.end - stall.begin
    return max(0.0, sleep.begin - stall.begin)


LAGS_MS = (50.0, 80.0, 245.0, 2000.0)
LENGTHS_MS = (100.0, 300.0, 620.0, 3000.0)
PLACES = tuple(sleeps_around(Span(0, 0), 0))


@pytest.mark.parametrize("place", PLACES)
def test_a_stall_is_told_less_what_this_machine_slept(place: str) -> None:
    for seed, (lag_ms, length_ms) in enumerate(itertools.product(LAGS_MS, LENGTHS_MS)):
        # In turns, the other way round with each length.
        tick_ms = 13.0 * ((seed + seed // len(LENGTHS_MS)) % 2)
        stall = Span(FAULT_AT_MS, FAULT_AT_MS + length_ms)
        sleep = sleeps_around(stall, lag_ms)[place]
        found = diagnosed(read(came(stall, NONE, seed), [sleep]), [sleep], tick_ms)
        ids, held_ms = told(found), held_back_ms(stall, sleep)
        label = f"{length_ms} ms, lag {lag_ms} ms {place}"
        assert "lost-audio" not in ids, label
        assert "clock-drift" not in ids, label
        if held_ms > 100:
            assert ids.get("network-stall") in ("warning", "error"), label
            longest_ms = max(pause.late_ns for pause in found.measured.stalls) / MS
            assert longest_ms == pytest.approx(held_ms, abs=45), label
        if held_ms < 40:
            assert "network-stall" not in ids, label


@pytest.mark.parametrize("place", PLACES)
def test_a_loss_is_told_whole_whenever_this_machine_slept(place: str) -> None:
    for seed, (lag_ms, length_ms) in enumerate(itertools.product(LAGS_MS, LENGTHS_MS)):
        loss = Span(FAULT_AT_MS, FAULT_AT_MS + length_ms)
        sleep = sleeps_around(loss, lag_ms)[place]
        found = diagnosed(read(came(NONE, loss, seed), [sleep]), [sleep], loss=loss)
        ids, label = told(found), f"{length_ms} ms, lag {lag_ms} ms {place}"
        assert ids.get("lost-audio") in ("warning", "error"), label
        assert found.measured.lost_ms == pytest.approx(length_ms, abs=20), label
        assert "network-stall" not in ids, label


@pytest.mark.parametrize(
    ("lag_ms", "severity"),
    [(50, "info"), (80, "info"), (150, "info"), (245, "warning"), (2000, "warning")],
)
def test_a_healthy_stream_is_ok_where_this_machine_was_late(lag_ms: int, severity: str) -> None:
    for seed in range(6):
        at = 3000.0 + 700 * seed
        sleep = Span(at, at + lag_ms)
        calm = diagnosed(came(NONE, NONE, seed), [])
        found = diagnosed(read(came(NONE, NONE, seed), [sleep]), [sleep])
        assert told(found) == {"local-lag": severity}
        assert found.verdict == ("ok" if severity == "info" else "degraded")
        assert found.measured.quality == calm.measured.quality
        assert {o.late for o in found.measured.buffers.values()} == {0}
