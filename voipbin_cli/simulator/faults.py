"""Faults of time: when frames arrive, whether they do, and how much of the call each one holds."""

from __future__ import annotations

from voipbin_cli.codec.codecs import FRAME_NS
from voipbin_cli.codec.encapsulation import Encapsulation
from voipbin_cli.simulator.schedule import (
    MS_NS,
    Fault,
    FaultContext,
    FaultStage,
    Schedule,
    episodes,
)

# The wandering part of the delay, nine tenths of it, has a new aim every six frames (120 ms).
_JITTER_STRIDE = 6
_FRAME_BYTES = 320


def _jitter(schedule: Schedule, strength: float, context: FaultContext) -> Schedule:
    """Delay wanders between 0 and `strength` ms; order is kept, as TCP keeps it."""
    last = 0
    here, there = 0.0, context.rng.uniform(0, strength)
    for count, slot in enumerate(schedule):
        step = count % _JITTER_STRIDE
        if step == 0 and count:
            here, there = there, context.rng.uniform(0, strength)
        wander = here + (there - here) * step / _JITTER_STRIDE
        delay_ns = int((0.9 * wander + context.rng.uniform(0, 0.1 * strength)) * MS_NS)
        last = max(last, slot.due_ns + delay_ns)
        yield slot._replace(due_ns=last)


def _stall(schedule: Schedule, strength: float, context: FaultContext) -> Schedule:
    """For `strength` ms nothing comes, then everything at once: a TCP retransmission."""
    for slot, end_ns in episodes(schedule, context, every_s=3.0, length_ns=int(strength * MS_NS)):
        yield slot if end_ns is None else slot._replace(due_ns=end_ns)


def _lose(schedule: Schedule, strength: float, context: FaultContext) -> Schedule:
    """For `strength` ms nothing comes, and it never does."""
    for slot, end_ns in episodes(schedule, context, every_s=2.0, length_ns=int(strength * MS_NS)):
        if end_ns is None:
            yield slot


def _drift(schedule: Schedule, strength: float, _context: FaultContext) -> Schedule:
    """The far clock runs `strength` ppm fast (negative: slow)."""
    base: int | None = None
    for slot in schedule:
        if base is None:
            base = slot.due_ns
        ahead = (slot.due_ns - base) * strength / 1e6
        yield slot._replace(due_ns=slot.due_ns - round(ahead))


def _reframe(schedule: Schedule, strength: float, _context: FaultContext) -> Schedule:
    """Frames of `strength` ms instead of 20; each is due when its last sample is there."""
    size = round(strength * 8) * 2
    pending = b""
    for slot in schedule:
        start_ns = slot.due_ns - FRAME_NS * len(pending) // _FRAME_BYTES
        pending += slot.body
        count = len(pending) // size
        for number in range(count):
            end_ns = start_ns + FRAME_NS * (number + 1) * size // _FRAME_BYTES - FRAME_NS
            yield slot._replace(due_ns=end_ns, body=pending[number * size : (number + 1) * size])
        pending = pending[count * size :]


def _sequence(schedule: Schedule, strength: float, context: FaultContext) -> Schedule:
    """In `strength` percent of the packets: one missing, one twice, or two in the wrong order."""
    if context.encapsulation is not Encapsulation.RTP:
        yield from schedule  # only RTP has sequence numbers
        return
    for slot in schedule:
        if context.rng.random() * 100 >= strength:
            yield slot
            continue
        match context.rng.randrange(3):
            case 0:
                continue
            case 1:
                yield slot
                yield slot
            case _:
                later = next(schedule)
                yield later
                yield slot._replace(due_ns=later.due_ns)


def _start_late(schedule: Schedule, strength: float, _context: FaultContext) -> Schedule:
    """For the first `strength` ms of every connection the far end has nothing to send."""
    start_ns: int | None = None
    for slot in schedule:
        if start_ns is None:
            start_ns = slot.due_ns + int(strength * MS_NS)
        if slot.due_ns >= start_ns:
            yield slot


JITTER = Fault(FaultStage.SOUND, _jitter, 180, "ms of wandering delay", 0, 10_000)
STALL = Fault(FaultStage.SOUND, _stall, 700, "ms a stall", 20, 60_000)
LATE_START = Fault(FaultStage.SOUND, _start_late, 1500, "ms until the first frame", 0, 60_000)
LOST_AUDIO = Fault(FaultStage.SOUND, _lose, 400, "ms a gap", 20, 60_000)
CLOCK_DRIFT = Fault(FaultStage.SOUND, _drift, 500, "ppm fast", -100_000, 100_000)
FRAME_SIZE = Fault(FaultStage.SOUND, _reframe, 40, "ms a frame", 1, 1000)
SEQUENCE = Fault(FaultStage.WIRE, _sequence, 6, "percent of the packets", 0, 100)
