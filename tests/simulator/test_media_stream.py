"""Media streams over real sockets: every quirk of the platform that a client can meet."""

from __future__ import annotations

import asyncio
import struct

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidHandshake, InvalidStatus

from tests.simulator.support import (
    ask,
    is_mute,
    path_of,
    receive,
    simulating,
    stream_url,
    streaming,
    until_closed,
)
from tests.support.aio import run
from voipbin_cli.simulator.scenario import RoomKind
from voipbin_cli.simulator.server import Simulator

LINEAR = struct.pack("<160h", *range(-80, 80))


def rtp(payload: bytes, number: int = 0, payload_type: int = 96) -> bytes:
    """A packet by hand."""
    return struct.pack("!BBHII", 0x80, payload_type, number, number * 160, 0xABCD) + payload


async def _status(simulator: Simulator) -> str:
    room = simulator.exchange.target
    status: str = (await ask(simulator, path_of(room))).json["status"]
    return status


async def _eventually(condition, seconds: float = 5.0) -> None:  # type: ignore[no-untyped-def]
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.005)


# The handshake, and streams that never get going.


def test_frames_come_by_themselves_and_nothing_is_compressed() -> None:
    async def main() -> None:
        async with simulating() as simulator:
            async with connect(stream_url(simulator), compression="deflate") as socket:
                messages = await receive(socket, 5)
                assert socket.response is not None
                assert "Sec-WebSocket-Extensions" not in socket.response.headers
            assert [int.from_bytes(m[2:4], "big") for m in messages] == [1, 2, 3, 4, 5]

    run(main())


@pytest.mark.parametrize("query", ["token", "accesskey"])
def test_credentials_in_the_query(query: str) -> None:
    async def main() -> None:
        async with simulating() as simulator:
            secrets = {"token": simulator.token, "accesskey": simulator.authority.access_key}
            other = {"token": "accesskey", "accesskey": "token"}[query]
            async with connect(stream_url(simulator, **{query: secrets[query]})) as socket:
                assert await receive(socket, 1)
            with pytest.raises(InvalidStatus) as caught:
                await connect(stream_url(simulator, **{other: secrets[query]}))
            assert caught.value.response.status_code == 401

    run(main())


@pytest.mark.parametrize("encapsulation", ["", "RTP", "opus"])
def test_an_unknown_encapsulation_is_accepted_and_stays_mute_until_the_call_ends(
    encapsulation: str,
) -> None:
    async def main() -> None:
        async with simulating() as simulator, streaming(simulator, encapsulation) as socket:
            await socket.send(b"")  # would end an SLN stream
            await socket.send(bytes(70_000))
            assert await is_mute(socket)
            simulator.exchange.hang_up()
            assert await until_closed(socket) == (0, 1006)
            assert simulator.report()["received"] == 0

    run(main())


@pytest.mark.parametrize(
    ("name", "status"), [("not-progressing", "ringing"), ("closed-early", "progressing")]
)
def test_accepted_and_then_closed_with_no_close_frame(name: str, status: str) -> None:
    async def main() -> None:
        async with simulating(name) as simulator:
            for _ in range(2):
                async with streaming(simulator) as socket:
                    assert await until_closed(socket) == (0, 1006)
            assert await _status(simulator) == status

    run(main())


def test_connected_and_no_frame_ever() -> None:
    async def main() -> None:
        async with simulating("no-audio") as simulator, streaming(simulator) as socket:
            assert await is_mute(socket)
            assert await _status(simulator) == "progressing"

    run(main())


def test_mute_until_something_is_sent() -> None:
    async def main() -> None:
        async with simulating("mute-until-sent") as simulator, streaming(simulator) as socket:
            assert await is_mute(socket)
            await socket.send("text is nothing")
            await socket.send(rtp(LINEAR, payload_type=0))
            assert await is_mute(socket)
            await socket.send(rtp(LINEAR))
            assert len(await receive(socket, 3)) == 3

    run(main())


def test_a_refusal_comes_instead_of_the_upgrade() -> None:
    async def main() -> None:
        async with simulating("rate-limited") as simulator:
            with pytest.raises(InvalidStatus) as caught:
                await connect(stream_url(simulator))
            assert caught.value.response.status_code == 429
            assert caught.value.response.headers["Retry-After"] == "2"

    run(main())


def test_a_stream_that_is_asked_for_without_an_upgrade_is_none() -> None:
    async def main() -> None:
        async with simulating() as simulator:
            path = path_of(simulator.exchange.target) + "/media_stream?encapsulation=rtp"
            assert (await ask(simulator, path)).status == 426

    run(main())


# While it streams.


def test_ping_is_answered_and_text_ignored() -> None:
    async def main() -> None:
        async with simulating() as simulator, streaming(simulator) as socket:
            await socket.send("hello")
            await socket.send("")
            await asyncio.wait_for(await socket.ping(b"x"), 5)
            assert await receive(socket, 2)
            assert simulator.report()["received"] == 0

    run(main())


