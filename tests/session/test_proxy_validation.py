"""The proxy: passes everything on as it is, and judges both directions of a client that is not us.

The client is the websockets library's own, the far end the hand-written peer.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.support.hextext import vector
from tests.support.peer import Close, Fin, Peer, Received, Send, envelope, vector_steps
from voipbin_cli.analysis.validation.judge import Violation
from voipbin_cli.analysis.validation.scope import Scope
from voipbin_cli.codec.encapsulation import Encapsulation
from voipbin_cli.errors import MachineError
from voipbin_cli.session.ending import Cause
from voipbin_cli.session.ending import Close as Ended
from voipbin_cli.session.hearer import Hearer
from voipbin_cli.session.live import LiveRequest
from voipbin_cli.session.proxy_validation import ProxyValidation
from voipbin_cli.session.session import SessionRequest
from voipbin_cli.transport.connection import Message
from voipbin_cli.transport.endpoint import Endpoint
from voipbin_cli.transport.targets import parse_target


class Proxy:
    """A running proxy, and all that it told."""

    def __init__(self, peer: Peer, encapsulation: Encapsulation) -> None:
        self.told: list[tuple[str, dict[str, Any]]] = []
        self.found: list[Violation] = []
        target = parse_target(peer.url("/stream?token=secret"))
        live = LiveRequest(target, target.label, Endpoint(), encapsulation)
        self.session = ProxyValidation(
            SessionRequest(live),
            lambda event, fields: self.told.append((event, fields)),
            port=0,
            scope=Scope(),
            on_part=lambda part, client: self.found.extend(part.violations()),
        )

    def events(self, name: str) -> list[dict[str, Any]]:
        return [fields for event, fields in self.told if event == name]

    def frames(self, rule: str) -> list[int]:
        return [violation.frame for violation in self.found if violation.rule.id == rule]


@asynccontextmanager
async def proxied(peer: Peer, encapsulation: Encapsulation) -> AsyncIterator[Proxy]:
    proxy = Proxy(peer, encapsulation)
    running = asyncio.ensure_future(proxy.session.run())
    await until(lambda: proxy.events("listening") or running.done())
    try:
        yield proxy
    finally:
        proxy.session.stop(Cause.INTERRUPTED)
        await running


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.005)


def run(
    peer: Peer,
    talk: Callable[[Proxy], Awaitable[None]],
    encapsulation: Encapsulation = Encapsulation.SLN,
) -> Proxy:
    async def main() -> Proxy:
        async with proxied(peer, encapsulation) as proxy:
            await talk(proxy)
        return proxy

    with peer:
        return asyncio.run(main())


async def hear(proxy: Proxy, count: int, send: list[bytes | str] | None = None) -> list[Any]:
    async with connect(proxy.session.address, compression=None) as client:
        for message in send or []:
            await client.send(message)
        return [await client.recv() for _ in range(count)]


async def drained(client: ClientConnection) -> None:
    while True:
        await client.recv()


def test_what_comes_and_goes_is_passed_on_as_it_is_and_judged() -> None:
    sent = [vector("sln-linear")[5], "hello", b"", vector("sln-deployed")[5]]
    heard: list[Any] = []

    async def talk(proxy: Proxy) -> None:
        heard.extend(await hear(proxy, 50, sent))
        await until(lambda: proxy.events("gone"))

    peer = Peer([Received(4), *vector_steps("sln-linear")])
    proxy = run(peer, talk)
    assert heard == vector("sln-linear")
    assert [frame.data for frame in peer.messages()] == [
        message.encode() if isinstance(message, str) else message for message in sent
    ]
    assert [frame.opcode for frame in peer.messages()] == [2, 1, 2, 2]
    assert proxy.frames("message-text") == [1]
    assert proxy.frames("sln-empty") == [2]
    summary = proxy.session.judged()
    assert (summary["frames_received"], summary["frames_sent"]) == (50, 4)
    assert summary["result"] == "fail"


def test_a_healthy_talk_passes() -> None:
    async def talk(proxy: Proxy) -> None:
        async with connect(proxy.session.address, compression=None) as client:
            for message in vector("audiosocket-linear"):
                await client.recv()
                await client.send(message)
                await asyncio.sleep(0.002)

    peer = Peer(vector_steps("audiosocket-linear", paced=True))
    proxy = run(peer, talk, Encapsulation.AUDIOSOCKET)
    assert proxy.session.judged()["result"] == "pass"
    assert len(peer.messages()) == 50


class FullDisk(Hearer):
    """A capture that cannot be written."""

    def hear_messages(self, messages: Sequence[Message]) -> None:
        """Raise what a writer does."""
        raise MachineError("cannot write a.pcapng: No space left on device")


def test_a_call_goes_on_where_its_capture_cannot_be_written() -> None:
    heard: list[Any] = []

    async def talk(proxy: Proxy) -> None:
        proxy.session._capture = FullDisk()
        heard.extend(await hear(proxy, 50))

    proxy = run(Peer(vector_steps("sln-linear")), talk)
    assert heard == vector("sln-linear")
    assert proxy.session.judged()["frames_received"] == 50
    assert [fields["message"] for fields in proxy.events("warning")] == [
        "cannot write a.pcapng: No space left on device; the rest goes on"
    ]
    assert isinstance(proxy.session.problem(Ended(Cause.INTERRUPTED)), MachineError)


def test_an_end_without_a_close_frame_is_so_for_the_client() -> None:
    codes: list[Any] = []

    async def talk(proxy: Proxy) -> None:
        async with connect(proxy.session.address, compression=None) as client:
            with pytest.raises(ConnectionClosed) as ended:
                await drained(client)
            codes.append(ended.value.rcvd)
        await until(lambda: proxy.events("gone"))

    proxy = run(Peer([*vector_steps("sln-linear"), Fin()]), talk)
    assert codes == [None]
    assert proxy.events("gone")[0]["abrupt"]


def test_a_client_that_is_gone_without_a_close_frame_is_noticed() -> None:
    async def talk(proxy: Proxy) -> None:
        async with connect(proxy.session.address, compression=None) as client:
            await client.recv()
            client.transport.abort()
            await until(lambda: proxy.events("gone"))

    proxy = run(Peer(vector_steps("sln-linear")), talk)
    (gone,) = proxy.events("gone")
    assert (gone["by"], gone["abrupt"], gone["code"]) == ("client", True, 1006)


def test_a_close_frame_is_passed_on_with_its_code() -> None:
    codes: list[Any] = []

    async def talk(proxy: Proxy) -> None:
        async with connect(proxy.session.address, compression=None) as client:
            with pytest.raises(ConnectionClosed) as ended:
                await client.recv()
            codes.append(ended.value.rcvd)

    run(Peer([Close(4000, "enough")]), talk)
    assert (codes[0].code, codes[0].reason) == (4000, "enough")


def test_what_would_kill_the_platforms_server_is_not_passed_on() -> None:
    deadly = bytes(65_536)

    async def talk(proxy: Proxy) -> None:
        await hear(proxy, 1, [bytes(65_535), deadly, b"\1\2"])
        await until(lambda: proxy.events("gone"))

    peer = Peer([Received(2), Send(bytes(320))])
    proxy = run(peer, talk)
    assert [len(frame.data) for frame in peer.messages()] == [65_535, 2]
    assert proxy.frames("sln-oversized") == [1]
    assert "not passed on" in proxy.events("warning")[0]["message"]


def test_a_refusal_reaches_the_client_with_its_status() -> None:
    statuses: list[int] = []

    async def talk(proxy: Proxy) -> None:
        with pytest.raises(InvalidStatus) as refused:
            await hear(proxy, 1)
        statuses.append(refused.value.response.status_code)

    answer = envelope(404, "CALL_NOT_FOUND", "no such call", "req-1")
    proxy = run(Peer(upgrade=answer), talk)
    assert statuses == [404]
    assert "turned away" in proxy.events("warning")[0]["message"]
    assert "secret" not in str(proxy.told)


def test_pages_of_other_hosts_do_not_get_to_borrow_the_credential() -> None:
    statuses: list[int] = []

    async def talk(proxy: Proxy) -> None:
        with pytest.raises(InvalidStatus) as refused:
            async with connect(proxy.session.address, origin="https://example.com"):  # type: ignore[arg-type]
                pass
        statuses.append(refused.value.response.status_code)
        async with connect(proxy.session.address, origin="http://localhost:3000"):  # type: ignore[arg-type]
            pass

    peer = Peer([])
    run(peer, talk)
    assert statuses == [403]
    assert peer.upgrades == 1


def test_several_clients_have_each_their_own_stream() -> None:
    async def talk(proxy: Proxy) -> None:
        heard = await asyncio.gather(hear(proxy, 50), hear(proxy, 50, [b""]))
        assert heard[0] == heard[1] == vector("sln-linear")
        await until(lambda: len(proxy.events("gone")) == 2)

    proxy = run(Peer(vector_steps("sln-linear")), talk)
    summary = proxy.session.judged()
    assert (summary["clients"], summary["frames_received"]) == (2, 100)
    assert proxy.frames("sln-empty") == [0]


def test_the_encapsulation_of_the_clients_own_address_counts() -> None:
    async def talk(proxy: Proxy) -> None:
        address = proxy.session.address.replace("=sln", "=audiosocket")
        async with connect(address, compression=None) as client:
            await client.recv()

    peer = Peer(vector_steps("audiosocket-linear"))
    proxy = run(peer, talk)
    assert proxy.session.judged()["encapsulation"] == "audiosocket"


def test_a_port_that_is_taken_is_said() -> None:
    with Peer([]) as peer:
        proxy = Proxy(peer, Encapsulation.SLN)
        proxy.session._port = peer.port
        with pytest.raises(MachineError, match="is in use"):
            asyncio.run(proxy.session.run())


def test_no_more_clients_than_the_cap_while_their_ways_are_opened(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("voipbin_cli.transport.relay._MAX_CLIENTS", 2)
    statuses: list[int] = []

    async def one(proxy: Proxy) -> None:
        try:
            async with connect(proxy.session.address, compression=None) as client:
                await client.recv()
        except InvalidStatus as refused:
            statuses.append(refused.response.status_code)

    async def talk(proxy: Proxy) -> None:
        await asyncio.gather(*(one(proxy) for _ in range(4)))
        await until(lambda: len(proxy.events("gone")) == 2)
        await one(proxy)  # there is room again

    proxy = run(Peer(vector_steps("sln-linear")), talk)
    assert statuses == [503, 503]
    assert len(proxy.events("client")) == 3
