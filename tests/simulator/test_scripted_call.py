"""A scripted caller over real sockets: a bot that connects to us, and what is told of it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from dataclasses import replace

import numpy as np
import pytest
import websocket
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from tests.simulator.support import ask, simulating, streaming, until_closed
from tests.support.aio import run
from voipbin_cli.codec.g711 import mulaw_to_s16le
from voipbin_cli.simulator.caller.outcome import CallOutcome, outcome_from, outcome_record
from voipbin_cli.simulator.caller.script import CallerScript, HangUp, SayNothing
from voipbin_cli.simulator.catalog import find_scenario
from voipbin_cli.simulator.embedded import EmbeddedSimulator
from voipbin_cli.simulator.load import LoadOutcome, LoadRun
from voipbin_cli.simulator.rooms import Room
from voipbin_cli.simulator.server import Simulator

TONE = (8000 * np.sin(np.arange(160) * 0.6)).astype("<i2").tobytes()
SCRIPT = """
[handset]
noise_dbfs = -70
[[caller]]
do = "pause"
seconds = 0.1
[[caller]]
do = "say"
seconds = 0.5
[[caller]]
do = "wait-for-begin"
timeout_s = 3
[[caller]]
do = "hang-up"
"""


async def _answer(socket: ClientConnection, delay_ms: int) -> None:
    """Once the caller has been quiet for 200 ms, sound so long after his last loud frame."""
    loud = quiet = 0
    try:
        async for message in socket:
            level = np.abs(np.frombuffer(mulaw_to_s16le(bytes(message)), "<i2").astype(int)).max()
            loud, quiet = (loud + 1, 0) if level > 500 else (loud, quiet + 1)
            if loud > 3 and quiet * 20 >= delay_ms:
                await socket.send(TONE)
    except ConnectionClosed:
        pass


def test_a_bot_that_connects_is_talked_to_and_timed(tmp_path) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "caller.toml"
    path.write_text(SCRIPT)

    async def main() -> CallOutcome | None:
        async with simulating(options={"caller": str(path)}, keeps_heard=True) as simulator:
            assert simulator.result() is None
            async with streaming(simulator, "sln") as socket:
                answering = asyncio.create_task(_answer(socket, 300))
                await asyncio.wait_for(simulator.until_over(), 10)
                await answering
            return simulator.result()

    outcome = run(main())
    assert outcome is not None
    assert outcome.ended_by == "caller"
    assert [row.name for row in outcome.rows] == ["pause", "say", "wait-for-begin", "hang-up"]
    late_ms = outcome.lateness.max or 0.0
    assert outcome.response_ms == pytest.approx([300], abs=60 + 2 * late_ms)
    assert outcome.timeouts == 0
    fields = outcome.as_fields()
    assert fields["conversation"]["response_ms"]["max"] == fields["rows"][1]["response_ms"]
    assert TONE in outcome.heard_pcm
    assert outcome_from(json.loads(json.dumps(outcome_record(outcome)))) == outcome


def test_a_script_goes_to_the_embedded_simulator_and_its_result_comes_back() -> None:
    script = CallerScript((SayNothing(0.04), HangUp()))
    with EmbeddedSimulator(caller=script, keeps_heard=True) as simulator:
        assert simulator.result() is None
        url = simulator.api_url.replace("http", "ws", 1)
        stream = websocket.create_connection(
            f"{url}/calls/{simulator.call_id}/media_stream?encapsulation=sln&token={simulator.token}"
        )
        with contextlib.suppress(websocket.WebSocketConnectionClosedException):
            while stream.recv():
                pass
        outcome = simulator.result()
        stream.close()
    assert outcome is not None
    assert [row.name for row in outcome.rows] == ["pause", "hang-up"]
    assert outcome.ended_by == "caller"
    assert len(outcome.heard_pcm) >= 640


def test_calls_of_a_load_come_up_and_wait_for_a_bot() -> None:
    script = CallerScript((SayNothing(0.1), HangUp()))
    joined: list[asyncio.Task[None]] = []

    async def main() -> tuple[LoadOutcome, list[str]]:
        scenario = replace(find_scenario("clean"), caller=script, call_status="hangup", calls=1)
        async with Simulator(scenario) as simulator:

            async def join(room: Room) -> None:
                async with streaming(simulator, "sln", room=room) as socket:
                    await until_closed(socket)

            simulator.on_call = lambda room: joined.append(asyncio.create_task(join(room)))
            outcome = await LoadRun(simulator, 2, 20.0, clock=time.monotonic_ns).run()
            await asyncio.gather(*joined)
            shown = (await ask(simulator, "/v1.0/calls")).json["result"]
            return outcome, [call["status"] for call in shown]

    outcome, statuses = run(main())
    assert outcome.most_at_once == 2
    assert len(outcome.outcomes) == len(joined) >= 2
    assert all(one.rows[0].name == "pause" for one in outcome.outcomes)
    assert set(statuses) == {"hangup"}
