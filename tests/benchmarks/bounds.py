"""Files that are all overhead: what each command takes for them, on one core.

Run: python -m tests.benchmarks.bounds [WORD ...] (only the files whose name has a word). Each of
them has a million headers, streams or frames and hardly any sound; each is to be read in 20
seconds and 300 MB. Status 1 where one is not.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parents[2]))

import numpy as np

MOST_SECONDS, MOST_MB = 20.0, 300.0
_PIECE = 100_000
# pcap's file header (microseconds, Ethernet).
_PCAP = bytes.fromhex("d4c3b2a1 0200 0400 00000000 00000000 00000400 01000000")
_PACKET = np.dtype(
    [
        ("seconds", "<u4"), ("microseconds", "<u4"), ("captured", "<u4"), ("size", "<u4"),
        ("ethernet", "V14"), ("ip", "V12"), ("source", ">u4"), ("destination", ">u4"),
        ("source_port", ">u2"), ("port", ">u2"), ("length", ">u2"), ("checksum", ">u2"),
        ("flags", ">u2"), ("sequence", ">u2"), ("timestamp", ">u4"), ("ssrc", ">u4"),
        ("payload", "V160"),
    ]
)  # fmt: skip


class Usage(NamedTuple):
    """What one run took; `seconds` of one core, whatever else the machine does."""

    seconds: float
    megabytes: float
    output_megabytes: float
    status: int


def sections() -> Iterator[bytes]:
    """A million section headers of pcapng, and nothing in them."""
    section = bytes.fromhex("0a0d0d0a 1c000000 4d3c2b1a 0100 0000 ffffffffffffffff 1c000000")
    for _ in range(10):
        yield section * _PIECE


def streams(count: int, packets: int, *, in_turn: bool = False) -> Iterator[bytes]:
    """`count` RTP streams of so many packets, each between two ports of its own.

    `in_turn`: the first packet of each, then the second of each; otherwise one stream after the
    other.
    """
    yield _PCAP
    for first in range(0, count * packets, _PIECE):
        at = np.arange(first, min(count * packets, first + _PIECE))
        number, packet = (at % count, at // count) if in_turn else (at // packets, at % packets)
        rows = np.zeros(len(at), _PACKET)
        rows["seconds"], rows["microseconds"] = at // 10**6, at % 10**6
        rows["captured"] = rows["size"] = _PACKET.itemsize - 16
        rows["ethernet"] = np.void(bytes(12) + b"\x08\0")
        rows["ip"] = np.void(bytes.fromhex("450000c80000400040110000"))
        rows["source"], rows["destination"] = 0x0A000000 + (number >> 12), 0xC0000201
        rows["source_port"], rows["port"] = 1024 + (number & 4095) * 2, 5004
        rows["length"] = 180
        rows["flags"], rows["sequence"] = 0x8000, packet
        rows["timestamp"], rows["ssrc"] = packet * 160, number
        rows["payload"] = np.void(b"\xff" * 160)
        yield rows.tobytes()


def hex_lines() -> Iterator[bytes]:
    """Five million packets of RTP in hex, without sound."""
    for first in range(0, 5_000_000, _PIECE):
        numbers = range(first, first + _PIECE)
        yield b"".join(b"8060%04x%08x00000000ffff\n" % (n & 0xFFFF, n * 160) for n in numbers)


def empty_frames() -> Iterator[bytes]:
    """15 MB of AudioSocket frames of sound, all of them empty."""
    yield b"\x10\0\0" * 5_000_000


class Case(NamedTuple):
    """A file, and how each command is asked about it."""

    content: Callable[[], Iterator[bytes]]
    suffix: str
    validate: tuple[str, ...] = ()
    diagnose: tuple[str, ...] | None = ()


CASES: Mapping[str, Case] = {
    "a million section headers": Case(sections, "pcapng"),
    "a million streams": Case(lambda: streams(1_000_000, 1), "pcap"),
    "200,000 streams of three packets": Case(lambda: streams(200_000, 3), "pcap"),
    "the same, in turn": Case(lambda: streams(200_000, 3, in_turn=True), "pcap"),
    "five million lines of hex": Case(hex_lines, "txt", ("--hex",), None),
    "15 MB of empty AudioSocket frames": Case(empty_frames, "bin"),
}


def run(command: str, path: Path, options: tuple[str, ...]) -> Usage:
    """Run one command on one core, and measure it."""
    words = [sys.executable, "-m", "voipbin_cli", "stream", command, str(path), "--json", *options]
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            words, stdout=output, stderr=subprocess.DEVNULL, preexec_fn=_on_one_core
        )
        _, status, used = os.wait4(process.pid, 0)
        seconds = used.ru_utime + used.ru_stime
        size = output.seek(0, os.SEEK_END)
    return Usage(seconds, used.ru_maxrss / 1024, size / 1e6, os.waitstatus_to_exitcode(status))


def _on_one_core() -> None:
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))


def main() -> None:
    """Write each file, ask both commands about it, print what they took."""
    wanted, over = sys.argv[1:], []
    print(f"{'file':<36}{'command':<10}{'s':>7}{'MB':>7}{'out MB':>8}{'status':>8}")
    for name, case in CASES.items():
        if wanted and not any(word in name for word in wanted):
            continue
        with tempfile.NamedTemporaryFile(suffix=f".{case.suffix}") as file:
            for piece in case.content():
                file.write(piece)
            file.flush()
            for command, options in (("validate", case.validate), ("diagnose", case.diagnose)):
                if options is None:
                    continue
                used = run(command, Path(file.name), options)
                print(
                    f"{name:<36}{command:<10}{used.seconds:7.1f}{used.megabytes:7.0f}"
                    f"{used.output_megabytes:8.1f}{used.status:8}",
                    flush=True,
                )
                if used.seconds > MOST_SECONDS or used.megabytes > MOST_MB:
                    over.append(f"{command} of {name}")
    if over:
        sys.exit(f"over {MOST_SECONDS:.0f} s or {MOST_MB:.0f} MB: {', '.join(over)}")


if __name__ == "__main__":
    main()
