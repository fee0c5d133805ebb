"""A capture diagnosed, whole process, beside tshark in the same run.

    python -m tests.benchmarks.analysis [HOURS]

tshark's `rtp,streams` looks at headers only; `diagnose` also decodes and measures all of the
sound. Both are timed in turns and the fastest of three counts. Five seconds of a call are diagnosed
beside a process that imports numpy and no more, by processor time: that is what we load.
"""

from __future__ import annotations

import os
import random
import shutil
import statistics
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from tests.benchmarks.harness import headline
from voipbin_cli.codec.codecs import Codec, encode
from voipbin_cli.simulator.talker import speech

PER_HOUR = 180_000
ROUNDS = 3
SHORT_PACKETS, SHORT_ROUNDS = 250, 7
_START_US = 1_700_000_000_000_000
_MEASURED = (
    "import os, resource, subprocess, sys, time; start = time.perf_counter(); "
    "subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL); "
    "used = resource.getrusage(resource.RUSAGE_CHILDREN); "
    "print(time.perf_counter() - start, used.ru_maxrss / 1024, used.ru_utime + used.ru_stime)"
)


class Cost(NamedTuple):
    """Wall seconds, the peak of resident memory in MiB, seconds of processor time."""

    seconds: float
    mib: float
    cpu_s: float


def write_capture(path: Path, packets: int) -> None:
    """RTP of mu-law speech over UDP, Ethernet, classic pcap, with a little jitter."""
    sound = encode(Codec.MULAW, speech(1, 60.0).tobytes())
    rng = random.Random(1)
    size = 20 + 8 + 12 + 160
    ip = struct.pack("!BBHHHBBH", 0x45, 0, size, 0, 0, 64, 17, 0) + bytes((192, 0, 2, 1))
    head = bytes(12) + b"\x08\x00" + ip + bytes((198, 51, 100, 1))
    head += struct.pack("!HHHH", 5004, 6004, 180, 0)
    length = len(head) + 172
    with path.open("wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
        for n in range(packets):
            at = _START_US + n * 20_000 + int(rng.expovariate(1 / 300))
            rtp = struct.pack("!BBHII", 0x80, 0, n & 0xFFFF, n * 160 & 0xFFFFFFFF, 7)
            start = n % 3000 * 160
            record = struct.pack("<IIII", at // 10**6, at % 10**6, length, length)
            file.write(record + head + rtp + sound[start : start + 160])


def cost(command: list[str]) -> Cost:
    """Run a command in a process of its own and measure it from outside."""
    # An installed program has its bytecode; the first run leaves it behind.
    env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    told = subprocess.run(
        [sys.executable, "-c", _MEASURED, *command],
        capture_output=True, text=True, check=True, env=env,
    )  # fmt: skip
    return Cost(*map(float, told.stdout.split()))


def best(costs: list[Cost]) -> Cost:
    """The fastest: what the machine can do when nothing else runs."""
    return min(costs)


def diagnose_command(path: Path) -> list[str]:
    """Our command line."""
    return [sys.executable, "-m", "voipbin_cli", "stream", "diagnose", str(path), "-q"]


def measure_short() -> None:
    """Print what five seconds of a call cost beside an import of numpy."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, "short.pcap")
        write_capture(path, SHORT_PACKETS)
        bare_command = [sys.executable, "-c", "import numpy"]
        turns = [
            (cost(diagnose_command(path)).cpu_s, cost(bare_command).cpu_s)
            for _ in range(SHORT_ROUNDS)
        ]
    ours, bare = map(statistics.median, zip(*turns, strict=True))
    print(f"5 s diagnosed             {ours:8.2f} s of processor time")
    print(f"import numpy              {bare:8.2f} s of processor time")
    headline("5 s diagnosed, sound and all", ours / bare, "an import of numpy's CPU")


def main() -> None:
    """Print a table: ours, tshark's, the ratio."""
    hours = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
    measure_short()
    if shutil.which("tshark") is None:
        sys.exit("tshark is not installed")
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, "leg.pcap")
        begun = time.perf_counter()
        write_capture(path, round(hours * PER_HOUR))
        megabytes = path.stat().st_size / 1e6
        print(f"{hours:g} h, {megabytes:.0f} MB, written in {time.perf_counter() - begun:.1f} s")
        ours_command = diagnose_command(path)
        theirs_command = ["tshark", "-n", "-q", "-r", str(path), "-z", "rtp,streams"]
        theirs_command += ["-d", "udp.port==6004,rtp"]
        ours, theirs = [], []
        for _ in range(ROUNDS):  # in turns, so that both see the same noise
            ours.append(cost(ours_command))
            theirs.append(cost(theirs_command))
        mine, other = best(ours), best(theirs)
        for what, one in (("diagnose, sound and all", mine), ("tshark, headers alone", other)):
            figures = f"{one.seconds:8.2f} s {one.mib:8.0f} MiB {one.cpu_s:8.2f} s CPU"
            print(f"{what:<26}{figures}")
        aim = ">= 8" if hours == 1 else ">= 20" if hours == 24 else ""
        ratio = other.seconds / mine.seconds
        headline(f"{hours:g} h diagnosed, sound and all", ratio, "as fast as tshark's headers", aim)
        share = mine.cpu_s / other.cpu_s
        headline(f"{hours:g} h diagnosed, sound and all", share, "tshark's CPU for the headers")


if __name__ == "__main__":
    main()
