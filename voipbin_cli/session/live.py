"""One call's stream over as many connections as it takes: open, pump, judge the end, reconnect."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Protocol, TypeVar

from voipbin_cli.clock import now_ns
from voipbin_cli.codec.encapsulation import Encapsulation
from voipbin_cli.errors import VoipbinError
from voipbin_cli.session.bare_ids import as_it_is
from voipbin_cli.session.ending import Cause, Close, EndJudge
from voipbin_cli.session.lag import LagMeter
from voipbin_cli.transport.backoff import Backoff
from voipbin_cli.transport.connection import (
    PING_INTERVAL_S,
    ConnectionEnded,
    MediaConnection,
    Message,
    open_connection,
)
from voipbin_cli.transport.endpoint import Endpoint
from voipbin_cli.transport.refusal import is_transient
from voipbin_cli.transport.resources import CallStatus, ResourceState
from voipbin_cli.transport.targets import Target

T = TypeVar("T")

# Some Asterisk versions leave a listener mute until it sends (asterisk/asterisk#2089): a frame of
# silence now and then wakes them, and often until the first frame has come.
WAKE_S = 0.2
STAY_AWAKE_S = 1.0
# A server that takes connections, sends a frame and drops them is as gone as one that takes none.
HEALTHY_S = 60.0


@dataclass(frozen=True, slots=True)
class LiveRequest:
    """What to listen to, and how hard to hold on to it. Times in seconds.

    `label` is what the user called the target; it holds no secret. `linger_s` is how long
    messages may wait to be handed over together: fewer wake-ups, the same arrival times.
    """

    target: Target
    label: str
    endpoint: Endpoint
    encapsulation: Encapsulation
    reconnect: bool = True
    keepalive: bool = True
    connect_timeout_s: float = 10.0
    give_up_after_s: float = 60.0
    lag_interval_s: float = 0.02
    ping_interval_s: float = PING_INTERVAL_S
    linger_s: float = 0.0


class StreamSink(Protocol):
    """What is told of a stream as it happens. Nothing here may block, but `room`."""

    @property
    def full(self) -> bool:
        """Whether the stream has to wait before it hands over more."""

    def opened(self, at_ns: int, connection: MediaConnection) -> None:
        """A connection is up."""

    def received(self, messages: Sequence[Message]) -> None:
        """Messages have come, in order."""

    def api_told(self, fields: dict[str, Any]) -> None:
        """The API has said how the call is."""

    def lost(self, at_ns: int, ended: ConnectionEnded) -> None:
        """The connection is gone, and another one is tried."""

    def retrying(self, delay_s: float, error: VoipbinError | None) -> None:
        """The next attempt comes in `delay_s`; `error` is what the last one failed of."""

    def ticked(self, at_ns: int, late_ns: int) -> None:
        """Time passes, whether or not anything comes; this tick was due `late_ns` ago."""

    def silent_message(self) -> bytes | None:
        """Return a frame of silence as the far end takes it, to keep it awake; None for none."""

    def sent(self, at_ns: int, message: bytes) -> None:
        """A frame of silence has been sent."""

    async def room(self) -> None:
        """Return when there is room for more; awaited while `full` is true."""


class _StopAsked(Exception):
    """`stop` was called while there was no connection."""


class LiveStream:
    """Runs one stream into a sink until it ends, for whichever reason comes first."""

    def __init__(
        self,
        request: LiveRequest,
        sink: StreamSink,
        *,
        clock: Callable[[], int] = now_ns,
        rng: Random | None = None,
        unix_clock: Callable[[], float] = time.time,
    ) -> None:
        self.request = request
        self._unix_clock = unix_clock
        self.connection: MediaConnection | None = None
        self.connections = 0
        self._sink = sink
        self._clock = clock
        self._backoff = Backoff(rng or Random(), give_up_after_s=request.give_up_after_s)
        self._stop_cause: Cause | None = None
        self._stopped: asyncio.Future[None] | None = None
        self._closing: asyncio.Task[None] | None = None
        self._ends = EndJudge(reconnects=request.reconnect)
        self._outage_since_ns: int | None = None
        self._heard_since_ns: int | None = None
        self._missed_s = 0.0  # without a stream since one last held for HEALTHY_S

    @property
    def stopped_by(self) -> Cause | None:
        """What it was stopped for, None when nobody asked it to stop."""
        return self._stop_cause

    def api_told(self, fields: dict[str, Any]) -> None:
        """Note what the API has said: a call that was up may end without a frame."""
        self._ends.was_up = self._ends.was_up or fields.get("status") == CallStatus.PROGRESSING

    def stop(self, cause: Cause) -> None:
        """End the stream as soon as what has arrived is handed over. The first cause counts.

        One that does not run yet ends before it connects.
        """
        if self._stop_cause is not None:
            return
        self._stop_cause = cause
        if self._stopped is not None:
            self._stopped.set_result(None)
        if self.connection is not None:
            self._closing = asyncio.ensure_future(self.connection.close())

    async def run(self) -> Close:
        """Return how the stream ended.

        Raises VoipbinError when the first connection cannot be had; later failures are told
        in `Close.error`, after what was received.
        """
        loop = asyncio.get_running_loop()
        self._stopped = loop.create_future()
        if self._stop_cause is not None:
            self._stopped.set_result(None)
        lag = LagMeter(loop, self.request.lag_interval_s, self._clock, self._sink.ticked)
        keepalive = asyncio.ensure_future(self._keep_awake()) if self.request.keepalive else None
        lag.start()
        try:
            return await self._run()
        except _StopAsked:
            assert self._stop_cause is not None
            return self._ends.stopped(self._stop_cause, outage_s=self._outage_s)
        finally:
            lag.stop()
            if keepalive is not None:
                keepalive.cancel()
            if self._closing is not None:
                await self._closing

    @property
    def _outage_s(self) -> float | None:
        """For how long there has been no connection; None while there is none missing."""
        since_ns = self._outage_since_ns
        return None if since_ns is None else (self._clock() - since_ns) / 1e9

    async def _run(self) -> Close:
        connection = await self._unless_stopped(self._open_first())
        while True:
            ended = await self._pump(connection)
            self._look_at_token(ended)
            close = await self._judge(ended)
            if close is not None:
                return close
            self._sink.lost(self._clock(), ended)
            reopened = await self._reopen(ended)
            if isinstance(reopened, Close):
                return reopened
            connection = reopened

    async def _open_first(self) -> MediaConnection:
        """Raises IsConference where that is what a bare id names."""
        try:
            return await self._open()
        except VoipbinError as error:
            target = self.request.target
            raise await as_it_is(error, target, self.request.endpoint.rest_of(target)) from None

    async def _open(self) -> MediaConnection:
        request, endpoint = self.request, self.request.endpoint
        url = endpoint.stream_url(request.target, request.encapsulation)
        return await open_connection(
            url,
            headers=endpoint.stream_headers(request.target),
            ssl=endpoint.ssl_context(url),
            connect_timeout=request.connect_timeout_s,
            clock=self._clock,
            ping_interval=request.ping_interval_s,
        )

    async def _pump(self, connection: MediaConnection) -> ConnectionEnded:
        sink, linger_s = self._sink, self.request.linger_s
        self.connection = connection
        self.connections += 1
        sink.opened(self._clock(), connection)
        if self._stop_cause is not None:
            self._closing = asyncio.ensure_future(connection.close())
        async with connection:
            try:
                sink.received(await connection.receive(linger=linger_s))
                self._is_heard()
                while True:
                    if sink.full:
                        await sink.room()
                    sink.received(await connection.receive(linger=linger_s))
            except ConnectionEnded as ended:
                return ended
            finally:
                self.connection = None

    def _look_at_token(self, ended: ConnectionEnded) -> None:
        """Note how far from its token's end the connection ended."""
        expires_at = self.request.endpoint.token_expires_at(self.request.target)
        if expires_at is not None:
            ended.token_expires_at = expires_at
            ended.token_left_s = round(expires_at - self._unix_clock(), 3)

    def _is_heard(self) -> None:
        """A connection counts as won back with its first message, not with its upgrade."""
        self._ends.is_heard = True
        self._missed_s += self._outage_s or 0.0
        self._outage_since_ns = None
        self._heard_since_ns = self._clock()

    def _look_at_health(self) -> None:
        """Begin the back-off anew where the stream that has just ended had held for long enough."""
        since_ns, self._heard_since_ns = self._heard_since_ns, None
        if since_ns is not None and self._clock() - since_ns >= HEALTHY_S * 1e9:
            self._missed_s = 0.0
            self._backoff.reset()

    async def _judge(self, ended: ConnectionEnded) -> Close | None:
        """Return how the stream ended, or None when it is worth another connection."""
        if self._stop_cause is not None:
            return Close.of(self._stop_cause, ended)
        return self._ends.judge(ended, await self._call_state())

    async def _call_state(self) -> ResourceState | None:
        """Ask the API whether the call goes on: the socket closes alike at its end and on a fault.

        None where it cannot be asked.
        """
        rest = self.request.endpoint.rest_of(self.request.target)
        if rest is None:
            return None
        from voipbin_cli.transport.api import Api  # a third of the start-up, rarely needed

        try:
            async with Api(rest) as api:
                state = await self._unless_stopped(api.get_state(self.request.target))
        except VoipbinError:
            return None
        if state is not None:
            self._sink.api_told({"status": state.status})
        return state

    async def _reopen(self, ended: ConnectionEnded) -> MediaConnection | Close:
        self._look_at_health()
        if self._outage_since_ns is None:
            self._outage_since_ns = self._clock()
        error: VoipbinError | None = None
        while True:
            retry_after_s = error.details.get("retry_after") if error else None
            missed_s = self._missed_s + (self._outage_s or 0.0)
            delay_s = self._backoff.next_delay(missed_s, retry_after=retry_after_s)
            if delay_s is None:
                return self._ends.not_won_back(ended, error)
            self._sink.retrying(delay_s, error)
            await self._unless_stopped(asyncio.sleep(delay_s))
            try:
                return await self._unless_stopped(self._open())
            except VoipbinError as failure:
                error = failure
            close = await self._judge_failure(ended, error)
            if close is not None:
                return close

    async def _judge_failure(self, ended: ConnectionEnded, error: VoipbinError) -> Close | None:
        if is_transient(error):
            return None
        state = await self._call_state()
        if state is not None and state.is_over:
            return self._ends.call_over(ended, state)
        return self._ends.not_won_back(ended, error)

    async def _unless_stopped(self, work: Coroutine[Any, Any, T]) -> T:
        """Await `work`; raise _StopAsked as soon as a stop is asked for."""
        assert self._stopped is not None
        if self._stopped.done():
            work.close()
            raise _StopAsked
        task = asyncio.ensure_future(work)
        try:
            either: set[asyncio.Future[Any]] = {task, self._stopped}
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        finally:
            if not task.done():
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
        if task.cancelled():
            raise _StopAsked
        return task.result()

    async def _keep_awake(self) -> None:
        while True:
            connection = self.connection
            message = self._sink.silent_message() if connection is not None else None
            if connection is not None and message is not None:
                with contextlib.suppress(ConnectionEnded):
                    if connection.send_nowait(message):
                        self._sink.sent(self._clock(), message)
            await asyncio.sleep(STAY_AWAKE_S if self._ends.is_heard else WAKE_S)
