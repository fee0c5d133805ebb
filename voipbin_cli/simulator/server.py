"""The simulator: REST and WebSocket on one loopback port, for hundreds of streams."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import ssl as tls
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from voipbin_cli.errors import ConnectionFailed, UsageError
from voipbin_cli.simulator.authority import PASSWORD, USERNAME, Authority
from voipbin_cli.simulator.call_capture import call_pcap
from voipbin_cli.simulator.call_tap import CallTap
from voipbin_cli.simulator.caller.outcome import CallOutcome, outcome_record
from voipbin_cli.simulator.caller.voices import Voices
from voipbin_cli.simulator.client_connection import ClientConnection
from voipbin_cli.simulator.exchange import Exchange, placed
from voipbin_cli.simulator.http import Request, Response, json_response
from voipbin_cli.simulator.load import Begun, PlacedCall
from voipbin_cli.simulator.media_stream import MediaStream
from voipbin_cli.simulator.phone import Heard, HeardFile
from voipbin_cli.simulator.rest_api import Join, SimulatedApi
from voipbin_cli.simulator.rooms import Room
from voipbin_cli.simulator.scenario import RoomKind, Scenario
from voipbin_cli.simulator.sources import SILENT_FRAME, SoundLoop, load_sound
from voipbin_cli.simulator.ticker import Ticker
from voipbin_cli.transport.listening import cannot_listen

MAX_CONNECTIONS = 2000
# A bot that is to join a call of a load has so long to find it.
JOIN_PATIENCE_S = 30.0


def _check_loopback(host: str) -> None:
    with contextlib.suppress(ValueError):
        if host == "localhost" or ipaddress.ip_address(host).is_loopback:
            return
    raise UsageError(
        f"the simulator listens on loopback only, not on {host}", hint="--host 127.0.0.1"
    )


def _load(scenario: Scenario) -> SoundLoop:
    if scenario.caller is not None:
        return SoundLoop(SILENT_FRAME)  # he says all there is
    talkers = min(scenario.members, 3) if scenario.kind is RoomKind.CONFERENCE else 1
    return load_sound(scenario.source, seed=scenario.seed, talkers=talkers)


class Simulator:
    """One scenario, served. Use as an async context manager inside a running event loop.

    `heard` gets what the phone of the scenario's call (or conference) hears, 20 ms of s16le at a
    time; `heard_path` is a WAV file of it. `keeps_heard`: the result of a scripted call has it, too
    (1 MB a minute). `capture_path`: a capture of the call, as the bot could have made it. `port` 0
    takes a free one. `ssl` makes it https and wss.

    Raises:
        UsageError: a host that is not loopback, or a source that cannot be read.
        MachineError: the port is taken, or the file cannot be written.
    """

    def __init__(
        self,
        scenario: Scenario,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        ssl: tls.SSLContext | None = None,
        heard: Heard | None = None,
        heard_path: Path | None = None,
        keeps_heard: bool = False,
        capture_path: Path | None = None,
        max_connections: int = MAX_CONNECTIONS,
        wall: Callable[[], float] = time.time,
    ) -> None:
        _check_loopback(host)
        self.scenario = scenario
        self.host = host
        self.port = port
        self.authority = Authority(scenario.token_life_s)
        self.token = self.authority.issue(wall())
        self._ssl = ssl
        self._max_connections = max_connections
        self._connections: set[ClientConnection] = set()
        self._ticker = Ticker(asyncio.get_running_loop())
        sound = _load(scenario)
        voices = Voices(scenario.caller) if scenario.caller is not None else None
        self.exchange = Exchange(
            scenario, sound, self._ticker, wall, voices=voices, keeps_heard=keeps_heard
        )
        self._file = HeardFile(heard_path) if heard_path is not None else None
        self.exchange.target.heard = self._file or heard
        if capture_path is not None:
            label = f"sim:{scenario.name}"
            self.exchange.target.tap = CallTap(capture_path, label, self._ticker.clock)
        pcap = partial(call_pcap, sound=sound)
        self._api = SimulatedApi(scenario, self.exchange.rooms, self.authority, wall, pcap)
        self._call_ended = asyncio.Event()
        self._waited: dict[Room, tuple[asyncio.Event, asyncio.Event]] = {}
        self.on_call: Callable[[Room], None] = lambda room: None
        self.exchange.on_end = self._note_end
        self._server: asyncio.Server

    @property
    def origin(self) -> str:
        """Scheme, host and port."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self._ssl else 'http'}://{host}:{self.port}"

    def describe(self) -> dict[str, Any]:
        """All that a client needs to know, for JSON."""
        calls, conferences = (
            self.exchange.rooms[RoomKind.CALL],
            self.exchange.rooms[RoomKind.CONFERENCE],
        )
        return {
            "event": "ready",
            "scenario": self.scenario.name,
            "port": self.port,
            "api_url": f"{self.origin}/v1.0",
            "token": self.token,
            "access_key": self.authority.access_key,
            "username": USERNAME,
            "password": PASSWORD,
            "kind": str(self.scenario.kind),
            "target_id": self.exchange.target.id,
            "call_id": calls[0].id,
            "conference_ids": [room.id for room in conferences],
        }

    async def start(self) -> None:
        """Listen."""
        loop = asyncio.get_running_loop()
        try:
            self._server = await loop.create_server(
                lambda: ClientConnection(self), self.host, self.port, ssl=self._ssl, backlog=1024
            )
        except (OSError, OverflowError) as error:
            raise cannot_listen(self.host, self.port, error) from None
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Cut every connection, and finish the heard file."""
        self._server.close()
        self._ticker.close()
        for connection in tuple(self._connections):
            connection.transport.abort()
        await asyncio.sleep(0)
        if self.exchange.target.tap is not None:
            self.exchange.target.tap.close()
        if self._file is not None:
            self._file.close()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        await self.close()

    def report(self) -> dict[str, Any]:
        """What has happened so far."""
        return {
            **self.exchange.report(),
            "connections": len(self._connections),
            "wakeups": self._ticker.wakeups,
        }

    def result(self) -> CallOutcome | None:
        """What the scripted caller's call has come to so far; None before a stream joined it.

        It is complete once `ended_by` says something. The scenario needs a `caller`.
        """
        scripted = self.exchange.target.scripted
        return scripted.outcome() if scripted is not None else None

    async def place(self, begun: Begun) -> PlacedCall:
        """Let one more call be up, and go through it once a bot has joined it.

        Raises ConnectionFailed where none does in JOIN_PATIENCE_S. `on_call(room)` hears of it.
        """
        room = self.exchange.add_call()
        joined, over = asyncio.Event(), asyncio.Event()
        self._waited[room] = joined, over
        self.on_call(room)
        try:
            async with asyncio.timeout(JOIN_PATIENCE_S):
                await joined.wait()
            if room.started_ns is None:
                raise ConnectionFailed("the call was over before anybody joined it")
            begun(partial(self.exchange.hang_up, room))
            await over.wait()
        except TimeoutError:
            self.exchange.hang_up(room)
            raise ConnectionFailed(
                f"nobody joined a call in {JOIN_PATIENCE_S:.0f} s",
                hint="the bot has to look for calls that are progressing (GET /calls)",
            ) from None
        finally:
            del self._waited[room]
        done = placed(room)
        room.scripted = None
        return done

    def hang_up_all(self) -> None:
        """End every call of a load."""
        for room in tuple(self._waited):
            self.exchange.hang_up(room)

    def _note_end(self, room: Room) -> None:
        if room in self._waited:
            for event in self._waited[room]:
                event.set()
        if room is self.exchange.target:
            self._call_ended.set()

    async def until_over(self) -> None:
        """Wait until the scenario's call (or conference) has ended."""
        await self._call_ended.wait()

    # As the owner of connections (`client_connection.ConnectionOwner`)

    def admit(self, connection: ClientConnection) -> bool:
        """Count the connection; False when there are too many."""
        if len(self._connections) >= self._max_connections:
            return False
        self._connections.add(connection)
        return True

    def release(self, connection: ClientConnection) -> None:
        """Forget a connection that is closed."""
        self._connections.discard(connection)

    def answer(self, request: Request) -> Response | Join | None:
        """The answer of the API, or none at all during an outage."""
        drop = self.scenario.drop
        if request.path.startswith("/simulator"):
            return self._control(request)
        if self.exchange.in_outage and drop is not None and drop.with_api:
            return None
        answer = self._api.handle(request)
        return None if self.exchange.in_outage and isinstance(answer, Join) else answer

    def _control(self, request: Request) -> Response:
        """What only a simulator has.

        `GET /simulator` and `/simulator/result`, `POST /simulator/hang-up` and `/simulator/drop`.
        """
        actions = {
            "/simulator/hang-up": self.exchange.hang_up,
            "/simulator/drop": self.exchange.drop,
        }
        if request.headers.get("authorization") != f"Bearer {self.token}":
            return Response(401)
        if request.method == "POST" and request.path in actions:
            actions[request.path]()
            return json_response({})
        if request.method == "GET" and request.path == "/simulator":
            return json_response(self.report())
        if request.method == "GET" and request.path == "/simulator/result":
            result = self.result()
            return json_response({"result": outcome_record(result) if result else None})
        return Response(404)

    def make_stream(self, join: Join) -> MediaStream:
        """Make the stream that was asked for."""
        return self.exchange.make_stream(join)

    def start_stream(self, stream: MediaStream, join: Join) -> None:
        """Begin to send: the stream's upgrade has been answered."""
        self.exchange.start_stream(stream, join)
        if join.room in self._waited:
            self._waited[join.room][0].set()
