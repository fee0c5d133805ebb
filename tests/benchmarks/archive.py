"""An archive of captures diagnosed, whole process, beside tshark in a shell loop.

    python -m tests.benchmarks.archive [FILES]

Each capture is three minutes of a call, two legs of mu-law speech over UDP; in every second one a
packet in 300 is lost. tshark's `rtp,streams` looks at headers only, two files at a time; ours also
measures the sound, and the conversation of both legs. Both read what is in the page cache.
"""

from __future__ import annotations

import os
import random
import shutil
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.benchmarks.harness import headline
from voipbin_cli.codec.codecs import Codec, encode
from voipbin_cli.simulator.talker import speech

FILES = 200
PACKETS = 9000
_START_US = 1_700_000_000_000_000
_LOST = 1 / 300
_HOSTS = bytes((192, 0, 2, 1)), bytes((198, 51, 100, 1))
_PORTS = 5004, 6004


def write_call(path: Path, seed: int, sounds: list[bytes], packets: int = PACKETS) -> None:
    """Two legs, there and back, in classic pcap; what is said differs from call to call."""
    rng = random.Random(seed)
    lost = _LOST if seed % 2 else 0.0
    records = []
    for leg in range(2):
        source, target = _HOSTS[leg], _HOSTS[1 - leg]
        ip = struct.pack("!BBHHHBBH", 0x45, 0, 200, 0, 0, 64, 17, 0) + source + target
        udp = struct.pack("!HHHH", _PORTS[leg], _PORTS[1 - leg], 180, 0)
        head = bytes(12) + b"\x08\x00" + ip + udp
        for n in range(packets):
            if rng.random() < lost:
                continue
            at_us = _START_US + n * 20_000 + leg * 7000 + int(rng.expovariate(1 / 300))
            rtp = struct.pack("!BBHII", 0x80, 0, n & 0xFFFF, n * 160, 7 + leg)
            start = (seed * 17 + n) % 2900 * 160
            records.append((at_us, head + rtp + sounds[leg][start : start + 160]))
    with path.open("wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
        for at_us, data in sorted(records):
            head = struct.pack("<IIII", at_us // 10**6, at_us % 10**6, len(data), len(data))
            file.write(head + data)


def main() -> None:
    """Print both times, and how many packets a second that is."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else FILES
    if shutil.which("tshark") is None:
        sys.exit("tshark is not installed")
    sounds = [encode(Codec.MULAW, speech(seed, 60.0).tobytes()) for seed in (1, 2)]
    with tempfile.TemporaryDirectory() as directory:
        spool = Path(directory, "spool")
        spool.mkdir()
        for seed in range(count):
            write_call(spool / f"{seed:05}.pcap", seed, sounds)
        begun = time.perf_counter()
        ours = [sys.executable, "-m", "voipbin_cli", "archive", "diagnose", str(spool), "-q"]
        subprocess.run([*ours, "-o", str(Path(directory, "calls"))], check=True)
        ours_s = time.perf_counter() - begun
        begun = time.perf_counter()
        theirs = "tshark -n -q -z rtp,streams -d udp.port==6004,rtp -r"
        loop = f"ls {spool}/* | xargs -n 1 -P 2 {theirs} >/dev/null 2>&1"
        subprocess.run(["sh", "-c", loop], check=True)
        theirs_s = time.perf_counter() - begun
    packets = count * 2 * PACKETS
    cores = os.cpu_count() or 1
    for what, seconds in (("archive diagnose", ours_s), ("tshark, two at a time", theirs_s)):
        rate = packets / seconds / 1e6
        print(f"{what:<24}{seconds:8.1f} s {seconds / count * 1e3:8.1f} ms a file {rate:6.2f} M/s")
    name = f"{count} captures of 3 min on {cores} cores"
    headline(name, theirs_s / ours_s, "as fast as tshark's headers", ">= 20")


if __name__ == "__main__":
    main()
