"""One call of a scripted caller while it goes on: what he says, what came to him, how late we are.

Times are of the call's clock, in ns.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable

import numpy as np

from voipbin_cli.analysis.conversation.turns import MS
from voipbin_cli.analysis.farend.far_end import FarEnd
from voipbin_cli.analysis.farend.far_queue import QueueRule
from voipbin_cli.simulator.caller.engine import ScriptedCaller
from voipbin_cli.simulator.caller.outcome import CallOutcome, Lateness, outcome_of
from voipbin_cli.simulator.caller.voices import Voices

# Messages are counted by the second.
_BATCH = 50


class ScriptedCall:
    """Joins the caller to what carries his call.

    `rule` is that of the far queue; `keeps_heard`: the outcome holds what the phone heard.
    """

    def __init__(
        self,
        name: str,
        voices: Voices,
        rule: QueueRule,
        *,
        seed: int = 0,
        on_key: Callable[[str], None] | None = None,
        keeps_heard: bool = False,
    ) -> None:
        self.name = name
        self.ended_by = ""
        self.caller = ScriptedCaller(voices, seed=seed, on_key=on_key)
        self._far = FarEnd(rule)
        self._rows: list[tuple[int, int, bool]] = []
        self._late_ms = array("f")
        self._heard = bytearray()
        self._keeps_heard = keeps_heard

    def frame(self, number: int) -> bytes:
        """What the caller says in the 20 ms from `number` * 20 ms on."""
        return self.caller.frame(number)

    def hear(self, pcm: bytes) -> None:
        """The phone played the next 20 ms."""
        self.caller.hear(pcm)
        if self._keeps_heard:
            self._heard += pcm

    def take(self, at_ns: int, begins_ns: int | None, pcm: bytes) -> None:
        """A message of the bot came; it is heard from `begins_ns` on, or (None) never."""
        is_still = self.caller.ear.take(at_ns, begins_ns, pcm)
        self._rows.append((at_ns, len(pcm) // 2, is_still))
        if len(self._rows) >= _BATCH:
            self._count()

    def _count(self) -> None:
        rows, self._rows = self._rows, []
        if rows:
            times, samples, still = zip(*rows, strict=True)
            self._far.add(np.array(times), np.array(samples), np.array(still))

    def note_sent(self, late_ns: int) -> None:
        """A frame of the caller went out so much after it was due."""
        self._late_ms.append(late_ns / MS)

    def flush(self, at_ns: int) -> None:
        """What waited was thrown away: the bot asked for it."""
        self.caller.ear.take(at_ns, None, b"")
        self._count()
        self._far.flush(at_ns)

    def reconnected(self) -> None:
        """The bot's next message comes over another connection."""
        self._count()
        self._far.restart()

    @property
    def late_ms(self) -> array[float]:
        """How late each frame went out so far."""
        return self._late_ms

    def end(self, by: str) -> None:
        """The call is over; the first who says so ended it."""
        self.ended_by = self.ended_by or by

    def outcome(self) -> CallOutcome:
        """What it came to, or has come to so far."""
        self._count()
        return outcome_of(
            self.caller,
            call=self.name,
            ended_by=self.ended_by,
            heard=self._far.result(),
            lateness=Lateness.of(self._late_ms),
            heard_pcm=bytes(self._heard),
        )
