"""`validate --proxy`: judge both directions of somebody else's client while it works."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, NamedTuple

from voipbin_cli.analysis.farend.far_queue import queue_of
from voipbin_cli.analysis.farend.heard_sound import HeardSound
from voipbin_cli.analysis.messages import TimedMessage, from_messages
from voipbin_cli.analysis.validation.judge import Part
from voipbin_cli.analysis.validation.scope import Scope
from voipbin_cli.analysis.validation.tally import Group, Tally
from voipbin_cli.analysis.validation.validator import Validator
from voipbin_cli.codec.encapsulation import Direction, Encapsulation
from voipbin_cli.events import Tell
from voipbin_cli.media.kept_sound import KeptSound
from voipbin_cli.session.ending import Close
from voipbin_cli.session.relayed_clients import ProxySession
from voipbin_cli.session.session import SessionRequest
from voipbin_cli.transport.connection import Message


class JudgedClient(NamedTuple):
    """One client's summary, and what was found of it, the gravest first."""

    number: int
    summary: dict[str, Any]
    groups: list[Group]


def _rank(client: JudgedClient) -> tuple[int, int, int]:
    first = -client.groups[0].first.severity.rank if client.groups else 1
    return first, -len(client.groups), client.number


class _ValidatedTalk:
    """Judges one client's stream by the rules; `on_parts` gets what is judged."""

    def __init__(self, validator: Validator, on_parts: Callable[[Iterable[Part]], None]) -> None:
        self.validator = validator
        self._on_parts = on_parts

    def hear(self, direction: Direction, message: Message) -> None:
        frames = from_messages([TimedMessage(message.data, message.arrival_ns)])
        self._on_parts(self.validator.add(direction, frames))

    def lagged(self, at_ns: int, late_ns: int) -> None:
        pass

    def over(self, at_ns: int, pings: Mapping[str, Any], fields: Mapping[str, Any]) -> None:
        self._on_parts(self.validator.finish())


class ProxyValidation(ProxySession):
    """A proxy whose clients' frames are judged by the rules.

    `on_part` hears of all that is judged, and which client's it is; `heard` keeps the sound as the
    phone gets it, of the first client.
    """

    def __init__(
        self,
        request: SessionRequest,
        tell: Tell,
        *,
        port: int,
        scope: Scope,
        on_part: Callable[[Part, int], None],
        heard: KeptSound | None = None,
        **edges: Any,
    ) -> None:
        super().__init__(request, tell, port=port, judged_by=self._judge, **edges)
        self.tally = Tally()
        self._scope = scope
        self._on_part = on_part
        self._heard = heard
        self._judges: list[_ValidatedTalk] = []

    def _judge(self, encapsulation: Encapsulation) -> _ValidatedTalk:
        label, heard = self.request.live.label, None
        if self._heard is not None and not self._judges:
            heard = HeardSound(encapsulation, self._heard.write, queue_of(label))
        validator = self._scope.validator(encapsulation, label, heard, is_two_way=True)
        talk = _ValidatedTalk(validator, partial(self._tell_parts, len(self._judges)))
        self._judges.append(talk)
        return talk

    async def run(self) -> Close:
        """Relay until it is stopped. Raises MachineError when the port cannot be had."""
        try:
            return await super().run()
        finally:
            if self._heard is not None:
                self._heard.close()

    def _tell_parts(self, client: int, parts: Iterable[Part]) -> None:
        for part in parts:
            self.tally.add(part)
            self._on_part(part, client)

    def summary(self, close: Close) -> dict[str, Any]:
        """Return the fields of the summary, of all clients together."""
        return self.judged()

    def groups(self) -> list[Group]:
        """Return what was found so far."""
        return self.tally.groups

    def by_client(self) -> list[JudgedClient]:
        """Return what was found of each client so far, the one with the gravest first."""
        judged = [
            JudgedClient(number, talk.validator.summary(), talk.validator.tally.groups)
            for number, talk in enumerate(tuple(self._judges))
        ]
        return sorted((client for client in judged if client.summary["frames"]), key=_rank)

    def judged(self) -> dict[str, Any]:
        """Return what it came to so far."""
        status = self.status()
        first = self._judges[0].validator if self._judges else None
        dialect = first.dialect if first else None
        encapsulation = first.encapsulation if first else self.request.live.encapsulation
        return {
            "target": self.request.live.label,
            "encapsulation": encapsulation.value,
            "spec": self._scope.spec.value,
            "dialect": dialect.value if dialect else None,
            "frames": status.received + status.sent,
            "frames_received": status.received,
            "frames_sent": status.sent,
            "far_end": first.summary()["far_end"] if first else None,
            "clients": self.clients,
            **self.tally.as_fields(),
        }
