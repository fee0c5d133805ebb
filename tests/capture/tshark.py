"""tshark as the witness of what a capture says."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.support.needs import need


def tshark(path: Path, *options: str) -> str:
    need("tshark")
    done = subprocess.run(
        ["tshark", "-n", "-r", str(path), *options], capture_output=True, text=True
    )
    # As root it warns about itself on stderr; anything about the file is a failure.
    complaints = [line for line in done.stderr.splitlines() if "tshark:" in line]
    assert done.returncode == 0, done.stderr
    assert not complaints, complaints
    return done.stdout


def fields(path: Path, *names: str, options: tuple[str, ...] = ()) -> list[list[str]]:
    """One row a packet, one column a field."""
    wanted = [option for name in names for option in ("-e", name)]
    out = tshark(path, "-T", "fields", *options, *wanted)
    return [line.split("\t") for line in out.splitlines()]


_COLUMNS = (
    *("start", "end", "source", "source_port", "destination", "destination_port", "ssrc"),
    *("payload", "packets", "lost", "lost_ratio", "min_delta", "mean_delta", "max_delta"),
    *("min_jitter", "mean_jitter", "max_jitter"),
)


def rtp_streams(path: Path, *options: str) -> list[dict[str, str]]:
    """The rows of Wireshark's RTP stream analysis."""
    out = tshark(path, "-q", "-z", "rtp,streams", *options)
    rows = [line.split() for line in out.splitlines() if " 0x" in line]
    return [dict(zip(_COLUMNS, row, strict=False)) for row in rows]


def platform_packets(path: Path) -> int:
    """How many packets of the platform's own stream; the others are the silence that we sent."""
    streams = {row["ssrc"]: row for row in rtp_streams(path)}
    return int(streams.get("0x00000000", {"packets": "0"})["packets"])


def platform_arrivals_s(path: Path) -> list[float]:
    """When they came, in seconds since 1970."""
    rows = fields(path, "frame.time_epoch", options=("-Y", "rtp.ssrc == 0"))
    return [float(row[0]) for row in rows]
