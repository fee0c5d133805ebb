"""A proxy between somebody else's client and its target: relays, and lets both ways be judged."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

from voipbin_cli.analysis.conversation.talk_watch import TalkGlance
from voipbin_cli.clock import now_ns
from voipbin_cli.codec.encapsulation import MAX_PAYLOAD_BYTES, Direction, Encapsulation
from voipbin_cli.errors import MachineError, NothingToJudge, VoipbinError
from voipbin_cli.events import Tell
from voipbin_cli.session.capture_log import WORTH_NOTING_NS, CaptureLog, closing_fields
from voipbin_cli.session.ending import Cause, Close
from voipbin_cli.session.hearer import Hearer, why_left_behind
from voipbin_cli.session.judging_thread import JudgeAside, JudgingThread, TalkJudge
from voipbin_cli.session.lag import LagMeter
from voipbin_cli.session.session import SessionRequest
from voipbin_cli.session.talk_watching import TalkWatching
from voipbin_cli.transport.connection import (
    ConnectionEnded,
    MediaConnection,
    Message,
    open_connection,
)
from voipbin_cli.transport.relay import HOST, Relay

# An RTP header with all that can be in front of a payload is no longer.
_MAX_HEADER_BYTES = 12
LAG_INTERVAL_S = 0.02


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
    encapsulation: Encapsulation
    judge: JudgeAside
    connection: MediaConnection
    session: ProxySession
    is_over: bool = False
    held_back: int = 0

    def may_pass(self, direction: Direction, message: Message) -> bool:
        """Judge one message; what would be the death of the platform's server stays here."""
        self.session.log(self.number, direction, message)
        self.judge.hear(direction, message)
        return direction is Direction.IN or not self._is_deadly(message.data)

    def connection_ended(self, ended: ConnectionEnded) -> None:
        """Judge the rest."""
        if not self.is_over:
            self.is_over = True
            self.session.over(self, ended)

    def _is_deadly(self, data: bytes | str) -> bool:
        if isinstance(data, str) or self.encapsulation is Encapsulation.AUDIOSOCKET:
            return False
        is_rtp = self.encapsulation is Encapsulation.RTP
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


