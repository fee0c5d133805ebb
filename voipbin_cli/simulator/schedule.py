"""The schedule of one stream: frames with their due times, and faults that act on it.

A fault is data: it takes an endless iterator of slots and gives another. Chains are built for
each connection; nothing here knows a clock, and randomness is passed in.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from voipbin_cli.codec.codecs import FRAME_NS, FRAME_SAMPLES, Codec
from voipbin_cli.codec.encapsulation import Encapsulation

MS_NS = 1_000_000
SECOND_NS = 1_000_000_000


class Slot(NamedTuple):
    """What is due at `due_ns` (since the call's clock started).

    `number` counts 20 ms frames on the call's clock. `body` is s16le samples in the sound stage,
    an encoded payload in the payload stage and a whole message in the wire stage; `samples` is
    how many samples that stands for.
    """

    number: int
    due_ns: int
    body: bytes
    samples: int = FRAME_SAMPLES


class FaultStage(StrEnum):
    """Which form of a frame a fault changes: samples, encoded payload, or whole message."""

    SOUND = "sound"
    PAYLOAD = "payload"
    WIRE = "wire"


@dataclass(frozen=True, slots=True)
class FaultContext:
    """What a fault may know beside the schedule."""

    rng: random.Random
    codec: Codec
    encapsulation: Encapsulation


Schedule = Iterator[Slot]
Apply = Callable[[Schedule, float, FaultContext], Schedule]


@dataclass(frozen=True, slots=True)
class Fault:
    """One row: `apply(schedule, strength, context)` in `stage`; `unit` says what strength is."""

    stage: FaultStage
    apply: Apply
    strength: float
    unit: str
    smallest: float = 0.0
    largest: float = 1e9

    def allows(self, strength: float) -> bool:
        """Whether `strength` is one that this fault can have."""
        return self.smallest <= strength <= self.largest


def apply_faults(
    faults: Iterable[Fault],
    stage: FaultStage,
    schedule: Schedule,
    context: FaultContext,
) -> Schedule:
    """Apply every fault of `stage` to the schedule, in order."""
    for fault in faults:
        if fault.stage is stage:
            schedule = fault.apply(schedule, fault.strength, context)
    return schedule


def episodes(
    schedule: Schedule, context: FaultContext, *, every_s: float, length_ns: int
) -> Iterator[tuple[Slot, int | None]]:
    """Pair each slot with the end of the episode that it falls into, or with None.

    The first episode begins after a quarter to a half of `every_s`; `every_s`, give or take a
    quarter, lies between the end of one and the start of the next.
    """
    start: int | None = None
    for slot in schedule:
        if start is None:
            start = slot.due_ns + int(context.rng.uniform(0.25, 0.5) * every_s * SECOND_NS)
        while slot.due_ns >= start + length_ns:
            start += length_ns + int(context.rng.uniform(0.75, 1.25) * every_s * SECOND_NS)
        yield slot, start + length_ns if slot.due_ns >= start else None


def paced(frame: Callable[[int], bytes], first: int) -> Schedule:
    """The healthy schedule: frame after frame, 20 ms apart on an absolute grid, for ever."""
    for number in itertools.count(first):
        yield Slot(number, number * FRAME_NS, frame(number))
