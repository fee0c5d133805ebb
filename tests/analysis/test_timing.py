"""Faults of time, each at many strengths and in each encapsulation: what is told, and what not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from random import Random

import pytest

from tests.corpus import kinds
from tests.corpus.judging import Outcome, of_stream
from tests.corpus.sounds import TALKERS
from tests.corpus.wires import (
    AUDIOSOCKET,
    FORMS,
    LINEAR_FORMS,
    RTP,
    RTP_FORMS,
    SLN,
    Form,
    Packet,
    Stream,
    moved,
    packets,
    payloads,
    received,
)

pytestmark = pytest.mark.slow

Delivered = Callable[[list[Packet], Random], list[Packet]]
ENCAPSULATIONS = (RTP, SLN, AUDIOSOCKET)
# What no fault of this file is: a clock, another rate.
IMPOSSIBLE = {"clock-drift", "wrong-rate"}


def told(
    form: Form,
    deliver: Delivered,
    seed: int,
    *,
    seconds: float = 12.0,
    frame_samples: tuple[int, int] = (160, 160),
) -> Outcome:
    """What is told of a talker who is delivered so; frames hold so many samples."""
    rng = Random(f"{form.name}{seed}")
    sound = TALKERS[sorted(TALKERS)[seed % len(TALKERS)]](seconds, seed)
    if frame_samples == (160, 160):
        sent = packets(form, payloads(form, sound), rng)
    else:
        units = list(_cut(form.encode(sound), form.sample_bytes, frame_samples, rng))
        sent = kinds._as_spoken(form, packets(form, units, rng))
    messages = received(form.encapsulation, deliver(sent, rng), rng)
    return of_stream(Stream(form.name, "", "", frozenset(), form.encapsulation, messages))


def _cut(data: bytes, width: int, sizes: tuple[int, int], rng: Random) -> Iterator[bytes]:
    at = 0
    while at + sizes[1] * width <= len(data):
        size = rng.randint(*sizes) * width
        yield data[at : at + size]
        at += size


def ids(outcome: Outcome) -> set[str]:
    return {finding.id.value for finding in outcome.told}


def forms_of(number: int) -> list[Form]:
    """One form of each encapsulation."""
    each = ([form for form in FORMS if form.encapsulation is one] for one in ENCAPSULATIONS)
    return [some[number % len(some)] for some in each]


@pytest.mark.parametrize("interval_ms", [18, 19, 20.5, 21, 22, 25, 30, 34, 40, 50, 60])
def test_a_wrong_timer_is_the_senders_and_nothing_else(interval_ms: float) -> None:
    for form in forms_of(round(interval_ms)):
        got = told(form, lambda sent, rng: kinds.paced(sent, interval_ms, rng), 1)
        assert got.first == "sender-pace", got
        (pace,) = (finding for finding in got.told if finding.id == "sender-pace")
        assert pace.evidence["frames_per_second"] == pytest.approx(1000 / interval_ms, rel=0.005)
        assert not ids(got) & {*IMPOSSIBLE, "jitter", "lost-audio", "network-stall"}, got


@pytest.mark.parametrize("interval_ms", [20 / 1.0005, 20 / 0.998, 20 / 1.005])
def test_what_a_clock_can_be_off_by_is_drift(interval_ms: float) -> None:
    for form in forms_of(2):
        got = told(form, lambda sent, rng: kinds.paced(sent, interval_ms, rng), 2)
        assert got.first == "clock-drift", got
        drift = got.told[0].evidence
        assert drift["ppm"] == pytest.approx((20 / interval_ms - 1) * 1e6, abs=3 * 20)


@pytest.mark.parametrize("period_s", [0.1, 0.2, 0.5, 1.0, 2.0])
def test_a_proxy_that_collects_frames_is_told_with_its_period(period_s: float) -> None:
    for form in forms_of(round(period_s * 10)):
        got = told(form, lambda sent, rng: kinds.flushed(sent, period_s, rng), 3)
        assert got.first == "network-stall", got
        assert got.told[0].evidence["period_ms"] == pytest.approx(period_s * 1000, rel=0.02)
        assert "buffer" in got.told[0].remedy
        assert not ids(got) & {*IMPOSSIBLE, "jitter", "sender-pace"}, got


@pytest.mark.parametrize("seconds", [1.0, 3.0, 7.0])
def test_what_had_waited_is_told_with_its_length(seconds: float) -> None:
    for form in forms_of(round(seconds)):
        got = told(form, lambda sent, rng: kinds.backlog(sent, seconds, rng), 4)
        assert got.first == "network-stall", got
        at_once_ms = got.told[0].evidence["at_once_at_the_start_ms"]
        assert at_once_ms == pytest.approx(seconds * 1000, abs=60)
        assert not ids(got) & {*IMPOSSIBLE, "jitter"}, got


def test_a_few_frames_at_the_start_are_no_backlog() -> None:
    for form in forms_of(0):
        got = told(form, lambda sent, rng: kinds.backlog(sent, 0.2, rng), 4)
        assert not got.alarms, got


@pytest.mark.parametrize("pauses_s", [(0.1, 0.3), (0.3, 1.0), (1.0, 3.0)])
@pytest.mark.parametrize("count", [1, 3, 9])
def test_a_sender_that_pauses_and_loses_nothing_ran_dry(
    pauses_s: tuple[float, float], count: int
) -> None:
    def deliver(sent: list[Packet], rng: Random) -> list[Packet]:
        span = sent[-1].time_s
        waits = {rng.uniform(0.1, 0.9) * span: rng.uniform(*pauses_s) for _ in range(count)}
        return moved(
            sent, lambda _n, p: p.time_s + sum(s for at, s in waits.items() if at <= p.time_s)
        )

    for form in RTP_FORMS:
        got = told(form, deliver, count)
        # By which of the two is for the sound to say; never both of the same pauses.
        assert len(ids(got) & {"underrun", "lost-audio"}) == 1, got
        assert got.first in ("underrun", "lost-audio"), got
        assert not ids(got) & IMPOSSIBLE, got


def test_numbers_that_are_missing_are_no_underrun() -> None:
    for form in RTP_FORMS:
        got = told(form, lambda sent, rng: kinds.gone(sent, 5, rng), 5)
        assert "underrun" not in ids(got), got


@pytest.mark.parametrize("most_ms", [100, 150, 200, 300])
def test_delays_that_are_chance_are_jitter(most_ms: float) -> None:
    for form in forms_of(int(most_ms / 50)):
        got = told(form, lambda sent, rng: kinds.jittered(sent, most_ms, rng), 6)
        assert got.first == "jitter", got
        late = got.told[0].evidence
        assert late["late_in_60_ms_buffer"] >= late["late_in_120_ms_buffer"]
        assert late["late_in_120_ms_buffer"] >= late["late_in_200_ms_buffer"]
        assert not ids(got) & IMPOSSIBLE, got


@pytest.mark.parametrize("ms", [150, 300, 700, 1500])
def test_stalls_of_a_calm_link_are_stalls(ms: float) -> None:
    for form in forms_of(int(ms / 50)):
        got = told(form, lambda sent, rng: kinds.stalled(sent, ms, rng), 7)
        assert got.first == "network-stall", got
        assert not ids(got) & {*IMPOSSIBLE, "jitter", "sender-pace"}, got


@pytest.mark.parametrize("sizes", [(40, 400), (80, 320), (120, 200), (158, 162)])
def test_frames_of_many_lengths_are_not_jitter(sizes: tuple[int, int]) -> None:
    for form in forms_of(sizes[0]):
        got = told(form, lambda sent, _rng: sent, 8, frame_samples=sizes)
        assert got.first == "frame-size", got
        assert not ids(got) & {*IMPOSSIBLE, "jitter", "sender-pace"}, got


def test_odd_bytes_by_turns_are_no_clock() -> None:
    for form in LINEAR_FORMS:
        if form.encapsulation is SLN:
            sound = TALKERS["en-us"](12.0, 1)
            data, rng = form.encode(sound), Random(1)
            edges = [n // 2 * 1280 + n % 2 * 641 for n in range(len(data) // 640)]
            units = [data[a:b] for a, b in pairwise(edges)]
            sent = packets(form, units, rng, 0.04)
            got = of_stream(Stream("", "", "", frozenset(), SLN, received(SLN, sent, rng)))
            assert not ids(got) & {*IMPOSSIBLE, "jitter"}, got


@pytest.mark.parametrize(("step", "clock_hz"), [(0, 0), (1, 50), (80, 4000), (240, 12_000)])
def test_timestamps_that_count_something_else_are_told_and_make_no_jitter(
    step: int, clock_hz: int
) -> None:
    got = told(RTP_FORMS[0], lambda sent, rng: kinds.stamped(sent, step, rng), 9)
    assert not got.alarms, got
    (rate,) = (finding for finding in got.told if finding.id == "timestamp-rate")
    assert rate.evidence["clock_hz"] == clock_hz


@pytest.mark.parametrize("seed", range(4))
def test_a_mobile_link_that_a_buffer_takes_up_is_well(seed: int) -> None:
    for form in forms_of(seed):
        got = told(form, lambda sent, rng: kinds.mobile(sent, 40, rng), seed, seconds=20.0)
        assert not ids(got) & {*IMPOSSIBLE, "jitter", "network-stall", "lost-audio"}, got
