"""A call in virtual time: a scripted caller, and a bot that is a function of what it hears."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from voipbin_cli.analysis.farend.far_queue import CALL, SILENT_TICK, FarQueue
from voipbin_cli.simulator.caller.engine import ScriptedCaller
from voipbin_cli.simulator.caller.script import CallerScript
from voipbin_cli.simulator.caller.voices import Voices

FRAME_NS = 20_000_000
TONE = (8000 * np.sin(np.arange(160) * 2 * np.pi * 0.1)).astype("<i2").tobytes()

# The bot's message at the instant at which the caller's frame `number` has come to it.
Bot = Callable[[int, bytes], bytes | None]


def during(*spans_ms: tuple[int, int]) -> Bot:
    """Sounds at set times of the call."""
    return lambda number, _: TONE if any(a <= number * 20 < b for a, b in spans_ms) else SILENT_TICK


class Answering:
    """Answers `delay_ms` after the caller's last loud frame for `sounds_ms`."""

    def __init__(self, delay_ms: int, sounds_ms: int, quiet_ms: int = 200) -> None:
        self._delay, self._sounds, self._quiet = (
            one // 20 for one in (delay_ms, sounds_ms, quiet_ms)
        )
        self._loud: int | None = None
        self._begins = -1

    def __call__(self, number: int, frame: bytes) -> bytes:
        if np.abs(np.frombuffer(frame, "<i2").astype(int)).max() > 500:
            self._loud = number
        if self._loud is not None and number - self._loud == self._quiet:
            self._begins = self._loud + self._delay
            self._loud = None
        return TONE if self._begins <= number < self._begins + self._sounds else SILENT_TICK


def call(
    script: CallerScript, bot: Bot, *, seconds: float = 30.0, **options: object
) -> ScriptedCaller:
    """Run to the hang-up, or for so many seconds; what was said is in `said` of the caller."""
    caller = ScriptedCaller(Voices(script), **options)  # type: ignore[arg-type]
    queue = FarQueue(CALL)
    said = bytearray()
    for number in range(round(seconds * 50)):
        frame = caller.frame(number)
        said += frame
        if caller.hung_up:
            break
        # The phone plays half a frame behind: tick `number` lies between two frames.
        caller.hear(queue.play() or SILENT_TICK)
        at_ns = (number + 1) * FRAME_NS
        message = bot(number, frame)
        if message is not None:
            begins_ns = at_ns + FRAME_NS // 2 + queue.level.waiting * 125_000
            queue.feed(message)
            caller.ear.take(at_ns, begins_ns, message)
    caller.said = np.frombuffer(bytes(said), "<i2")  # type: ignore[attr-defined]
    return caller
