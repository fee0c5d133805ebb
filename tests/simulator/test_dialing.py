"""We connect to a bot's server: the websockets library's, a bare socket, and Asterisk's way."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from dataclasses import replace

import numpy as np
import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from tests.support.aio import run
from voipbin_cli.codec.encapsulation import Encapsulation
from voipbin_cli.codec.g711 import mulaw_to_s16le, s16le_to_mulaw
from voipbin_cli.errors import ConnectionFailed, Refused, UsageError
from voipbin_cli.simulator.caller.outcome import CallOutcome
from voipbin_cli.simulator.caller.script import CallerScript, PressDigits, Row, Say, WaitForBegin
from voipbin_cli.simulator.catalog import find_scenario
from voipbin_cli.simulator.dialing import BotAddress, Dialer
from voipbin_cli.simulator.scenario import Scenario

TONE = (8000 * np.sin(np.arange(160) * 0.6)).astype("<i2").tobytes()
ANSWER_MS = 200


def scenario(*rows: Row) -> Scenario:
    said = rows or (Say(seconds=0.4), WaitForBegin(3))
    return replace(find_scenario("clean"), caller=CallerScript(said))


async def placed(address: BotAddress, *rows: Row) -> CallOutcome:
    dialer = Dialer(scenario(*rows), address, keeps_heard=True)
    try:
        outcome = await asyncio.wait_for(dialer.call(), 10)
    finally:
        dialer.close()
    assert outcome is not None
    return outcome


class Listener:
    """Says whether the caller has been quiet for long enough."""

    def __init__(self) -> None:
        self.loud = self.quiet = 0

    def is_due(self, mulaw: bytes) -> bool:
        level = np.abs(np.frombuffer(mulaw_to_s16le(mulaw), "<i2").astype(int)).max()
        self.loud, self.quiet = (self.loud + 1, 0) if level > 500 else (self.loud, self.quiet + 1)
        return self.loud > 3 and self.quiet * 20 >= ANSWER_MS


class Calls:
    """What came of them, and what the bots were told."""

    def __init__(self) -> None:
        self.outcomes: list[CallOutcome] = []
        self.closed: list[int] = []
        self.texts: list[str] = []
        self.frames: list[bytes] = []


def judge(outcome: CallOutcome) -> None:
    late_ms = outcome.lateness.max or 0.0
    assert outcome.response_ms == pytest.approx([ANSWER_MS], abs=60 + 2 * late_ms)
    assert outcome.ended_by == "caller"
    assert TONE in outcome.heard_pcm


async def _by_websocket(found: Calls) -> CallOutcome:
    async def bot(connection: ServerConnection) -> None:
        listener = Listener()
        with contextlib.suppress(ConnectionClosed):
            async for message in connection:
                if listener.is_due(bytes(message)):  # type: ignore[arg-type]
                    await connection.send(TONE)
        found.closed.append(connection.close_code or 0)

    async with serve(bot, "127.0.0.1", 0, compression=None) as server:
        port = server.sockets[0].getsockname()[1]
        return await placed(BotAddress(f"ws://127.0.0.1:{port}/a", Encapsulation.SLN))


async def _as_asterisk(found: Calls) -> CallOutcome:
    async def bot(connection: ServerConnection) -> None:
        listener = Listener()
        with contextlib.suppress(ConnectionClosed):
            async for message in connection:
                if isinstance(message, str):
                    found.texts.append(message)
                    if message.startswith("MEDIA_START"):
                        await connection.send("ANSWER")
                elif listener.is_due(message):
                    # A second at once, which Asterisk times anew; then a mark.
                    await connection.send(s16le_to_mulaw(TONE) * 50)
                    await connection.send("FLUSH_MEDIA")
                    await connection.send(s16le_to_mulaw(TONE) * 5)
                    await connection.send("MARK_MEDIA a1")
                    listener.loud = 0

    rows = (PressDigits("7"), Say(seconds=0.4), WaitForBegin(3), PressDigits("8"))
    media = [Subprotocol("media")]
    async with serve(bot, "127.0.0.1", 0, compression=None, subprotocols=media) as server:
        port = server.sockets[0].getsockname()[1]
        return await placed(BotAddress(f"ws://127.0.0.1:{port}/", is_asterisk=True), *rows)


async def _by_tcp(found: Calls) -> CallOutcome:
    async def bot(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        listener = Listener()
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = await reader.readexactly(3)
                body = await reader.readexactly(int.from_bytes(head[1:], "big"))
                found.frames.append(head + body)
                if head[0] == 0x10 and listener.is_due(body):
                    writer.write(b"\x10\x01\x40")
                    writer.write(TONE)
        writer.close()

    server = await asyncio.start_server(bot, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    rows = (PressDigits("5"), Say(seconds=0.4), WaitForBegin(3))
    async with server:
        return await placed(BotAddress(f"tcp://127.0.0.1:{port}"), *rows)


@pytest.fixture(scope="module")
def calls() -> Calls:
    """The three ways to call a server, at once: each takes a second."""
    found = Calls()

    async def main() -> None:
        found.outcomes = await asyncio.gather(
            _by_websocket(found), _as_asterisk(found), _by_tcp(found)
        )

    run(main())
    return found


def test_a_bots_server_is_called_by_websocket(calls: Calls) -> None:
    judge(calls.outcomes[0])
    assert calls.closed == [1000]


def test_a_bots_server_is_called_as_asterisk_does(calls: Calls) -> None:
    outcome, texts = calls.outcomes[1], calls.texts
    assert outcome.heard.lost_ms >= 900
    assert outcome.pressed == "78"
    assert texts[0].startswith("MEDIA_START connection_id:")
    assert "format:ulaw optimal_frame_size:160" in texts[0]
    assert [text for text in texts if "DTMF" in text] == [
        "DTMF_END digit:7 duration_ms:100",
        "DTMF_END digit:8 duration_ms:100",
    ]
    assert "MEDIA_MARK_PROCESSED a1" in texts


def test_a_bots_server_is_called_by_audiosocket_over_tcp(calls: Calls) -> None:
    judge(calls.outcomes[2])
    assert calls.frames[0][:3] == b"\x01\x00\x10"
    assert b"\x03\x00\x015" in calls.frames
    assert calls.frames[-1] == b"\x00\x00\x00"


def test_the_bot_may_hang_up_and_may_not_be_there() -> None:
    async def bot(connection: ServerConnection) -> None:
        await asyncio.wait_for(connection.recv(), 3)

    async def gone(port: int) -> CallOutcome:
        return await placed(BotAddress(f"ws://127.0.0.1:{port}/"))

    async def main() -> CallOutcome:
        async with serve(bot, "127.0.0.1", 0) as server:
            return await gone(server.sockets[0].getsockname()[1])

    assert run(main()).ended_by == "bot"
    with socket.create_server(("127.0.0.1", 0)) as probe:
        free = probe.getsockname()[1]
    with pytest.raises(ConnectionFailed):
        run(gone(free))


def test_one_way_the_bot_hears_nothing_and_is_heard_from_its_first_frame_on() -> None:
    got: list[object] = []

    async def bot(connection: ServerConnection) -> None:
        with contextlib.suppress(ConnectionClosed):
            for _ in range(4):
                await connection.send(TONE)
            got.append(await connection.recv())

    async def main() -> CallOutcome:
        async with serve(bot, "127.0.0.1", 0, compression=None) as server:
            url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
            address = BotAddress(url, Encapsulation.SLN, is_one_way=True)
            return await placed(address, WaitForBegin(3))

    outcome = run(main())
    assert not got
    assert outcome.timeouts == 0
    assert outcome.bot


def test_a_refused_upgrade_is_told() -> None:
    async def main() -> None:
        async with serve(
            lambda _: None,  # type: ignore[arg-type, return-value]
            "127.0.0.1",
            0,
            process_request=lambda connection, _: connection.respond(403, "no\n"),
        ) as server:
            await placed(BotAddress(f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/"))

    with pytest.raises(Refused, match="403"):
        run(main())


@pytest.mark.parametrize("url", ["http://a/", "tcp://a", "ws://", "tcp://a:x"])
def test_what_cannot_be_dialed_is_said(url: str) -> None:
    with pytest.raises(UsageError):
        BotAddress(url)
