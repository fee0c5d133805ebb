"""`validate` of a live stream: every message judged by the rules as it comes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from voipbin_cli.analysis import messages as columns
from voipbin_cli.analysis.messages import from_messages
from voipbin_cli.analysis.validation.judge import Part
from voipbin_cli.analysis.validation.measure import Measure
from voipbin_cli.analysis.validation.tally import Group
from voipbin_cli.codec.encapsulation import Direction
from voipbin_cli.session.listening import ListeningSession, ListenRequest, Tell
from voipbin_cli.session.live import Cause, Close
from voipbin_cli.transport.connection import MediaConnection, Message

OnPart = Callable[[Part], None]


class LiveValidation(ListeningSession):
    """Judges what a live stream brings, and what keeps it awake."""

    def __init__(
        self, request: ListenRequest, tell: Tell, *, measure: Measure, on_part: OnPart, **edges: Any
    ) -> None:
        super().__init__(request, tell, **edges)
        self.validator = measure.validator(request.live.encapsulation)
        self._on_part = on_part

    def opened(self, at_ns: int, connection: MediaConnection) -> None:
        """Begin the sequence anew with each connection."""
        if self.stream.connections > 1:
            self._tell_parts(self.validator.finish())
        super().opened(at_ns, connection)

    def received(self, messages: Sequence[Message]) -> None:
        """Judge what has come, beside decoding it."""
        frames = from_messages(columns.TimedMessage(m.data, m.arrival_ns) for m in messages)
        self._tell_parts(self.validator.add(Direction.IN, frames))
        super().received(messages)
        if self.validator.is_full:
            self.stream.stop(Cause.DURATION)

    def silent_message(self) -> bytes | None:
        """Judge what we send ourselves, too."""
        message = super().silent_message()
        if message is not None:
            sent = columns.TimedMessage(message, self.clock())
            self._tell_parts(self.validator.add(Direction.OUT, from_messages([sent])))
        return message

    def finish_output(self) -> None:
        """Judge the rest."""
        self._tell_parts(self.validator.finish())

    def summary(self, close: Close) -> dict[str, Any]:
        """Return the same as of a capture of this run."""
        return self.judged()

    def judged(self) -> dict[str, Any]:
        """Return what it came to so far."""
        return {"target": self._request.live.label, **self.validator.summary()}

    def groups(self) -> list[Group]:
        """Return what was found so far."""
        return self.validator.tally.groups

    def _tell_parts(self, parts: Iterable[Part]) -> None:
        for part in parts:
            self._on_part(part)
