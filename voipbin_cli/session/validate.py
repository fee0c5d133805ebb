"""`validate` of a live stream: every message judged by the rules as it comes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from voipbin_cli.analysis.messages import TimedMessage, from_messages
from voipbin_cli.analysis.validation.judge import Part
from voipbin_cli.analysis.validation.scope import Scope
from voipbin_cli.analysis.validation.tally import Group
from voipbin_cli.codec.encapsulation import Direction
from voipbin_cli.events import Tell
from voipbin_cli.session.ending import Cause, Close
from voipbin_cli.session.hearer import Hearer
from voipbin_cli.session.session import Goal, Session, SessionRequest
from voipbin_cli.transport.connection import Message

OnPart = Callable[[Part], None]


class LiveValidation(Hearer):
    """Judges what a live stream brings, and what is sent into it. `on_part` hears of all of it."""

    def __init__(self, request: SessionRequest, scope: Scope, on_part: OnPart) -> None:
        live = request.live
        self.validator = scope.validator(live.encapsulation, live.label, is_two_way=True)
        self._label = request.live.label
        self._on_part = on_part

    def hear_messages(self, messages: Sequence[Message]) -> None:
        """Judge what has come."""
        self._judge(Direction.IN, (TimedMessage(m.data, m.arrival_ns) for m in messages))

    def hear_sent(self, at_ns: int, message: bytes) -> None:
        """Judge what we send ourselves, too."""
        self._judge(Direction.OUT, [TimedMessage(message, at_ns)])

    def connection_over(self) -> None:
        """Begin the sequence anew with each connection."""
        self._tell_parts(self.validator.finish())

    def finish(self) -> None:
        """Judge the rest."""
        self._tell_parts(self.validator.finish())

    @property
    def has_heard(self) -> bool:
        """Whether anything came that could be judged."""
        return self.validator.frames[Direction.IN] > 0

    def judged(self) -> dict[str, Any]:
        """Return what it came to so far; a capture gives the same."""
        return {"target": self._label, **self.validator.summary()}

    def groups(self) -> list[Group]:
        """Return what was found so far."""
        return self.validator.tally.groups

    def _judge(self, direction: Direction, messages: Iterable[TimedMessage]) -> None:
        """Judge some more; enough of them is the end."""
        self._tell_parts(self.validator.add(direction, from_messages(messages)))
        if self.validator.is_full:
            self.session.stop(Cause.FINISHED)

    def _tell_parts(self, parts: Iterable[Part]) -> None:
        for part in parts:
            self._on_part(part)


class JudgeFrames(Goal):
    """To judge a stream."""

    def __init__(self, validation: LiveValidation) -> None:
        self._validation = validation

    def summary(self, session: Session, close: Close) -> dict[str, Any]:
        """Return what was judged, and nothing else."""
        return self._validation.judged()


def validate_session(
    request: SessionRequest, tell: Tell, validation: LiveValidation, **edges: Any
) -> Session:
    """Return a session in which every message is judged.

    `edges` are the clock and the like of `Session`.
    """
    return Session(request, tell, [validation], goal=JudgeFrames(validation), **edges)