async def _until_mute(socket: ClientConnection) -> None:
    while not await is_mute(socket, 0.15):
        pass


def test_in_a_stall_pongs_wait_behind_the_frames() -> None:
    async def main() -> None:
        options = {"strength": "600"}
        async with simulating("stall", options) as simulator, streaming(simulator) as socket:
            await _until_mute(socket)
            pong = await socket.ping()
            assert await is_mute(socket, 0.1)
            assert not pong.done()
            await receive(socket, 20)
            await asyncio.wait_for(pong, 5)

    run(main())


def test_where_audio_is_lost_pongs_come_at_once() -> None:
    async def main() -> None:
        options = {"strength": "60000"}
        async with simulating("lost-audio", options) as simulator, streaming(simulator) as socket:
            await _until_mute(socket)
            await asyncio.wait_for(await socket.ping(), 5)

    run(main())


def test_pings_without_end_in_a_stall_are_answered_after_all() -> None:
    async def main() -> None:
        options = {"strength": "60000"}
        async with simulating("stall", options) as simulator, streaming(simulator) as socket:
            await _until_mute(socket)
            pongs = [await socket.ping() for _ in range(150)]
            await asyncio.wait_for(pongs[0], 5)

    run(main())


def test_a_proper_close_is_answered_with_1000() -> None:
    async def main() -> None:
        async with simulating() as simulator:
            async with streaming(simulator) as socket:
                await receive(socket, 2)
            assert socket.close_code == 1000
            assert socket.protocol.close_rcvd is not None
            await _eventually(lambda: simulator.report()["streams_now"] == 0)
            assert simulator.report()["status"] == "progressing"

    run(main())


@pytest.mark.parametrize("dialect", ["deployed", "linear"])
def test_two_clients_both_get_the_whole_stream_each_with_its_own_numbers(dialect: str) -> None:
    async def main() -> None:
        async with simulating(options={"dialect": dialect}) as simulator:
            async with streaming(simulator) as one:
                await receive(one, 3)
                async with streaming(simulator) as two:
                    late = await receive(two, 6)
                    early = await receive(one, 12)
            assert [int.from_bytes(m[2:4], "big") for m in late] == [1, 2, 3, 4, 5, 6]
            payloads = [message[12:] for message in early]
            place = payloads.index(late[1][12:])
            assert payloads[place : place + 5] == [message[12:] for message in late[1:]]

    run(main())


def test_a_conference_of_one_whose_phone_sends_nothing_has_no_frames() -> None:
    async def main() -> None:
        async with simulating(options={"phone": "no"}) as simulator:
            many, one = simulator.exchange.rooms[RoomKind.CONFERENCE]
            async with streaming(simulator, room=one) as socket:
                assert await is_mute(socket)
            for room in (many, simulator.exchange.target):
                async with streaming(simulator, "sln", room=room) as socket:
                    assert await receive(socket, 3) == [b"\xff" * 160] * 3, "silence is sent"

    run(main())


def test_a_conference_of_one_passes_its_member_on() -> None:
    async def main() -> None:
        options = {"kind": "conference", "members": "1"}
        async with simulating(options=options) as simulator, streaming(simulator) as socket:
            assert len(await receive(socket, 3)) == 3

    run(main())


# The ends of a stream.


def test_at_the_end_of_the_call_its_status_is_hangup_before_the_client_sees_1006() -> None:
    async def main() -> None:
        async with simulating(options={"duration": "0.3"}) as simulator:
            async with streaming(simulator) as socket:
                count, code = await until_closed(socket)
                call = (await ask(simulator, path_of(simulator.exchange.target))).json
            assert (code, call["status"]) == (1006, "hangup")
            assert (call["hangup_by"], call["hangup_reason"]) == ("remote", "normal")
            assert call["tm_hangup"]
            assert count == 15  # 0.3 s at 50 a second: the last one is not lost
            async with streaming(simulator) as socket:
                assert await until_closed(socket) == (0, 1006), (
                    "and there is nothing to come back to"
                )

    run(main())


def test_a_conference_terminates() -> None:
    async def main() -> None:
        options = {"kind": "conference", "duration": "0.1"}
        async with simulating(options=options) as simulator, streaming(simulator) as socket:
            assert (await until_closed(socket))[1] == 1006
            assert await _status(simulator) == "terminated"

    run(main())


ENDS = [
    ("audiosocket", b"\x00\x00\x00"),
    ("audiosocket", b"\x01\x00\x10" + bytes(16)),
    ("audiosocket", b"\x19\x00\x02\0\0"),
    ("audiosocket", b"\x10\x00\x00"),
    ("audiosocket", b"\x10\x01\x41" + LINEAR),
    ("sln", b""),
    ("rtp", rtp(b"")),
]


