"""How many scripted calls one core carries, beside a bare loop of the websockets library.

    python -m tests.benchmarks.load [CALLS] [SECONDS]

A bot in a process of its own takes what comes on each connection and sends a frame each 20 ms,
sound and silence in turns. Once scripted callers talk to it, then a bare loop of the library: a
task a connection that sends a frame at absolute deadlines, and one that reads. What is told is how
late the frames went out, 99 of 100, and what CPU each took: that is told on a busy machine, too.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import resource
import struct
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import ClassVar, NamedTuple, cast

sys.path.insert(0, str(Path(__file__).parents[2]))

import numpy as np
from websockets.asyncio.client import connect

from tests.benchmarks.harness import headline
from voipbin_cli.codec.encapsulation import Encapsulation
from voipbin_cli.simulator.caller.script import (
    CallerScript,
    Interrupt,
    Say,
    WaitForBegin,
    WaitForEnd,
)
from voipbin_cli.simulator.catalog import find_scenario
from voipbin_cli.simulator.dialing import BotAddress, Dialer
from voipbin_cli.simulator.load import LoadRun

ROOT = Path(__file__).parents[2]
FRAME_S = 0.02
WANTED_MS = 10.0
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class Taken(NamedTuple):
    """How late frames went out, and what one cost: a frame sent and one taken."""

    p50_ms: float
    p99_ms: float
    cpu_us: float

    @property
    def calls_a_core(self) -> float:
        """How many calls a core has the time for, all of it taken."""
        return FRAME_S * 1e6 / self.cpu_us


# The bot: WebSocket by hand, so that it costs next to nothing.


class _Bot(asyncio.Protocol):
    every: ClassVar[set[asyncio.Transport]] = set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        if self.transport in self.every:
            return
        key = data.partition(b"Sec-WebSocket-Key: ")[2].partition(b"\r\n")[0]
        accept = base64.b64encode(hashlib.sha1(key + _GUID).digest())
        self.transport.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
        )
        self.every.add(self.transport)

    def connection_lost(self, _error: Exception | None) -> None:
        self.every.discard(self.transport)


async def bot() -> None:
    """Serve until standard input ends."""
    server = await asyncio.get_running_loop().create_server(_Bot, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    tone = (8000 * np.sin(np.arange(160) * 0.6)).astype("<i2").tobytes()
    sound, silence = (struct.pack("!BBH", 0x82, 126, 320) + pcm for pcm in (tone, bytes(320)))
    start, number = time.monotonic(), 0
    while True:
        number += 1
        await asyncio.sleep(max(0.0, start + number * FRAME_S - time.monotonic()))
        for transport in tuple(_Bot.every):
            transport.write(sound if number % 200 < 100 else silence)


# The two who call it.


async def ours(port: int, calls: int, seconds: float) -> Taken:
    """Scripted callers."""
    turn = (WaitForBegin(), Say(seconds=1.0), Interrupt(after_ms=300, seconds=0.5), WaitForEnd())
    scenario = replace(find_scenario("clean"), caller=CallerScript(turn, times=100))
    address = BotAddress(f"ws://127.0.0.1:{port}/", Encapsulation.SLN)
    dialer = Dialer(scenario, address)
    run = LoadRun(dialer, calls, calls / 2.0, clock=time.monotonic_ns)
    task = asyncio.create_task(run.run())
    await asyncio.sleep(3.0)
    cpu, sent = time.process_time(), dialer.exchange.report()["sent"]
    await asyncio.sleep(seconds)
    sent = dialer.exchange.report()["sent"] - sent
    cpu_us = (time.process_time() - cpu) * 1e6 / sent
    run.stop()
    outcome = await task
    dialer.close()
    late = outcome.rows[-1].lateness
    return Taken(late.p50 or 0.0, late.p99 or 0.0, cpu_us)


async def bare(port: int, calls: int, seconds: float) -> Taken:
    """A loop that does nothing but send and read."""
    late_ms: list[float] = []
    over = asyncio.Event()

    async def line(number: int) -> None:
        async with connect(f"ws://127.0.0.1:{port}/", compression=None, ping_interval=None) as one:

            async def read() -> None:
                async for _ in one:
                    pass

            reading = asyncio.create_task(read())
            due = time.monotonic() + number * FRAME_S / calls
            while not over.is_set():
                due += FRAME_S
                await asyncio.sleep(max(0.0, due - time.monotonic()))
                late_ms.append((time.monotonic() - due) * 1000)
                await one.send(bytes(160))
            reading.cancel()

    lines = [asyncio.create_task(line(number)) for number in range(calls)]
    await asyncio.sleep(3.0)
    late_ms.clear()
    cpu = time.process_time()
    await asyncio.sleep(seconds)
    cpu_us = (time.process_time() - cpu) * 1e6 / len(late_ms)
    over.set()
    await asyncio.wait(lines, timeout=20)
    return Taken(*np.percentile(late_ms, [50, 99]).tolist(), cpu_us)


def measured(kind: str, port: int, calls: int, seconds: float) -> Taken:
    """One of them, in a process of its own."""
    command = [sys.executable, "-m", "tests.benchmarks.load", kind, str(port), str(calls)]
    done = subprocess.run([*command, str(seconds)], cwd=ROOT, capture_output=True, check=True)
    return Taken(*json.loads(done.stdout.splitlines()[-1]))


def main(calls: int, seconds: float) -> None:
    """Both, one after the other, against the same bot."""
    command = [sys.executable, "-m", "tests.benchmarks.load", "bot"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        try:
            rows = {kind: measured(kind, port, calls, seconds) for kind in ("ours", "bare")}
        finally:
            process.kill()
    for kind, taken in rows.items():
        print(
            f"{calls} calls, {kind:5} p50 {taken.p50_ms:6.2f} ms  p99 {taken.p99_ms:6.2f} ms  "
            f"{taken.cpu_us:.0f} us of CPU a frame each way: {taken.calls_a_core:.0f} calls a core"
        )
    mine, theirs = rows["ours"], rows["bare"]
    headline(f"{calls} scripted calls, p99 late", mine.p99_ms / WANTED_MS, "of 10 ms", "< 1")
    headline("a scripted call's CPU", mine.cpu_us / theirs.cpu_us, "of a bare websockets loop's")


if __name__ == "__main__":
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, most), most))
    words = sys.argv[1:]
    if words[:1] == ["bot"]:
        asyncio.run(bot())
    elif words[:1] in (["ours"], ["bare"]):
        who = ours if words[0] == "ours" else bare
        print(json.dumps(asyncio.run(who(int(words[1]), int(words[2]), float(words[3])))))
    else:
        main(int(words[0]) if words else 150, float(words[1]) if words[1:] else 10.0)
