"""The tables of a dataset: a row here is a column there, and where a diagnosis has its value.

Columns are added at the end and never renamed; what a column means changes with `VERSION` alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

VERSION = 1
"""Of the tables, as the dataset states it."""

Row = dict[str, Any]


class ColumnType(StrEnum):
    """Types of columns, by Arrow's names."""

    TEXT = "string"
    COUNT = "int64"
    NUMBER = "double"
    FLAG = "bool"
    TIME = "timestamp[us]"


@dataclass(frozen=True, slots=True)
class Column:
    """`path` leads to the value in the summary of a stream, or in a finding of it, where it is
    taken from there."""

    name: str
    type: ColumnType
    about: str
    path: tuple[str, ...] = ()


def _metric(name: str, type_: ColumnType, about: str, *path: str) -> Column:
    return Column(name, type_, about, ("metrics", *(path or (name,))))


_OF_FILE = (
    Column("file_id", ColumnType.TEXT, "the file's content: BLAKE2b-128 in hex"),
    Column(
        "file", ColumnType.TEXT, "its name, as it was found; of a member of an archive behind a !"
    ),
)
_OF_STREAM = (
    *_OF_FILE,
    Column("stream", ColumnType.COUNT, "which stream of the file, the worst is 0"),
)

STREAMS = (
    *_OF_STREAM,
    Column(
        "call_id", ColumnType.TEXT, "the call: its TARGET, or Call-ID of the SIP that describes it"
    ),
    Column("started", ColumnType.TIME, "when the first frame came, UTC; null of a recording"),
    Column("source", ColumnType.TEXT, "who sent it: address and port, hashed unless asked for"),
    Column("source_host", ColumnType.TEXT, "the address of it alone: a trunk, a phone, a bot"),
    Column("destination", ColumnType.TEXT, "who was to get it"),
    Column("destination_host", ColumnType.TEXT, "the address of it alone"),
    Column("direction", ColumnType.TEXT, "in or out, as seen from our side; null: nothing tells"),
    Column("encapsulation", ColumnType.TEXT, "rtp, sln or audiosocket", ("encapsulation",)),
    Column("dialect", ColumnType.TEXT, "which of the platform's dialects", ("dialect",)),
    Column("codec", ColumnType.TEXT, "what the payload is; null: unheard or unknown", ("codec",)),
    Column("verdict", ColumnType.TEXT, "ok, degraded or bad", ("verdict",)),
    Column("finding", ColumnType.TEXT, "the first finding's id; null where there is none"),
    Column("confidence", ColumnType.NUMBER, "its confidence, 0 to 1"),
    _metric("frames", ColumnType.COUNT, "frames of audio"),
    _metric("duration_seconds", ColumnType.NUMBER, "from the first frame to the end of the last"),
    _metric("frame_ms", ColumnType.NUMBER, "audio in a frame"),
    _metric("interval_mean_ms", ColumnType.NUMBER, "between frames", "frame_interval_ms", "mean"),
    _metric("interval_p99_ms", ColumnType.NUMBER, "of 99 in 100", "frame_interval_ms", "p99"),
    _metric("interval_max_ms", ColumnType.NUMBER, "the longest", "frame_interval_ms", "max"),
    _metric(
        "jitter_mean_ms",
        ColumnType.NUMBER,
        "RFC 3550 6.4.1, its mean",
        "interarrival_jitter_ms",
        "mean",
    ),
    _metric("jitter_max_ms", ColumnType.NUMBER, "its maximum", "interarrival_jitter_ms", "max"),
    _metric("expected", ColumnType.COUNT, "packets by sequence number", "sequence", "expected"),
    _metric("missing", ColumnType.COUNT, "of which did not come", "sequence", "missing"),
    _metric("duplicate", ColumnType.COUNT, "came twice", "sequence", "duplicate"),
    _metric("reordered", ColumnType.COUNT, "came late", "sequence", "reordered"),
    _metric("stalls", ColumnType.COUNT, "pauses that caught up", "stalls", "count"),
    _metric("stalls_ms", ColumnType.NUMBER, "all of them", "stalls", "total_ms"),
    _metric("longest_stall_ms", ColumnType.NUMBER, "the longest", "stalls", "longest_ms"),
    _metric("lost_audio_ms", ColumnType.NUMBER, "audio that never came"),
    _metric("upstream_loss_ms", ColumnType.NUMBER, "holes that were there before"),
    _metric("clock_drift_ppm", ColumnType.NUMBER, "the far clock against ours; null: not known"),
    _metric("level_dbfs", ColumnType.NUMBER, "RMS level", "level_dbfs", "rms"),
    _metric("peak_dbfs", ColumnType.NUMBER, "peak level", "level_dbfs", "peak"),
    _metric("silence_ratio", ColumnType.NUMBER, "silent frames, 0 to 1"),
    _metric("clipping_ratio", ColumnType.NUMBER, "clipped samples, 0 to 1"),
    _metric("dc_offset", ColumnType.NUMBER, "mean, -1 to 1"),
    _metric("noise_dbfs", ColumnType.NUMBER, "the level between words"),
    _metric("rtt_p50_ms", ColumnType.NUMBER, "round trips of pings", "rtt_ms", "p50"),
    _metric("loss_ratio", ColumnType.NUMBER, "frames a listener missed", "bursts", "loss_ratio"),
    _metric(
        "burst_ratio", ColumnType.NUMBER, "how much they clump (G.107 7.2)", "bursts", "burst_ratio"
    ),
    _metric("mos", ColumnType.NUMBER, "1 to 4.5; null: not judged", "mos", "value"),
    _metric("r_factor", ColumnType.NUMBER, "G.107's R", "mos", "r_factor"),
    Column(
        "response_p50_ms",
        ColumnType.NUMBER,
        "from the caller's last word to the answer",
        ("conversation", "response_ms", "p50"),
    ),
    Column(
        "response_p95_ms", ColumnType.NUMBER, "of 95 in 100", ("conversation", "response_ms", "p95")
    ),
)

