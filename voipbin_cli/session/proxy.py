"""`validate --proxy`: judge both directions of somebody else's client while it works."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

from voipbin_cli.analysis import messages as columns
from voipbin_cli.analysis.farend.far_queue import queue_of
from voipbin_cli.analysis.farend.heard_sound import HeardSound
from voipbin_cli.analysis.messages import from_messages
from voipbin_cli.analysis.validation.judge import Part
from voipbin_cli.analysis.validation.scope import Scope
from voipbin_cli.analysis.validation.tally import Group, Tally
from voipbin_cli.analysis.validation.validator import Validator
from voipbin_cli.codec.encapsulation import MAX_PAYLOAD_BYTES, Direction, Encapsulation
from voipbin_cli.errors import NothingToJudge, VoipbinError
from voipbin_cli.events import Tell
from voipbin_cli.media.kept_sound import KeptSound
from voipbin_cli.session.capture_log import CaptureLog
from voipbin_cli.session.ending import Cause, Close
from voipbin_cli.session.hearer import Hearer
from voipbin_cli.session.session import SessionRequest
from voipbin_cli.transport.connection import (
    ConnectionEnded,
    MediaConnection,
    Message,
    open_connection,
)
from voipbin_cli.transport.relay import HOST, Relay

# An RTP header with all that can be in front of a payload is no longer.
_MAX_HEADER_BYTES = 12


@dataclass(frozen=True, slots=True)
class ProxyStatus:
    """Where a proxy is. `clients` counts those that are there now."""

    address: str
    clients: int
    elapsed_s: float
    received: int
    sent: int


@dataclass(slots=True)
class _Talk:
    """One client and its far end."""

    number: int
    validator: Validator
    connection: MediaConnection
    session: ProxyValidation
    is_over: bool = False
    held_back: int = 0

    def may_pass(self, direction: Direction, message: Message) -> bool:
        """Judge one message; what would be the death of the platform's server stays here."""
        session = self.session
        session.log(direction, message)
        frames = from_messages([columns.TimedMessage(message.data, message.arrival_ns)])
        session.tell_parts(self.validator.add(direction, frames))
        return direction is Direction.IN or not self._is_deadly(message.data)

    def connection_ended(self, ended: ConnectionEnded) -> None:
        """Judge the rest."""
        if not self.is_over:
            self.is_over = True
            self.session.over(self, ended)

    def _is_deadly(self, data: bytes | str) -> bool:
        if isinstance(data, str) or self.validator.encapsulation is Encapsulation.AUDIOSOCKET:
            return False
        is_rtp = self.validator.encapsulation is Encapsulation.RTP
        limit = MAX_PAYLOAD_BYTES + (_MAX_HEADER_BYTES if is_rtp else 0)
        if len(data) <= limit:
            return False
        self.held_back += 1
        self.session.tell(
            "warning",
            {
                "message": f"a message of {len(data)} bytes was not passed on: "
                "the platform's server process would die of it"
            },
        )
        return True


