"""CPU of `voipbin stream record` beside a bare websockets loop that throws the frames away.

    python tests/benchmarks/record.py [--seconds 20] [--rounds 3]

Each is a process of its own on a simulated call, one after the other, so that none disturbs
another; what counts is the CPU time of all its threads, start-up left out. The rounds alternate,
and the ratio of the medians is the result.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.benchmarks.harness import headline
from voipbin_cli.simulator.embedded import EmbeddedSimulator

BARE = """
import asyncio, sys
from websockets.asyncio.client import connect

async def main():
    async with connect(sys.argv[1], compression=None) as websocket:
        async for _ in websocket:
            pass

asyncio.run(main())
"""
WARM_UP_S = 3.0


def cpu_ms(process: subprocess.Popen[bytes]) -> float:
    """CPU time of all the process's threads so far."""
    tasks = Path(f"/proc/{process.pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e6


def measure(seconds: float, directory: str) -> dict[str, float]:
    """CPU milliseconds per second of stream, for each command."""
    with EmbeddedSimulator() as simulator:
        query = f"encapsulation=rtp&token={simulator.token}"
        base = simulator.api_url.replace("http", "ws", 1)
        url = f"{base}/calls/{simulator.call_id}/media_stream?{query}"
        record = [sys.executable, "-m", "voipbin_cli", "stream", "record", url, "--overwrite"]
        capture = f"{directory}/b.pcapng"
        commands = {
            "bare websockets loop": [sys.executable, "-c", BARE, url],
            "record": [*record, "-o", f"{directory}/a.wav"],
            "record --capture": [*record, "-o", f"{directory}/b.wav", "--capture", capture],
        }
        return {name: used_ms(command, seconds) / seconds for name, command in commands.items()}


def used_ms(command: list[str], seconds: float) -> float:
    """CPU milliseconds that `command` uses in `seconds` of its run."""
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, **quiet) as process:
        time.sleep(WARM_UP_S)
        before_ms = cpu_ms(process)
        time.sleep(seconds)
        used = cpu_ms(process) - before_ms
        process.terminate()
    return used


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        rounds = [measure(options.seconds, directory) for _ in range(options.rounds)]
    medians = {name: statistics.median(r[name] for r in rounds) for name in rounds[0]}
    bare_ms = medians["bare websockets loop"]
    print(f"{os.cpu_count()} cores, {options.rounds} rounds of {options.seconds:g} s of one call")
    for name, used_ms in medians.items():
        print(f"{name:22} {used_ms:6.2f} ms CPU a second  {used_ms / bare_ms:5.2f} x")
        if name.startswith("record"):
            headline(name, used_ms / bare_ms, "a bare loop's CPU", "<= 1.3")


if __name__ == "__main__":
    main()
