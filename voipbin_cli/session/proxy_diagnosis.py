"""`diagnose --proxy`: find out what is wrong with somebody else's client while it works."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from voipbin_cli.analysis.conversation.limits import DEFAULT_LIMITS, TalkLimits
from voipbin_cli.analysis.diagnosis import KEPT_ROWS, KEPT_SAMPLES, DiagnosisFold
from voipbin_cli.analysis.farend.heard_sound import HeardSound
from voipbin_cli.analysis.messages import Gathering
from voipbin_cli.analysis.stream import StreamFold
from voipbin_cli.codec.encapsulation import Direction, Encapsulation
from voipbin_cli.events import Tell
from voipbin_cli.session.ending import Close
from voipbin_cli.session.measuring import AT_ONCE
from voipbin_cli.session.relayed_clients import ProxySession
from voipbin_cli.session.session import SessionRequest
from voipbin_cli.transport.connection import Message


class DiagnosedTalk:
    """Measures both ways of one client's stream, some messages at a time."""

    def __init__(
        self,
        encapsulation: Encapsulation,
        label: str,
        heard: Callable[[bytes], None] | None,
        limits: TalkLimits,
    ) -> None:
        received, sending = (
            StreamFold(encapsulation, keep_samples=KEPT_SAMPLES, keep_rows=KEPT_ROWS)
            for _ in range(2)
        )
        self.fold = DiagnosisFold(received, label, sending, limits)
        self.fold.opened()
        self.is_over = False
        self._received, self._sent = Gathering(), Gathering()
        self.messages = 0
        assert self.fold.sent is not None
        self._sent_fold = self.fold.sent
        if heard is not None:
            queue = self._sent_fold.queue
            self._sent_fold.heard = HeardSound(encapsulation, heard, queue)

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

    def over(self, at_ns: int, pings: Mapping[str, Any], fields: Mapping[str, Any]) -> None:
        """Measure the rest."""
        if pings:
            self.fold.pinged(at_ns, pings)
        self._measure()
        self.fold.flush()
        self.fold.closed(at_ns, fields)
        self.is_over = True


class ProxyDiagnosis(ProxySession):
    """A proxy whose clients are diagnosed, each on its own; the worst is what is told.

    `heard` gets the sound as the phone does, of the first client; `limits` are those of the
    conversation.
    """

    def __init__(
        self,
        request: SessionRequest,
        tell: Tell,
        *,
        port: int,
        heard: Callable[[bytes], None] | None = None,
        limits: TalkLimits = DEFAULT_LIMITS,
        **edges: Any,
    ) -> None:
        super().__init__(request, tell, port=port, judged_by=self._judge, **edges)
        self._heard = heard
        self._limits = limits
        self._judges: list[DiagnosedTalk] = []

    def _judge(self, encapsulation: Encapsulation) -> DiagnosedTalk:
        heard = None if self._judges else self._heard
        talk = DiagnosedTalk(encapsulation, self.request.live.label, heard, self._limits)
        self._judges.append(talk)
        return talk

    @property
    def worst(self) -> DiagnosedTalk | None:
        """The client that has to be looked at first: of the gravest findings, then of most."""
        over = [talk for talk in self._judges if talk.is_over]
        return min(over, key=_rank, default=None)

    def summary(self, close: Close) -> dict[str, Any]:
        """Return the fields of the summary; a capture of one client gives the same."""
        worst, label = self.worst, self.request.live.label
        if worst is None:
            return {"target": label, "clients": self.clients}
        client = self._judges.index(worst)
        return worst.fold.summary(label) | {"clients": self.clients, "client": client}


def _rank(talk: DiagnosedTalk) -> tuple[int, int]:
    ranks = [-finding.severity.rank for finding in talk.fold.diagnosis().findings]
    return min(ranks, default=1), -talk.messages
