"""Faults of time, on schedules: no clock, no socket."""

from __future__ import annotations

import random
from itertools import islice, pairwise

import pytest

from voipbin_cli.codec.codecs import Codec
from voipbin_cli.codec.encapsulation import Encapsulation
from voipbin_cli.simulator import faults
from voipbin_cli.simulator.schedule import Fault, FaultContext, Slot, paced

MS = 1_000_000
FRAME_MS = 20


def _run(
    fault: Fault,
    frames: int = 1500,
    *,
    seed: int = 1,
    strength: float | None = None,
    first: int = 0,
    encapsulation: Encapsulation = Encapsulation.RTP,
) -> list[Slot]:
    schedule = islice(paced(lambda n: n.to_bytes(4, "big") * 80, first), frames)
    context = FaultContext(random.Random(seed), Codec.S16LE, encapsulation)
    amount = fault.strength if strength is None else strength
    return list(fault.apply(schedule, amount, context))


def _delays_ms(slots: list[Slot]) -> list[float]:
    return [slot.due_ns / MS - slot.number * FRAME_MS for slot in slots]


TIMING = [faults.JITTER, faults.STALL]


@pytest.mark.parametrize("fault", TIMING)
@pytest.mark.parametrize("seed", range(3))
def test_delays_lose_nothing_and_keep_the_order(fault: Fault, seed: int) -> None:
    slots = _run(fault, seed=seed)
    assert [slot.number for slot in slots] == list(range(1500))
    assert all(a.due_ns <= b.due_ns for a, b in pairwise(slots))
    assert min(_delays_ms(slots)) >= 0


def test_the_same_seed_gives_the_same_run_and_another_seed_another() -> None:
    assert _run(faults.JITTER, seed=3) == _run(faults.JITTER, seed=3) != _run(faults.JITTER, seed=4)


@pytest.mark.parametrize("seed", range(4))
def test_jitter_spreads_delays_over_more_than_60_ms_without_a_long_gap(seed: int) -> None:
    slots = _run(faults.JITTER, seed=seed)
    delays = sorted(_delays_ms(slots))
    gaps = [(b.due_ns - a.due_ns) / MS for a, b in pairwise(slots)]
    assert delays[-15] - delays[15] > 100  # 98 of 100 frames
    assert max(delays) <= 180
    assert max(gaps) < 100, "unlike a stall"


def test_jitter_of_no_strength_is_none() -> None:
    assert _delays_ms(_run(faults.JITTER, strength=0)) == [0] * 1500


@pytest.mark.parametrize("strength", [200, 700, 2000])
def test_a_stall_is_a_gap_and_then_everything_at_once(strength: float) -> None:
    slots = _run(faults.STALL, strength=strength)
    gaps = [(b.due_ns - a.due_ns) / MS for a, b in pairwise(slots)]
    long = [n for n, gap in enumerate(gaps) if gap > 40]
    assert 5 <= len(long) <= 15
    for n in long:
        assert strength - FRAME_MS <= gaps[n] <= strength + FRAME_MS
        assert gaps[n + 1] == 0, "the missing ones come with it"
    assert [d for d in _delays_ms(slots) if d == 0], "and then all is as before"


def test_lost_audio_is_a_gap_that_nothing_makes_up() -> None:
    slots = _run(faults.LOST_AUDIO)
    assert set(_delays_ms(slots)) == {0}
    gaps = [b.number - a.number for a, b in pairwise(slots) if b.number - a.number > 1]
    assert len(gaps) >= 8
    assert set(gaps) <= {20, 21}  # 400 ms


@pytest.mark.parametrize("ppm", [-300.0, 120.0, 5000.0])
def test_drift_is_a_constant_slope_from_the_first_frame_of_the_stream(ppm: float) -> None:
    slots = _run(faults.CLOCK_DRIFT, strength=ppm, first=90_000)
    elapsed_ns = slots[-1].due_ns - slots[0].due_ns
    assert slots[0].due_ns == 90_000 * FRAME_MS * MS
    assert elapsed_ns == pytest.approx(1499 * FRAME_MS * MS * (1 - ppm / 1e6), abs=2)


@pytest.mark.parametrize("frame_ms", [10, 30, 40, 60])
def test_other_frame_sizes_hold_the_same_samples_at_the_same_rate(frame_ms: int) -> None:
    slots = _run(faults.FRAME_SIZE, strength=frame_ms)
    plain = b"".join(n.to_bytes(4, "big") * 80 for n in range(1500))
    assert {len(slot.body) for slot in slots} == {frame_ms * 16}
    assert plain.startswith(b"".join(slot.body for slot in slots))
    assert len(slots) == 1500 * FRAME_MS // frame_ms
    gaps = {(b.due_ns - a.due_ns) / MS for a, b in pairwise(slots)}
    assert gaps == {frame_ms}


def test_sequence_has_missing_double_and_swapped_messages() -> None:
    numbers = [slot.number for slot in _run(faults.SEQUENCE, 3000)]
    steps = [b - a for a, b in pairwise(numbers)]
    assert min(steps.count(2), steps.count(0), steps.count(-1)) > 20
    assert 0.03 < sum(step != 1 for step in steps) / 3000 < 0.18


def test_sequence_touches_nothing_where_there_are_no_sequence_numbers() -> None:
    for encapsulation in (Encapsulation.SLN, Encapsulation.AUDIOSOCKET):
        slots = _run(faults.SEQUENCE, encapsulation=encapsulation)
        assert [slot.number for slot in slots] == list(range(1500))


def test_a_late_start_sends_nothing_at_first_and_makes_nothing_up() -> None:
    slots = _run(faults.LATE_START)
    assert [slot.number for slot in slots] == list(range(75, 1500))  # 1.5 s
    assert set(_delays_ms(slots)) == {0}
