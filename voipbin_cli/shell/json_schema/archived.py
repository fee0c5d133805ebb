"""What the commands of an archive print."""

from __future__ import annotations

from voipbin_cli.archive.report import SECTIONS
from voipbin_cli.archive.rows import Status
from voipbin_cli.events import SUMMARY
from voipbin_cli.shell.json_schema.rows import (
    ANY_OBJECT,
    COUNT,
    FLAG,
    NUMBER,
    TEXT,
    Event,
    Key,
    counts,
    each,
    keys_of,
    one_of,
    or_null,
)

_DATASET = Key("dataset", TEXT, "The directory of the tables: see voipbin-dataset(1).")
_TREND = keys_of(
    (
        *(
            Key(name, or_null(NUMBER))
            for name in ("recent_share", "before_share", "change", "uncertainty")
        ),
        Key("is_change", FLAG),
    )
)

EVENTS = (
    Event(
        "file",
        "A file was diagnosed, or passed over.",
        ("archive diagnose",),
        (
            Key("file", TEXT),
            Key("status", one_of(Status)),
            Key("streams", or_null(COUNT)),
            Key("verdict", or_null(TEXT), "Of the worst of its streams."),
            Key("why", or_null(TEXT), "What was wrong with the file."),
        ),
    ),
    Event(
        SUMMARY,
        "Of all files of this run.",
        ("archive diagnose",),
        (
            _DATASET,
            *(Key(name, COUNT) for name in ("files", "bytes", "streams")),
            Key("status", counts(), "Files by what became of them."),
            Key("verdicts", counts(), "Streams by their verdict."),
            Key("findings", counts(), "Streams by what was found."),
            Key("elapsed_seconds", NUMBER),
        ),
    ),
    Event(
        SUMMARY,
        "Of a dataset: its totals, the trend of bad streams (95 %), and the rows of each section.",
        ("archive report",),
        (
            _DATASET,
            Key("totals", ANY_OBJECT),
            Key("trend", _TREND, "The last seven days beside the four weeks before them."),
            *(Key(name, each(ANY_OBJECT)) for name in SECTIONS),
        ),
    ),
    Event(
        "row",
        "A row of the answer to a query.",
        ("archive query",),
        (Key("values", ANY_OBJECT, "By the names that the query gives them."),),
    ),
)
