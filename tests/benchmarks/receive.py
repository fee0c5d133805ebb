"""CPU time per received message: a bare loop over the websockets library beside ours.

    python tests/benchmarks/receive.py [--connections 20] [--seconds 5] [--rounds 3]

One server process, one client process. Each connection gets 172 bytes every 20 ms, the connections
out of step with each other as calls are, so that every message wakes the client. Rounds of all
readers alternate in one run; the ratio of the medians is what counts, the microseconds are this
machine's.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, broadcast, serve
from websockets.exceptions import ConnectionClosed

from tests.benchmarks.harness import headline
from voipbin_cli.transport.connection import ConnectionEnded, open_connection

FRAME_S = 0.020
PHASES = 20
MESSAGE = bytes(172)

Reader = Callable[[str], Awaitable[int]]


async def run_server() -> None:
    """Send for ever, each connection in its own phase of the 20 ms; print the port first."""
    phases: list[set[ServerConnection]] = [set() for _ in range(PHASES)]

    async def handler(connection: ServerConnection) -> None:
        phase = min(phases, key=len)
        phase.add(connection)
        try:
            await connection.wait_closed()
        finally:
            phase.discard(connection)

    async with serve(handler, "127.0.0.1", 0, compression=None, ping_interval=None) as server:
        print(server.sockets[0].getsockname()[1], flush=True)
        start, tick = time.monotonic(), 0
        while True:
            broadcast(phases[tick % PHASES], MESSAGE)
            tick += 1
            await asyncio.sleep(max(0.0, start + tick * FRAME_S / PHASES - time.monotonic()))


async def read_bare(url: str) -> int:
    """The library as its documentation shows it, its keep-alive pings off."""
    count = 0
    async with connect(url, compression=None, ping_interval=None) as connection:
        try:
            async for _ in connection:
                count += 1
        except (ConnectionClosed, asyncio.CancelledError):
            pass
    return count


def reader(linger: float) -> Reader:
    async def read(url: str) -> int:
        count = 0
        async with await open_connection(url) as connection:
            try:
                while True:
                    count += len(await connection.receive(linger=linger))
            except (ConnectionEnded, asyncio.CancelledError):
                pass
        return count

    return read


READERS: dict[str, Reader] = {
    "websockets, async for": read_bare,
    "receive()": reader(0.0),
    "receive(linger=0.1)": reader(0.1),
}


async def measure(read: Reader, url: str, connections: int, seconds: float) -> tuple[float, int]:
    """Microseconds of this process's CPU per message, and how many messages there were."""
    tasks = [asyncio.create_task(read(url)) for _ in range(connections)]
    await asyncio.sleep(0.5)
    before_s = time.process_time()
    await asyncio.sleep(seconds)
    used_s = time.process_time() - before_s
    for task in tasks:
        task.cancel()
    count = sum(await asyncio.gather(*tasks))
    # The counts include the half second of warming up.
    expected = connections * seconds / FRAME_S
    assert count >= expected * 0.98, f"{count} of {expected:.0f} messages: the machine is too busy"
    return used_s / expected * 1e6, count


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--connections", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        asyncio.run(run_server())
        return
    command = [sys.executable, __file__, "--serve"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            url = f"ws://127.0.0.1:{int(server.stdout.readline())}/"
            compare(url, options.connections, options.seconds, options.rounds)
        finally:
            server.terminate()


def compare(url: str, connections: int, seconds: float, rounds: int) -> None:
    results: dict[str, list[float]] = {name: [] for name in READERS}
    for _ in range(rounds):
        for name, read in READERS.items():
            cost_us, _ = asyncio.run(measure(read, url, connections, seconds))
            results[name].append(cost_us)
    bare_us = statistics.median(results["websockets, async for"])
    print(f"{connections} connections, 50 messages/s each, {rounds} rounds of {seconds:g} s")
    for name, costs in results.items():
        cost_us = statistics.median(costs)
        spread = f"{min(costs):.1f}–{max(costs):.1f}"
        print(f"{name:24} {cost_us:7.1f} µs/message ({spread})  {cost_us / bare_us:5.2f} x")
        if name in ("receive()", "receive(linger=0.1)"):
            headline(f"a message by {name}", cost_us / bare_us, "a bare loop's CPU")


if __name__ == "__main__":
    main()
