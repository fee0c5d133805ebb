"""A far end without sockets: connections by script, and an API that says what it is told.

with far_end([[*frames(3), ENDED]], states=["hangup"]) as far: …
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple
from unittest import mock

from voipbin_cli.codec.encapsulation import Encapsulation
from voipbin_cli.errors import ConnectionFailed, VoipbinError
from voipbin_cli.session.live import LiveRequest
from voipbin_cli.transport.connection import ConnectionEnded, Message, Pings
from voipbin_cli.transport.resources import CallState, ResourceState
from voipbin_cli.transport.targets import parse_target

CALL = "5f2a8c1e-0d3b-4c57-9e6f-2b7d1a4c8e90"
FRAME_S = 0.02
# How a stream ends: without a close frame, in order, and as a server that restarts says it.
ENDED = ConnectionEnded(1006, "", abrupt=True)
CLOSED = ConnectionEnded(1000, "bye", abrupt=False)
RESTARTED = ConnectionEnded(1012, "restart", abrupt=False)


class Say(NamedTuple):
    """Messages that come together, `after_s` after what came before."""

    data: tuple[bytes, ...]
    after_s: float = FRAME_S


class Wait(NamedTuple):
    """Nothing comes for so long."""

    seconds: float


Step = Say | Wait | ConnectionEnded


def packet(number: int) -> bytes:
    """Frame `number` of a stream of documented RTP: mu-law, 20 ms, one sound through all of it."""
    header = struct.pack("!BBHII", 0x80, 0, 5000 + number & 0xFFFF, 160 * number, 0xC0FFEE)
    return header + bytes(range(160))


def frames(count: int, *, first: int = 0, at_once: int = 1) -> list[Say]:
    """`count` frames at their pace, `at_once` of them in each wake-up."""
    numbers = range(first, first + count)
    return [
        Say(tuple(packet(n) for n in numbers[at : at + at_once]), FRAME_S * at_once)
        for at in range(0, count, at_once)
    ]


class FakeConnection:
    """What `MediaConnection` looks like to a session; ends with the last step of its script."""

    late_s = 0.0
    """How far what comes is behind what was sent."""

    def __init__(self, script: Sequence[Step], clock: Callable[[], int]) -> None:
        self.sent: list[bytes] = []
        self.sent_s: list[float] = []
        self.is_closed = False
        self.probes = 0
        self.queued_ms = 0.0
        self.unsent_bytes = 0
        self.rtts_ms: list[float] = []
        # As what it ends when it is closed here: with the far end's answer to the close frame.
        self.ended_by_close = ConnectionEnded(1000, "", abrupt=False, local=True)
        self._script = list(script)
        self._clock = clock
        self._ended: ConnectionEnded | None = None
        self._closing: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def __aenter__(self) -> FakeConnection:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.close()

    async def receive(self, *, linger: float = 0.0) -> list[Message]:
        if self._ended is None and not self.is_closed:
            step = self._script.pop(0) if self._script else Wait(1e6)
            if isinstance(step, ConnectionEnded):
                self._ended = step
            elif await self._closed_within(step.after_s if isinstance(step, Say) else step.seconds):
                self._ended = self.ended_by_close
            elif isinstance(step, Say):
                return [Message(self._clock(), data) for data in step.data]
            else:
                return await self.receive(linger=linger)
        raise self._ended or self.ended_by_close

    async def _closed_within(self, seconds: float) -> bool:
        done, _ = await asyncio.wait([self._closing], timeout=seconds)
        return bool(done)

    def send_nowait(self, data: bytes) -> bool:
        if self.is_closed or self._ended is not None:
            raise ConnectionEnded(1006, "", abrupt=True)
        self.sent.append(data)
        self.sent_s.append(self._clock() / 1e9)
        return True

    def pings(self, now_ns: int) -> Pings:
        return Pings([round(ms, 3) for ms in self.rtts_ms])

    def probe(self) -> None:
        self.probes += 1

    async def catch_up(self, timeout: float) -> None:
        await asyncio.sleep(min(self.late_s, timeout))

    async def close(self) -> None:
        self.is_closed = True
        if not self._closing.done():
            self._closing.set_result(None)


class FakeEndpoint:
    """An endpoint that leads nowhere; its REST side is there only where `has_rest`."""

    def __init__(self, *, has_rest: bool) -> None:
        self._has_rest = has_rest

    def stream_url(self, *_: object) -> str:
        return "ws://127.0.0.1:1/"

    def stream_headers(self, *_: object) -> dict[str, str]:
        return {}

    def ssl_context(self, *_: object) -> None:
        return None

    def token_expires_at(self, *_: object) -> None:
        return None

    def rest_of(self, *_: object) -> FakeEndpoint | None:
        return self if self._has_rest else None


Attempt = Sequence[Step] | VoipbinError | float


class FarEnd:
    """What each attempt to connect meets, in order: a script, an error, or seconds of nothing.

    After the last one every attempt is refused by the network. `states` is what the API answers
    each time it is asked, the last one for ever; None where it cannot be asked.
    """

    def __init__(self, attempts: Sequence[Attempt], states: Sequence[str | VoipbinError]) -> None:
        self.connections: list[FakeConnection] = []
        self.attempted_s: list[float] = []
        self.asked = 0
        self.has_rest = bool(states)
        self._attempts = list(attempts)
        self._states = list(states)

    def request(self, **options: Any) -> LiveRequest:
        """A request for this far end; nothing is sent to keep it awake unless asked for."""
        return LiveRequest(
            target=parse_target(f"call/{CALL}"),
            label="a call",
            endpoint=FakeEndpoint(has_rest=self.has_rest),  # type: ignore[arg-type]
            encapsulation=Encapsulation.RTP,
            **{"keepalive": False} | options,
        )

    async def open(self, _url: str, *, clock: Callable[[], int], **_: object) -> FakeConnection:
        self.attempted_s.append(clock() / 1e9)
        unreachable = ConnectionFailed("nobody is there", finding="cannot-connect")
        attempt = self._attempts.pop(0) if self._attempts else unreachable
        if isinstance(attempt, VoipbinError):
            raise attempt
        if isinstance(attempt, float):
            await asyncio.sleep(attempt)
            raise unreachable
        self.connections.append(FakeConnection(attempt, clock))
        return self.connections[-1]

    def state(self) -> ResourceState:
        self.asked += 1
        said = self._states.pop(0) if len(self._states) > 1 else self._states[0]
        if isinstance(said, VoipbinError):
            raise said
        return CallState(status=said)


@contextmanager
def far_end(
    attempts: Sequence[Attempt], states: Sequence[str | VoipbinError] = ()
) -> Iterator[FarEnd]:
    """Let sessions connect to a far end of this kind."""
    far = FarEnd(attempts, states)

    class FakeApi:
        def __init__(self, _endpoint: object) -> None: ...

        async def __aenter__(self) -> FakeApi:
            return self

        async def __aexit__(self, *exc_info: object) -> None: ...

        async def get_state(self, _target: object) -> ResourceState:
            return far.state()

    with (
        mock.patch("voipbin_cli.session.live.open_connection", far.open),
        mock.patch("voipbin_cli.transport.api.Api", FakeApi),
    ):
        yield far
