"""`diagnose --proxy`: find out what is wrong with somebody else's client while it works."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from voipbin_cli.analysis.conversation.limits import DEFAULT_LIMITS, TalkLimits
from voipbin_cli.analysis.diagnosis import KEPT_ROWS, KEPT_SAMPLES
from voipbin_cli.codec.encapsulation import Encapsulation
from voipbin_cli.events import Tell
from voipbin_cli.session.diagnosed_talk import DiagnosedTalk
from voipbin_cli.session.ending import Close
from voipbin_cli.session.relayed_clients import ProxySession
from voipbin_cli.session.session import SessionRequest


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
        talk = DiagnosedTalk(
            encapsulation,
            self.request.live.label,
            limits=self._limits,
            heard=heard,
            keep_samples=KEPT_SAMPLES,
            keep_rows=KEPT_ROWS,
        )
        talk.opened()
        self._judges.append(talk)
        return talk

    @property
    def worst(self) -> DiagnosedTalk | None:
        """The client that has to be looked at first: of the gravest findings, then of most."""
        over = [talk for talk in self._judges if talk.is_over]
        return min(over, key=_rank, default=None)

    def by_client(self) -> list[tuple[str, dict[str, Any]]]:
        """Return what each of several clients comes to, the worst first; nothing of one alone."""
        over = [(n, talk) for n, talk in enumerate(self._judges) if talk.is_over]
        over.sort(key=lambda each: _rank(each[1]))
        told = [(f"client {n}", talk.fold.diagnosis().as_fields()) for n, talk in over]
        return told if len(told) > 1 else []

    def summary(self, close: Close) -> dict[str, Any]:
        """Return the fields of the summary."""
        return self.diagnosed()

    def diagnosed(self) -> dict[str, Any]:
        """Return what the worst client comes to; a capture gives the same."""
        worst, label = self.worst, self.request.live.label
        if worst is None:
            return {"target": label, "clients": self.clients}
        client = self._judges.index(worst)
        return worst.fold.summary(label) | {"clients": self.clients, "client": client}


def _rank(talk: DiagnosedTalk) -> tuple[int, int]:
    ranks = [-finding.severity.rank for finding in talk.fold.diagnosis().findings]
    return min(ranks, default=1), -talk.messages
