"""Validates a day of frames from a capture, beside dpkt's bare parse of the same packets.

Run: python tests/benchmarks/validate.py [FRAMES] (default: a day, 4,320,000). Both read the same
file in the same run; dpkt takes each packet apart and judges nothing. The file is the platform's
real speech over and over, renumbered; it needs 250 bytes a frame of room.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

import numpy as np

from tests.benchmarks.harness import headline
from voipbin_cli.analysis.messages import from_columns
from voipbin_cli.analysis.validation.due import Spec
from voipbin_cli.analysis.validation.scope import Scope
from voipbin_cli.analysis.validation.validator import Validator
from voipbin_cli.codec.encapsulation import Direction, Encapsulation
from voipbin_cli.offline.validate import validate_file

try:
    import dpkt
except ImportError:
    dpkt = None

DAY = 4_320_000
FRAME_NS = 20_000_000
PIECE = 50_000
_VECTORS = Path(__file__).parents[1] / "vectors" / "rtp-deployed.jsonl"
_HEADERS = bytes.fromhex(
    "020000000002 020000000001 0800"  # Ethernet
    "4500 00c8 0000 4000 4011 0000 c0000201 c6336401"  # IPv4, 200 bytes
    "138e 138c 00b4 0000"  # UDP, 180 bytes
)


def records(first: int, count: int) -> bytes:
    """`count` pcap records from frame `first` on, a frame every 20 ms."""
    lines = _VECTORS.read_text().splitlines()[1:]
    speech = np.frombuffer(b"".join(bytes.fromhex(json.loads(t)[1])[12:] for t in lines), np.uint8)
    number = np.arange(first, first + count)
    row = np.zeros(
        count,
        [
            ("seconds", "<u4"), ("nanoseconds", "<u4"), ("captured", "<u4"), ("size", "<u4"),
            ("headers", f"V{len(_HEADERS)}"), ("flags", ">u2"), ("sequence", ">u2"),
            ("timestamp", ">u4"), ("ssrc", ">u4"), ("payload", "u1", (160,)),
        ],
    )  # fmt: skip
    time_ns = number * FRAME_NS
    row["seconds"], row["nanoseconds"] = time_ns // 10**9, time_ns % 10**9
    row["captured"] = row["size"] = len(_HEADERS) + 172
    row["headers"] = np.void(_HEADERS)
    row["flags"] = 0x8060
    row["sequence"], row["timestamp"] = (number + 1) & 0xFFFF, (number + 1) * 160 & 0xFFFFFFFF
    row["payload"] = speech.reshape(-1, 160)[number % 49]
    return row.tobytes()


def write(path: Path, frames: int) -> None:
    """A classic pcap with times in nanoseconds, Ethernet."""
    with path.open("wb") as file:
        file.write(bytes.fromhex("4d3cb2a1 0200 0400 00000000 00000000 00000400 01000000"))
        for first in range(0, frames, PIECE):
            file.write(records(first, min(PIECE, frames - first)))


def ours(path: Path) -> int:
    """The command's own path, from the file to the verdict."""
    validation = validate_file(str(path), Scope(Spec.AUTO))
    assert validation.summary["result"] == "pass", validation.summary
    return validation.frames


def dpkts(path: Path) -> int:
    """dpkt, packet by packet, the fields looked at by nobody."""
    frames = 0
    with path.open("rb") as file:
        for _, data in dpkt.pcap.Reader(file):
            dpkt.rtp.RTP(dpkt.ethernet.Ethernet(data).data.data.data)
            frames += 1
    return frames


def dpkts_rtp_alone(path: Path) -> int:
    """dpkt on the RTP packets alone, the file and its other headers left to slices."""
    frames = 0
    data = path.read_bytes()
    stride = 16 + len(_HEADERS) + 172
    for at in range(24 + 16 + len(_HEADERS), len(data), stride):
        dpkt.rtp.RTP(data[at : at + 172])
        frames += 1
    return frames


def judge_alone(frames: int) -> float:
    """Seconds to judge frames that are in memory already, a piece at a time."""
    validator = Validator(Encapsulation.RTP)
    stride = 16 + len(_HEADERS) + 172
    spent = 0.0
    for first in range(0, frames, PIECE):
        count = min(PIECE, frames - first)
        data = records(first, count)
        offset = np.arange(count) * stride + 16 + len(_HEADERS)
        columns = from_columns(
            data, offset, np.full(count, 172), time_ns=(first + np.arange(count)) * FRAME_NS
        )
        start = time.perf_counter()
        for _ in validator.add(Direction.IN, columns):
            pass
        spent += time.perf_counter() - start
    return spent


def timed(name: str, frames: int, run: Callable[[Path], int], path: Path) -> float:
    """Say and return the seconds that `run` takes."""
    start = time.perf_counter()
    assert run(path) == frames
    spent = time.perf_counter() - start
    print(f"{name:<34}{spent:8.2f} s {spent / frames * 1e6:8.2f} µs a frame")
    return spent


def main() -> None:
    frames = int(sys.argv[1]) if len(sys.argv) > 1 else DAY
    spent = judge_alone(frames)
    print(f"{frames:,} frames")
    print(f"{'judged, from memory':<34}{spent:8.2f} s {spent / frames * 1e6:8.2f} µs a frame")
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "day.pcap"
        write(path, frames)
        own = timed("read and judged, from the pcap", frames, ours, path)
        if dpkt is None:
            print("dpkt is not installed")
            return
        other = timed("dpkt: Ethernet, IP, UDP, RTP", frames, dpkts, path)
        bare = timed("dpkt: RTP alone", frames, dpkts_rtp_alone, path)
    headline("a day judged from a pcap", other / own, "as fast as dpkt parses it")
    headline("a day judged from a pcap", bare / own, "as fast as dpkt parses its RTP alone")


if __name__ == "__main__":
    main()