class ProxyValidation:
    """Listens on `port` of this machine; each client gets a connection of its own to the target.

    `tell(event, fields)` hears of who comes and goes, `on_part` of all that is judged; `heard`
    keeps the sound as the phone gets it, of the first client.
    """

    def __init__(
        self,
        request: SessionRequest,
        tell: Tell,
        *,
        port: int,
        scope: Scope,
        on_part: Callable[[Part], None],
        heard: KeptSound | None = None,
        clock: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self.tell = tell
        self.tally = Tally()
        self._request = request
        self._port = port
        self._scope = scope
        self._on_part = on_part
        self._heard = heard
        self._clock = clock
        self._talks: list[_Talk] = []
        self._relay = Relay(self._connect, self._begin, refused=self._refused, clock=clock)
        self._capture = (
            CaptureLog(request.capture, request.live, overwrite=request.overwrite)
            if request.capture is not None
            else Hearer()
        )
        self._stopped: asyncio.Future[Cause] | None = None
        self._started_ns = 0

    # The run

    def stop(self, cause: Cause) -> None:
        """End it. The first cause counts."""
        if self._stopped is not None and not self._stopped.done():
            self._stopped.set_result(cause)

    async def run(self) -> Close:
        """Relay until it is stopped. Raises MachineError when the port cannot be had."""
        self._stopped = asyncio.get_running_loop().create_future()
        self._started_ns = self._clock()
        try:
            close = await self._relayed()
            self._capture.ended(self._clock(), close)
            return close
        finally:
            self._capture.finish()
            if self._heard is not None:
                self._heard.close()

    async def _relayed(self) -> Close:
        assert self._stopped is not None
        try:
            await self._relay.start(self._port)
            self.tell("listening", {"address": self.address})
            duration_s = self._request.duration_s
            if duration_s is not None:
                asyncio.get_running_loop().call_later(duration_s, self.stop, Cause.DURATION)
            return Close(await self._stopped)
        finally:
            await self._relay.close()
            for talk in self._talks:
                talk.connection_ended(
                    ConnectionEnded(1001, "the proxy was stopped", abrupt=False, local=True)
                )

    @property
    def address(self) -> str:
        """What a client is to be pointed at."""
        live = self._request.live
        query = f"?encapsulation={live.encapsulation}"
        return f"ws://{HOST}:{self._relay.port}/{query}"

    async def _connect(self, path: str) -> MediaConnection:
        live = self._request.live
        url = live.endpoint.stream_url(live.target, self._encapsulation(path))
        return await open_connection(
            url,
            headers=live.endpoint.stream_headers(live.target),
            ssl=live.endpoint.ssl_context(url),
            connect_timeout=live.connect_timeout_s,
            clock=self._clock,
        )

    def _encapsulation(self, path: str) -> Encapsulation:
        """What the client's own address asks for, where it does."""
        asked = parse_qs(urlsplit(path).query).get("encapsulation", [""])[-1]
        known = asked in list(Encapsulation)
        return Encapsulation(asked) if known else self._request.live.encapsulation

    def _begin(self, connection: MediaConnection, path: str) -> _Talk:
        encapsulation = self._encapsulation(path)
        label, heard = self._request.live.label, None
        if self._heard is not None and not self._talks:
            heard = HeardSound(encapsulation, self._heard.write, queue_of(label))
        validator = self._scope.validator(encapsulation, label, heard)
        talk = _Talk(len(self._talks), validator, connection, self)
        self._talks.append(talk)
        self._capture.opened(self._clock(), connection)
        self.tell("client", {"client": talk.number, "encapsulation": encapsulation.value})
        return talk

    def _refused(self, error: VoipbinError) -> None:
        self.tell("warning", {"message": f"a client was turned away: {error.message}"})

    # What talks tell

    def log(self, direction: Direction, message: Message) -> None:
        """Put a message into the capture."""
        if direction is Direction.IN:
            self._capture.hear_messages([message])
        elif isinstance(message.data, bytes):
            self._capture.hear_sent(message.arrival_ns, message.data)

    def tell_parts(self, parts: Iterable[Part]) -> None:
        """Pass on what was judged."""
        for part in parts:
            self.tally.add(part)
            self._on_part(part)

    def over(self, talk: _Talk, ended: ConnectionEnded) -> None:
        """A client or its far end is gone."""
        self.tell_parts(talk.validator.finish())
        at_ns = self._clock()
        if (pings := talk.connection.pings(at_ns)).ms:
            self._capture.hear_pings(at_ns, pings)
        who = "client" if ended.local else "far end"
        fields = {"client": talk.number, "by": who, "code": ended.code, "abrupt": ended.abrupt}
        self.tell("gone", fields)

    # What it came to

    @property
    def is_unfinished(self) -> bool:
        """Whether Ctrl-C now cuts short what was asked for."""
        return self._request.duration_s is not None

    @property
    def has_heard(self) -> bool:
        """Whether anything passed that could be judged."""
        return bool(self.judged()["frames"])

    def problem(self, close: Close) -> VoipbinError | None:
        """Return what to say where nothing was judged: no client, or none that said anything."""
        if self.has_heard:
            return None
        if not self._talks:
            return NothingToJudge(
                "no client connected, so nothing was judged",
                hint=f"point your client at {self.address} while this runs",
            )
        return NothingToJudge(
            "clients connected, and no frame passed",
            hint="is the call answered, and the encapsulation right? "
            "voipbin stream diagnose says more",
        )

    def status(self) -> ProxyStatus:
        """Return where it is now."""
        frames = [talk.validator.frames for talk in self._talks]
        return ProxyStatus(
            address=self.address,
            clients=sum(not talk.is_over for talk in self._talks),
            elapsed_s=(self._clock() - self._started_ns) / 1e9 if self._started_ns else 0.0,
            received=sum(counts[Direction.IN] for counts in frames),
            sent=sum(counts[Direction.OUT] for counts in frames),
        )

    def summary(self, close: Close) -> dict[str, Any]:
        """Return the fields of the summary, of all clients together."""
        return self.judged()

    def groups(self) -> list[Group]:
        """Return what was found so far."""
        return self.tally.groups

    def judged(self) -> dict[str, Any]:
        """Return what it came to so far."""
        status = self.status()
        talks = self._talks
        encapsulation = talks[0].validator.encapsulation if talks else None
        dialect = talks[0].validator.dialect if talks else None
        return {
            "target": self._request.live.label,
            "encapsulation": (encapsulation or self._request.live.encapsulation).value,
            "spec": self._scope.spec.value,
            "dialect": dialect.value if dialect else None,
            "frames": status.received + status.sent,
            "frames_received": status.received,
            "frames_sent": status.sent,
            "clients": len(talks),
            **self.tally.as_fields(),
        }