class ProxySession:
    """Listens on `port` of this machine; each client gets a connection of its own to the target.

    `judged_by(encapsulation)` makes what hears a client's stream; `tell(event, fields)` hears of
    who comes and goes.
    """

    def __init__(
        self,
        request: SessionRequest,
        tell: Tell,
        *,
        port: int,
        judged_by: Callable[[Encapsulation], TalkJudge],
        clock: Callable[[], int] = now_ns,
    ) -> None:
        self.tell = tell
        self.request = request
        self._port = port
        self._judged_by = judged_by
        self._judging = JudgingThread()
        self._clock = clock
        self._talks: list[_Talk] = []
        self._relay = Relay(self._connect, self._begin, refused=self._refused, clock=clock)
        self._capture = (
            CaptureLog(request.capture, request.live, overwrite=request.overwrite)
            if request.capture is not None
            else Hearer()
        )
        self._capture_error: MachineError | None = None
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
            at_ns = self._clock()
            self._capturing(lambda capture: capture.ended(at_ns, close))
            return close
        finally:
            self._capturing(lambda capture: capture.finish())

    async def _relayed(self) -> Close:
        assert self._stopped is not None
        loop = asyncio.get_running_loop()
        lag = LagMeter(loop, LAG_INTERVAL_S, self._clock, self._lagged)
        self._judging.start()
        try:
            await self._relay.start(self._port)
            lag.start()
            self.tell("listening", {"address": self.address})
            duration_s = self.request.duration_s
            if duration_s is not None:
                loop.call_later(duration_s, self.stop, Cause.DURATION)
            return Close(await self._stopped)
        finally:
            lag.stop()
            await self._relay.close()
            for talk in self._talks:
                talk.connection_ended(
                    ConnectionEnded(1001, "the proxy was stopped", abrupt=False, local=True)
                )
            self._judging.finish()

    @property
    def address(self) -> str:
        """What a client is to be pointed at."""
        live = self.request.live
        query = f"?encapsulation={live.encapsulation}"
        return f"ws://{HOST}:{self._relay.port}/{query}"

    async def _connect(self, path: str) -> MediaConnection:
        live = self.request.live
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
        return Encapsulation(asked) if known else self.request.live.encapsulation

    def _begin(self, connection: MediaConnection, path: str) -> _Talk:
        encapsulation = self._encapsulation(path)
        watching = TalkWatching(encapsulation, self.request.live.label)
        judge = JudgeAside(self._judged_by(encapsulation), self._judging, watching)
        talk = _Talk(len(self._talks), encapsulation, judge, connection, self)
        self._talks.append(talk)
        at_ns = self._clock()
        self._capturing(lambda capture: capture.opened(at_ns, connection), talk.number)
        self.tell("client", {"client": talk.number, "encapsulation": encapsulation.value})
        return talk

    def _refused(self, error: VoipbinError) -> None:
        self.tell("warning", {"message": f"a client was turned away: {error.message}"})

    # What talks tell

    def log(self, client: int, direction: Direction, message: Message) -> None:
        """Put a message of a client's stream into the capture."""
        at_ns, data = message
        if direction is Direction.IN:
            self._capturing(lambda capture: capture.hear_messages([message]), client)
        elif isinstance(data, str):
            self._capturing(lambda capture: capture.hear_sent_text(at_ns, data), client)
        else:
            self._capturing(lambda capture: capture.hear_sent(at_ns, data), client)

    def _capturing(self, tell: Callable[[Hearer], None], client: int | None = None) -> None:
        """Tell the capture something; the clients' calls go on where it cannot be written."""
        try:
            if client is not None and isinstance(self._capture, CaptureLog):
                self._capture.of_client(client)
            tell(self._capture)
        except (MachineError, BrokenPipeError) as error:
            self._capture, self._capture_error = Hearer(), why_left_behind(error)
            message = f"{self._capture_error.message}; the rest goes on"
            self.tell("warning", {"message": message})
        for words in self._capture.warnings():
            self.tell("warning", {"message": words})

    def over(self, talk: _Talk, ended: ConnectionEnded) -> None:
        """A client or its far end is gone."""
        at_ns = self._clock()
        pings = talk.connection.pings(at_ns)
        if pings.ms:
            self._capturing(lambda capture: capture.hear_pings(at_ns, pings), talk.number)
        who = "client" if ended.local else "far end"
        # A client that leaves has what it wanted.
        cause = Cause.FINISHED if ended.local else Cause.CALL_ENDED
        closing = closing_fields(ended) | {"cause": cause.value}
        self._capturing(lambda capture: capture.one_closed(at_ns, closing), talk.number)
        talk.judge.over(at_ns, pings._asdict() if pings.ms else {}, closing)
        fields = {"client": talk.number, "by": who, "code": ended.code, "abrupt": ended.abrupt}
        self.tell("gone", fields)

    def _lagged(self, at_ns: int, late_ns: int) -> None:
        running = [talk for talk in self._talks if not talk.is_over]
        if running:
            self._capturing(lambda capture: capture.ticked(at_ns, late_ns))
        for talk in running:
            if late_ns >= WORTH_NOTING_NS:
                talk.judge.lagged(at_ns, late_ns)

    # What it came to

    @property
    def is_unfinished(self) -> bool:
        """Whether Ctrl-C now cuts short what was asked for."""
        return self.request.duration_s is not None

    @property
    def has_heard(self) -> bool:
        """Whether anything passed that could be judged."""
        status = self.status()
        return status.received + status.sent > 0

    @property
    def clients(self) -> int:
        """How many there were."""
        return len(self._talks)

    def looks(self) -> dict[int, TalkGlance]:
        """Return how it stands with each client that is there, by its number."""
        now_ns = self._clock()
        return {talk.number: talk.judge.look(now_ns) for talk in self._talks if not talk.is_over}

    def problem(self, close: Close) -> VoipbinError | None:
        """Return what to say where nothing was judged: no client, or none that said anything.

        A capture that could not be written is one, too.
        """
        if self.has_heard:
            return self._capture_error
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
        frames = [talk.judge.frames for talk in self._talks]
        return ProxyStatus(
            address=self.address,
            clients=sum(not talk.is_over for talk in self._talks),
            elapsed_s=(self._clock() - self._started_ns) / 1e9 if self._started_ns else 0.0,
            received=sum(counts[Direction.IN] for counts in frames),
            sent=sum(counts[Direction.OUT] for counts in frames),
        )