FINDINGS = (
    *_OF_STREAM,
    Column("started", ColumnType.TIME, "when the stream began, UTC; null of a recording"),
    Column("finding", ColumnType.TEXT, "its id: man voipbin-findings", ("id",)),
    Column("direction", ColumnType.TEXT, "in or out; null where it has none", ("direction",)),
    Column("severity", ColumnType.TEXT, "info, warning or error", ("severity",)),
    Column("confidence", ColumnType.NUMBER, "0 to 1", ("confidence",)),
    Column("side", ColumnType.TEXT, "whose side it is on", ("side",)),
    Column("title", ColumnType.TEXT, "what happened", ("title",)),
    Column("evidence", ColumnType.TEXT, "what it rests on, as JSON"),
)

FILES = (
    *_OF_FILE,
    Column("bytes", ColumnType.COUNT, "its size"),
    Column("status", ColumnType.TEXT, "diagnosed, or why it has no rows"),
    Column("why", ColumnType.TEXT, "what is wrong with it, in words; null where nothing is"),
    Column("streams", ColumnType.COUNT, "how many it holds"),
    Column("verdict", ColumnType.TEXT, "of its worst stream"),
    Column("is_cut", ColumnType.FLAG, "it ends inside of a record"),
)

TABLES: Mapping[str, tuple[Column, ...]] = {
    "streams": STREAMS,
    "findings": FINDINGS,
    "files": FILES,
}
"""What a dataset holds, a folder each."""


def taken(columns: tuple[Column, ...], fields: Mapping[str, Any]) -> Row:
    """What columns take from a summary, or from a finding; None where it does not have it."""
    return {column.name: _at(fields, column.path) for column in columns if column.path}


def _at(fields: Any, path: tuple[str, ...]) -> Any:
    for name in path:
        if not isinstance(fields, Mapping):
            return None
        fields = fields.get(name)
    return fields
