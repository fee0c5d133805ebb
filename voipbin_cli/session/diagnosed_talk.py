"""Both directions of one stream on their way into the folds of a diagnosis."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from voipbin_cli.analysis.conversation.limits import DEFAULT_LIMITS, TalkLimits
from voipbin_cli.analysis.diagnosis import DiagnosisFold
from voipbin_cli.analysis.farend.heard_sound import HeardSound
from voipbin_cli.analysis.messages import Gathering
from voipbin_cli.analysis.stream import StreamFold
from voipbin_cli.codec.encapsulation import Direction, Encapsulation
from voipbin_cli.session.measuring import AT_ONCE
from voipbin_cli.transport.connection import Message


class DiagnosedTalk:
    """Measures both ways of one stream, some messages at a time.

    `label` names the target, `limits` are those of the conversation; without `has_turns` there is
    none. `heard` gets the sound as the phone does. `keep_…` is for a report.
    """

    def __init__(
        self,
        encapsulation: Encapsulation,
        label: str,
        *,
        limits: TalkLimits = DEFAULT_LIMITS,
        has_turns: bool = True,
        heard: Callable[[bytes], None] | None = None,
        keep_samples: int = 0,
        keep_rows: int = 0,
    ) -> None:
        received, sending = (
            StreamFold(encapsulation, keep_samples=keep_samples, keep_rows=keep_rows)
            for _ in range(2)
        )
        self.fold = DiagnosisFold(received, label, sending, limits, has_turns=has_turns)
        self.is_over = False
        self._received, self._sent = Gathering(), Gathering()
        self.messages = 0
        assert self.fold.sent is not None
        self._sent_fold = self.fold.sent
        if heard is not None:
            queue = self._sent_fold.queue
            self._sent_fold.heard = HeardSound(encapsulation, heard, queue)

    def opened(self) -> None:
        """A connection is up, the first one or another."""
        self._measure()
        self.fold.opened()

    def hear(self, direction: Direction, message: Message) -> None:
        """Measure it, now or with those that follow."""
        self.messages += 1
        gathering = self._received if direction is Direction.IN else self._sent
        gathering.add(message.data, message.arrival_ns)
        if len(gathering) >= AT_ONCE:
            self._measure()

    def _measure(self) -> None:
        """Measure what was gathered: what is received tells what is to be sent."""
        if len(self._received):
            self.fold.stream.add(self._received.frames())
        if len(self._sent):
            self._sent_fold.add(self._sent.frames())

    def lagged(self, at_ns: int, late_ns: int) -> None:
        """Hold this machine's own lateness against nobody."""
        self.fold.lagged(at_ns, round(late_ns / 1e6, 3))

    def lost(self, at_ns: int, fields: Mapping[str, Any]) -> None:
        """A connection is lost, while the call goes on; `fields` as a capture has them."""
        self._measure()
        self.fold.stream.broke(at_ns)
        self.fold.ended(fields)

    def over(self, at_ns: int, pings: Mapping[str, Any], fields: Mapping[str, Any]) -> None:
        """Measure the rest."""
        if pings:
            self.fold.pinged(at_ns, pings)
        self._measure()
        self.fold.flush()
        self.fold.closed(at_ns, fields)
        self.is_over = True