@pytest.mark.parametrize(("encapsulation", "message"), ENDS)
def test_a_bad_frame_ends_the_stream_and_not_the_call(encapsulation: str, message: bytes) -> None:
    async def main() -> None:
        async with simulating() as simulator:
            async with streaming(simulator, encapsulation) as socket:
                await receive(socket, 1)
                await socket.send(message)
                assert (await until_closed(socket))[1] == 1006
            assert await _status(simulator) == "progressing"
            async with streaming(simulator, encapsulation) as socket:
                assert await receive(socket, 2)
            assert simulator.report()["violations"] == []

    run(main())


@pytest.mark.parametrize("size", [65_536, 131_060, 200_000])
def test_what_would_kill_the_platform_is_noted_and_ends_the_stream_alone(size: int) -> None:
    async def main() -> None:
        async with simulating() as simulator:
            async with streaming(simulator) as healthy, streaming(simulator, "sln") as socket:
                await socket.send(bytes(size))
                assert (await until_closed(socket))[1] == 1006
                assert await receive(healthy, 20)
            (violation,) = simulator.report()["violations"]
            assert "65535" in violation or "131072" in violation

    run(main())


def test_a_token_that_expires_ends_its_stream() -> None:
    async def main() -> None:
        async with simulating(options={"token-life": "2"}) as simulator:
            async with streaming(simulator) as socket:
                count, code = await until_closed(socket)
            assert code == 1006
            assert count > 10
            assert (await ask(simulator, path_of(simulator.exchange.target))).status == 401

    run(main())


# Connections lost while the call goes on.


def test_a_lost_connection_comes_back_after_the_outage_where_the_call_is_by_then() -> None:
    async def main() -> None:
        async with simulating("drop-and-return") as simulator:
            async with streaming(simulator) as socket:
                await receive(socket, 3)
                simulator.exchange.drop()
                assert (await until_closed(socket))[1] == 1006
            assert await _status(simulator) == "progressing"
            refused = 0
            while True:
                try:
                    async with streaming(simulator) as socket:
                        messages = await receive(socket, 2)
                    break
                except (OSError, EOFError, InvalidHandshake):
                    refused += 1
                    await asyncio.sleep(0.05)
            assert refused > 2
            assert int.from_bytes(messages[0][2:4], "big") == 1, "a new bridge counts from 1"

    run(main())


def test_a_connection_that_never_comes_back_while_the_api_says_progressing() -> None:
    async def main() -> None:
        async with simulating("connection-lost") as simulator:
            async with streaming(simulator) as socket:
                simulator.exchange.drop()
                assert (await until_closed(socket))[1] == 1006
            for _ in range(3):
                with pytest.raises((OSError, EOFError, InvalidHandshake)):
                    await connect(stream_url(simulator))
            assert await _status(simulator) == "progressing"

    run(main())


def test_in_an_outage_the_api_is_gone_as_well() -> None:
    async def main() -> None:
        async with simulating("outage") as simulator, streaming(simulator) as socket:
            simulator.exchange.drop()
            assert (await until_closed(socket))[1] == 1006
            with pytest.raises((OSError, IndexError, ValueError)):
                await _status(simulator)

    run(main())


def test_after_a_drop_two_attempts_are_told_to_wait() -> None:
    async def main() -> None:
        async with simulating("drop-and-limited") as simulator:
            async with streaming(simulator) as socket:
                simulator.exchange.drop()
                await until_closed(socket)
            for _ in range(2):
                with pytest.raises(InvalidStatus) as caught:
                    await connect(stream_url(simulator))
                assert caught.value.response.headers["Retry-After"] == "1"
            async with streaming(simulator) as socket:
                assert await receive(socket, 2)

    run(main())


def test_a_frozen_connection_is_open_and_answers_nothing() -> None:
    async def main() -> None:
        async with (
            simulating("frozen") as simulator,
            streaming(simulator, close_timeout=0.1) as socket,
        ):
            await receive(socket, 1)
            simulator.exchange.drop()
            pong = await socket.ping()
            while not await is_mute(socket, 0.1):
                pass
            assert not pong.done()
            assert socket.close_code is None
            async with streaming(simulator) as second:
                assert await receive(second, 2)

    run(main())


def test_drops_and_hang_ups_are_scheduled_from_the_first_stream_on() -> None:
    async def main() -> None:
        async with simulating("drop-and-return+hang-up", {"duration": "3.4"}) as simulator:
            await asyncio.sleep(0.2)
            async with streaming(simulator) as socket:
                count, code = await until_closed(socket)
            assert (count, code) == (150, 1006)  # three seconds
            await _eventually(lambda: simulator.report()["status"] == "hangup")
            assert simulator.report()["call_ms"] in (3380, 3400)

    run(main())
