"""What this tool says of a capture, beside what tshark says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from tests.public_captures.listing import PublicCapture, Stream
from voipbin_cli.errors import NothingToJudge
from voipbin_cli.offline.diagnose import diagnose_file

# tshark prints three digits; a mean is of one step more or less.
_JITTER_MS, _JITTER_SHARE = 0.002, 0.01
_CODECS = {"g711U": "mulaw", "g711A": "alaw"}
_UNHEARD = {"encrypted", "capture-cut", "unjudged-codec"}

Fields = Mapping[str, Any]


class Difference(NamedTuple):
    """What of a stream is said otherwise: `theirs` is tshark's, `ours` this tool's."""

    stream: str
    what: str
    theirs: str
    ours: str


def found(path: Path) -> dict[str, Fields]:
    """The streams that this tool finds in a capture, and their summaries."""
    try:
        return {each.name: each.as_fields() for each in diagnose_file(str(path)).streams}
    except NothingToJudge:
        return {}


def differences(capture: PublicCapture, path: Path) -> Iterator[Difference]:
    """Compare figure by figure; a stream of one packet is none."""
    ours, theirs = found(path), {stream.name: stream for stream in capture.streams}
    for name in sorted(theirs.keys() - ours.keys()):
        yield Difference(name, "stream", f"{theirs[name].packets} packets", "none")
    for name in sorted(ours.keys() - theirs.keys()):
        yield Difference(name, "stream", "none", f"{ours[name]['metrics']['frames']} frames")
    for name in sorted(theirs.keys() & ours.keys()):
        yield from _of_stream(theirs[name], ours[name])


def _of_stream(theirs: Stream, fields: Fields) -> Iterator[Difference]:
    metrics = fields["metrics"]
    sequence, jitter = metrics["sequence"], metrics["interarrival_jitter_ms"]
    # RFC 3550 A.1: the first packet of a source is on probation, and not counted.
    packets = 1 + sequence["received"]
    lost = sequence["missing"] - sequence["duplicate"]
    ids = {finding["id"] for finding in fields["findings"]}
    codec = _CODECS.get(theirs.codec.partition(",")[0])
    compared = [
        ("packets", theirs.packets, packets),
        ("lost", theirs.lost, lost),
        ("codec", codec, codec if ids & _UNHEARD else fields["codec"]),
    ]
    for what, one, other in compared:
        if one != other:
            yield Difference(theirs.name, what, str(one), str(other))
    if theirs.knows_no_clock:
        return
    for what, one, other in (
        ("mean jitter", theirs.mean_jitter_ms, jitter["mean"]),
        ("max jitter", theirs.max_jitter_ms, jitter["max"]),
    ):
        if not _is_near(one, other or 0.0):
            yield Difference(theirs.name, what, f"{one} ms", f"{other} ms")


def _is_near(one: float, other: float) -> bool:
    return abs(one - other) <= max(_JITTER_MS, _JITTER_SHARE * one)
