from __future__ import annotations

import random
from itertools import islice

import pytest

from voipbin_cli.codec.codecs import Codec
from voipbin_cli.codec.encapsulation import Encapsulation
from voipbin_cli.simulator.schedule import (
    Fault,
    FaultContext,
    FaultStage,
    Slot,
    apply_faults,
    episodes,
    paced,
)

MS = 1_000_000
CONTEXT = FaultContext(random.Random(1), Codec.MULAW, Encapsulation.RTP)


def _context(seed: int = 1) -> FaultContext:
    return FaultContext(random.Random(seed), Codec.MULAW, Encapsulation.RTP)


def test_the_healthy_schedule_is_an_absolute_grid_of_20_ms() -> None:
    slots = list(islice(paced(lambda n: bytes([n]), 7), 3))
    assert [slot[:3] for slot in slots] == [
        (7, 140 * MS, b"\7"),
        (8, 160 * MS, b"\x08"),
        (9, 180 * MS, b"\t"),
    ]


def test_faults_run_in_order_and_in_their_own_stage_only() -> None:
    def mark(text: bytes) -> Fault:
        def apply(schedule, strength, context):  # type: ignore[no-untyped-def]
            return (slot._replace(body=slot.body + text) for slot in schedule)

        return Fault(FaultStage.SOUND, apply, 0, "")

    rows = (mark(b"a"), mark(b"b"), Fault(FaultStage.WIRE, lambda s, a, c: iter(()), 0, ""))
    out = apply_faults(rows, FaultStage.SOUND, paced(lambda n: b"", 0), CONTEXT)
    assert next(out).body == b"ab"


def test_an_amount_outside_the_limits_is_not_allowed() -> None:
    fault = Fault(FaultStage.SOUND, lambda s, a, c: s, 5, "ms", 0, 10)
    assert [fault.allows(n) for n in (-1, 0, 10, 11)] == [False, True, True, False]


@pytest.mark.parametrize("seed", range(5))
def test_episodes_are_as_long_as_asked_and_come_as_often(seed: int) -> None:
    slots = islice(paced(lambda n: b"", 0), 3000)  # a minute
    marked = [end for _, end in episodes(slots, _context(seed), every_s=2.0, length_ns=300 * MS)]
    ends = sorted({end for end in marked if end is not None})
    # A minute, 0.3 s each and 1.5 to 2.5 s between them: 21 to 33 of them.
    assert 21 <= len(ends) <= 33
    assert all(14 <= marked.count(end) <= 15 for end in ends)
    first = next(n for n, end in enumerate(marked) if end is not None)
    assert 25 <= first <= 51  # 0.5 to 1 s into the stream


def test_a_stream_that_joins_late_has_its_episodes_from_there_on() -> None:
    slots = islice(paced(lambda n: b"", 100_000), 200)
    marked = [end for _, end in episodes(slots, _context(), every_s=2.0, length_ns=300 * MS)]
    assert marked[0] is None
    assert any(end is not None for end in marked)


def test_slots_hold_20_ms_unless_they_say_otherwise() -> None:
    assert Slot(0, 0, b"").samples == 160
