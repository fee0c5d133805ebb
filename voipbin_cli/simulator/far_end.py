"""The far end of one media stream: the messages it sends and what it takes, both without I/O."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

from voipbin_cli.analysis.farend.far_queue import FarQueue, QueueRule
from voipbin_cli.analysis.farend.intake import Intake, IntakeEffect
from voipbin_cli.codec.codecs import Codec, encode
from voipbin_cli.codec.encapsulation import Encapsulation
from voipbin_cli.simulator.forms import ACCEPTED, Form
from voipbin_cli.simulator.scenario import Scenario
from voipbin_cli.simulator.schedule import (
    FaultContext,
    FaultStage,
    Schedule,
    Slot,
    apply_faults,
    paced,
)
from voipbin_cli.simulator.sources import SILENT_FRAME


def _opening(sound: Callable[[int], bytes], first: int) -> Callable[[int], bytes]:
    """The first message of a stream is silence: the channel is up before the sound is."""
    return lambda number: SILENT_FRAME if number == first else sound(number - 1)


def _encoded(schedule: Schedule, codec: Codec) -> Schedule:
    for number, due_ns, pcm, _ in schedule:
        yield Slot(number, due_ns, encode(codec, pcm), len(pcm) // 2)


def _packed(
    schedule: Schedule, form: Form, encapsulation: Encapsulation, rng: random.Random
) -> Schedule:
    opening = next(schedule)
    packer = form.packer(encapsulation, opening.samples, rng)
    yield opening._replace(body=packer.pack(opening.body, opening.samples))
    for number, due_ns, payload, samples in schedule:
        yield Slot(number, due_ns, packer.pack(payload, samples), samples)


def messages(
    scenario: Scenario,
    encapsulation: Encapsulation,
    sound: Callable[[int], bytes],
    *,
    first: int = 0,
    rng: random.Random,
) -> Iterator[Slot]:
    """Every message of one new stream with its due time on the call's clock, for ever.

    The frame that is due at `number` * 20 ms holds `sound(number - 1)`, but the first is silence.
    """
    form = scenario.form(encapsulation)
    context = FaultContext(rng, form.codec, encapsulation)
    schedule = paced(_opening(sound, first), first)
    schedule = apply_faults(scenario.faults, FaultStage.SOUND, schedule, context)
    schedule = _encoded(schedule, form.codec)
    schedule = apply_faults(scenario.faults, FaultStage.PAYLOAD, schedule, context)
    schedule = _packed(schedule, form, encapsulation, rng)
    return apply_faults(scenario.faults, FaultStage.WIRE, schedule, context)


class MediaChannel:
    """The media channel of one client: a queue towards the phone and the rules of its intake."""

    def __init__(self, scenario: Scenario, encapsulation: Encapsulation, rule: QueueRule) -> None:
        self.queue = FarQueue(rule)
        self._intake = Intake(encapsulation, ACCEPTED[scenario.dialect])

    def take_message(self, message: bytes, now_ns: int) -> IntakeEffect:
        """Take one binary message and queue what is to be heard of it."""
        effect = self._intake.take_message(message, now_ns)
        if effect.pcm:
            self.queue.feed(effect.pcm)
        return effect

    @property
    def is_split(self) -> bool:
        """Whether half a frame is there."""
        return self._intake.is_split

    def is_overdue(self, now_ns: int) -> bool:
        """Whether half a frame is there and its other half did not come in time."""
        return self._intake.is_overdue(now_ns)
