"""How much later a frame comes through `validate --proxy`, `diagnose --proxy` and a bare loop.

    python tests/benchmarks/proxy.py [--seconds 10] [--check]

A far end sends frames that hold the time at which they were sent; a client takes each, says how old
it was and sends it back. Both are in this process. The bare loop is a relay of the websockets
library's own, in a process of its own, as ours are. `--check` fails where ours adds more than a
millisecond to it (p99).
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402
from websockets.asyncio.client import connect  # noqa: E402
from websockets.asyncio.server import ServerConnection, serve  # noqa: E402
from websockets.exceptions import ConnectionClosed  # noqa: E402

from tests.benchmarks.harness import headline  # noqa: E402

FRAME_S = 0.020
MOST_MS = 1.0
SOUND = np.random.default_rng(1).integers(-9000, 9000, 156).astype("<i2").tobytes()


async def far_end(connection: ServerConnection) -> None:
    """Frames of 320 bytes on a grid, whose first eight are the time."""

    async def take() -> None:
        with contextlib.suppress(ConnectionClosed):
            async for _ in connection:
                pass

    reading = asyncio.ensure_future(take())
    start = time.monotonic()
    with contextlib.suppress(ConnectionClosed):
        for n in range(1_000_000):
            await asyncio.sleep(max(0.0, start + n * FRAME_S - time.monotonic()))
            await connection.send(time.monotonic_ns().to_bytes(8, "little") + SOUND)
    await reading


async def bare_relay(target: str) -> None:
    """Two loops, and nothing else."""

    async def relay(client: ServerConnection) -> None:
        async with connect(target, compression=None) as upstream:

            async def out() -> None:
                async for message in client:
                    await upstream.send(message)

            sending = asyncio.ensure_future(out())
            async for message in upstream:
                await client.send(message)
            sending.cancel()

    async with serve(relay, "127.0.0.1", 0, compression=None) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        print(json.dumps({"address": f"ws://127.0.0.1:{port}/"}), flush=True)
        await asyncio.Future()


@contextlib.contextmanager
def running(arguments: list[str]) -> Iterator[str]:
    """A relay in a process of its own, and its address."""
    process = subprocess.Popen(
        [sys.executable, *arguments], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    try:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())["address"]
    finally:
        process.kill()
        process.wait()


async def ages_ms(address: str, seconds: float) -> list[float]:
    """How old frames are as they come; each is answered by one."""
    ages = []
    async with connect(address, compression=None) as client:
        for _ in range(int(seconds / FRAME_S)):
            message = await client.recv()
            assert isinstance(message, bytes)
            ages.append((time.monotonic_ns() - int.from_bytes(message[:8], "little")) / 1e6)
            await client.send(message)
    return ages[25:]


async def measured(seconds: float) -> dict[str, list[float]]:
    """The ages through each."""
    found = {}
    async with serve(far_end, "127.0.0.1", 0, compression=None) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        target = f"ws://127.0.0.1:{port}/"
        found["no relay"] = await ages_ms(target, seconds)
        ours = ["-m", "voipbin_cli", "stream"]
        options = ["-e", "sln", "--proxy", "0", "--json"]
        contenders = {
            "bare loop": [__file__, "--bare", target],
            "validate --proxy": [*ours, "validate", target, *options],
            "diagnose --proxy": [*ours, "diagnose", target, *options],
        }
        for name, arguments in contenders.items():
            with running(arguments) as address:
                found[name] = await ages_ms(address, seconds)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--bare", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.bare is not None:
        asyncio.run(bare_relay(options.bare))
        return
    found = asyncio.run(measured(options.seconds))
    p99 = {name: float(np.percentile(ages, 99)) for name, ages in found.items()}
    for name, ages in found.items():
        print(f"  {name:18} p50 {statistics.median(ages):6.2f} ms, p99 {p99[name]:6.2f} ms")
    added = {name: p99[name] - p99["bare loop"] for name in p99 if "proxy" in name}
    for name, ms in added.items():
        headline(f"proxy     {name}, added (p99)", ms, "ms over a bare loop", "under 1")
    if options.check and max(added.values()) > MOST_MS:
        sys.exit(1)


if __name__ == "__main__":
    main()
