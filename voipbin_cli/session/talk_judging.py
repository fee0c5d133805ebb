"""What a session sends, judged beside what it receives, while it runs."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from functools import partial
from typing import Any

from voipbin_cli.analysis.conversation.talk_watch import TalkGlance
from voipbin_cli.analysis.diagnosis import StreamDiagnosis
from voipbin_cli.analysis.findings import verdict
from voipbin_cli.clock import now_ns
from voipbin_cli.codec.encapsulation import Direction
from voipbin_cli.errors import VoipbinError
from voipbin_cli.session.capture_log import WORTH_NOTING_NS, closing_fields, refusal_fields
from voipbin_cli.session.diagnosed_talk import DiagnosedTalk
from voipbin_cli.session.ending import Close
from voipbin_cli.session.hearer import Hearer
from voipbin_cli.session.judging_thread import JudgeAside, JudgingThread
from voipbin_cli.session.live import LiveRequest
from voipbin_cli.session.talk_watching import TalkWatching
from voipbin_cli.transport.connection import ConnectionEnded, MediaConnection, Message, Pings

_OF_BOTH = ("verdict", "findings", "metrics", "metrics_sent", "far_end", "conversation")
_OF_SENT = ("metrics_sent", "far_end")


class TalkJudging(Hearer):
    """Judges both directions as a diagnosis of the run's capture does, in a thread of its own.

    `is_talk`: whoever sends hears what comes, too. Else what comes is nobody's concern: only what
    is sent is judged.
    """

    is_worth_a_run = False

    def __init__(
        self,
        live: LiveRequest,
        *,
        is_talk: bool = True,
        clock: Callable[[], int] = now_ns,
    ) -> None:
        self._is_talk = is_talk
        self._clock = clock
        self._talk = DiagnosedTalk(live.encapsulation, live.label, has_turns=is_talk)
        self._thread = JudgingThread()
        watching = TalkWatching(live.encapsulation, live.label)
        self._aside = JudgeAside(self._talk, self._thread, watching)

    @contextlib.asynccontextmanager
    async def beside(self) -> AsyncIterator[None]:
        """Judge beside the stream, to the end of what there is."""
        self._thread.start()
        try:
            yield
        finally:
            self._thread.finish()

    def look(self) -> TalkGlance:
        """How it stood at the look before."""
        return self._aside.look(self._clock())

    # What it hears

    def opened(self, at_ns: int, connection: MediaConnection) -> None:
        """Judge on, across connections."""
        self._aside.tell(self._talk.opened)

    def hear_messages(self, messages: Sequence[Message]) -> None:
        """Judge what has come."""
        for message in messages:
            self._aside.hear(Direction.IN, message)

    def hear_sent(self, at_ns: int, message: bytes) -> None:
        """Judge what was sent."""
        self._aside.hear(Direction.OUT, Message(at_ns, message))

    def hear_pings(self, at_ns: int, pings: Pings) -> None:
        """Note the round trips."""
        self._aside.tell(partial(self._talk.fold.pinged, at_ns, pings._asdict()))

    def api_told(self, at_ns: int, fields: dict[str, Any]) -> None:
        """Note whether the call is up, and muted."""
        self._aside.tell(partial(self._talk.fold.told, dict(fields)))

    def ticked(self, at_ns: int, late_ns: int) -> None:
        """Note this machine's own lateness."""
        if late_ns >= WORTH_NOTING_NS:
            self._aside.lagged(at_ns, late_ns)

    def lost(self, at_ns: int, ended: ConnectionEnded) -> None:
        """Note the outage."""
        self._aside.tell(partial(self._talk.lost, at_ns, closing_fields(ended)))

    def failed(self, at_ns: int, error: VoipbinError) -> None:
        """Note what has an id among the findings."""
        if fields := refusal_fields(error):
            self._aside.tell(partial(self._talk.fold.told, fields))

    def ended(self, at_ns: int, close: Close) -> None:
        """Judge the rest."""
        if close.error is not None:
            self.failed(at_ns, close.error)
        self._aside.over(at_ns, {}, close.as_fields() | closing_fields(close))

    # What it came to

    def summary(self) -> dict[str, Any]:
        """Return what was found; a capture of the run gives the same."""
        diagnosis = self._talk.fold.diagnosis()
        fields = diagnosis.as_fields()
        if self._is_talk:
            return {name: fields[name] for name in _OF_BOTH}
        return _of_sent(diagnosis) | {name: fields[name] for name in _OF_SENT}


def _of_sent(diagnosis: StreamDiagnosis) -> dict[str, Any]:
    found = tuple(one for one in diagnosis.findings if one.direction is Direction.OUT)
    return {"verdict": verdict(found).value, "findings": [one.as_fields() for one in found]}
