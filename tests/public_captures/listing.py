"""The list of public captures: where each is, and what tshark says of its RTP streams."""

from __future__ import annotations

import hashlib
import re
import subprocess
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

LIST = Path(__file__).with_name("captures.toml")
# tshark finds RTP that nothing announces when it is asked to.
_TSHARK = ("tshark", "-n", "-q", "-z", "rtp,streams", "--enable-heuristic", "rtp_udp", "-r")
_UNNAMED = ("RTPType-", "rtpevent", "rtp.rfc2198", "Unassigned")
_ROW = re.compile(
    r"\s*\S+\s+\S+\s+(?P<source>\S+)\s+(?P<source_port>\d+)\s+(?P<to>\S+)\s+(?P<port>\d+)\s+"
    r"(?P<ssrc>0x\w+)\s+(?P<codec>.*?)\s+(?P<packets>\d+)\s+(?P<lost>-?\d+) \(\S+%\)"
    r"\s+\S+\s+\S+\s+\S+\s+\S+\s+(?P<mean>\S+)\s+(?P<max>\S+)"
)


class Stream(NamedTuple):
    """One row of tshark's statistics; its jitter is 0 where it knows no clock."""

    name: str
    codec: str
    packets: int
    lost: int
    mean_jitter_ms: float
    max_jitter_ms: float

    @property
    def knows_no_clock(self) -> bool:
        """Of a payload type that no session description names tshark computes no jitter."""
        return not self.max_jitter_ms and self.codec.startswith(_UNNAMED)


class PublicCapture(NamedTuple):
    """One file of a public repository.

    `streams` are tshark's of two packets and more, `singles` counts those of one. `differs` has a
    row for what this tool says otherwise: the stream, what of it, and the kind of the reason.
    """

    repository: str
    commit: str
    path: str
    sha256: str
    singles: int
    streams: tuple[Stream, ...]
    differs: tuple[tuple[str, str, str], ...]

    @property
    def label(self) -> str:
        """As a person finds it."""
        return f"{self.repository}: {self.path}"

    def found_in(self, directory: Path) -> Path | None:
        """The file in a clone below `directory` (by owner and name, or name), if its bytes are."""
        name = self.repository.partition("/")[2]
        for clone in (directory / self.repository, directory / name, directory):
            path = clone / self.path
            if path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == self.sha256:
                return path
        return None


def read_list(path: Path = LIST) -> list[PublicCapture]:
    """Read the list; raises KeyError or TypeError where an entry is none."""
    return [
        PublicCapture(
            **{name: row[name] for name in ("repository", "commit", "path", "sha256", "singles")},
            streams=tuple(Stream(*stream) for stream in row["streams"]),
            differs=tuple((of, what, why) for of, what, why in row["differs"]),
        )
        for row in tomllib.loads(path.read_text())["captures"]
    ]


def of_tshark(path: Path) -> Iterator[Stream]:
    """The RTP streams that tshark finds in a capture."""
    done = subprocess.run([*_TSHARK, str(path)], capture_output=True, text=True)
    for row in filter(None, map(_ROW.match, done.stdout.splitlines())):
        yield Stream(
            f"{row['source']}:{row['source_port']} > {row['to']}:{row['port']}"
            f" ssrc {row['ssrc'].lower()}",
            row["codec"],
            int(row["packets"]),
            int(row["lost"]),
            float(row["mean"]),
            float(row["max"]),
        )


def written(captures: Iterable[PublicCapture]) -> str:
    """The list as its file has it."""
    return "\n".join(map(_entry, captures))


def _entry(capture: PublicCapture) -> str:
    lines = ["[[captures]]"]
    lines += [
        f'{name} = "{getattr(capture, name)}"'
        for name in ("repository", "commit", "path", "sha256")
    ]
    lines += [f"singles = {capture.singles}", "streams = ["]
    for name, codec, *numbers in capture.streams:
        lines.append(f'  ["{name}", "{codec}", {", ".join(map(str, numbers))}],')
    lines += ["]", "differs = ["]
    lines += [f'  ["{of}", "{what}", "{why}"],' for of, what, why in capture.differs]
    return "\n".join([*lines, "]", ""])
