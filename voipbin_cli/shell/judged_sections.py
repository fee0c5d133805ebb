"""What the man pages tell of results: ids from the rows of findings and rules, JSON from its rows.

The JSON Schema is made of the same rows (`json_schema/`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeAlias

from voipbin_cli.analysis.findings import ROWS, FindingRow
from voipbin_cli.analysis.severity import Severity
from voipbin_cli.analysis.validation.rules import RULES
from voipbin_cli.archive.columns import TABLES, Column
from voipbin_cli.archive.rows import STATUS_WORDS
from voipbin_cli.events import SUMMARY
from voipbin_cli.shell.common_sections import Entry
from voipbin_cli.shell.json_schema.document import ERROR_MEANING, EVENTS
from voipbin_cli.shell.json_schema.lookups import ERROR
from voipbin_cli.shell.json_schema.measured import CONVERSATION, METRICS
from voipbin_cli.shell.json_schema.rows import Event, Key

_DIAGNOSE, _VALIDATE = ("diagnose",), ("validate",)

FINDINGS = tuple(
    Entry(row.id.value, f"{row.title} ({row.severity.value}). By {row.rests_on}.", _DIAGNOSE)
    for row in ROWS
)
RULE_IDS = tuple(
    Entry(str(rule.id), f"{rule.sentence} ({rule.severity.value}) {rule.clause}.", _VALIDATE)
    for rule in RULES.values()
)

FIGURES = tuple(Entry(key.name, key.meaning, _DIAGNOSE) for key in METRICS)


def json_entries(command: str) -> tuple[Entry, ...]:
    """Return what `command` prints with --json: each event, then the keys of its summaries."""
    events = [event for event in EVENTS if event.is_of(command) and event.name != "error"]
    told = [Entry(event.name, _with_keys(event.meaning, event.keys)) for event in events]
    keys = [key for event in events if event.name == SUMMARY for key in event.keys if key.meaning]
    return (*told, *{key.name: Entry(key.name, key.meaning) for key in keys}.values())


def _with_keys(meaning: str, keys: Iterable[Key]) -> str:
    return f"{meaning} Its keys: {', '.join(key.name for key in keys)}."


Topic: TypeAlias = Mapping[str, tuple[Entry, ...]]
"""The sections of a page that is of no single command."""


def _finding_entry(row: FindingRow) -> Entry:
    meaning = f"{row.title}. It rests on {row.rests_on}. Remedy: {row.remedy}."
    explained = [other.id.value for other in ROWS if other.id in row.explains]
    if explained:
        meaning += f" Beside it these are not told: {', '.join(explained)}."
    return Entry(row.id.value, meaning)


_HEADINGS = {
    Severity.ERROR: "ERRORS",
    Severity.WARNING: "WARNINGS",
    Severity.INFO: "REMARKS",
}
_COMMON = (
    Entry("event", "What the line is: summary, error, or what happened."),
    Entry("schema", "1: what keys mean. Keys are added to it; none is renamed or taken away."),
    Entry("time", "When it was told, in UTC (RFC 3339); a summary has none."),
    Entry(
        SUMMARY,
        "The last line of every command, of lists too (count says how many rows there were). A "
        "capture has the summary of the run that wrote it.",
    ),
    Entry("error", _with_keys(ERROR_MEANING, ERROR)),
)


def _line(event: Event) -> Entry:
    by = f"Printed by {', '.join(event.commands)}."
    return Entry(event.name, f"{_with_keys(event.meaning, event.keys)} {by}")


def _column_entry(column: Column) -> Entry:
    return Entry(f"{column.name} ({column.type})", column.about[0].upper() + column.about[1:] + ".")


TOPICS: Mapping[str, tuple[str, str, Topic]] = {
    "voipbin-findings": (
        "what diagnose can find, and what to do about it",
        "Causes, not symptoms: what explains something else is told in its place. An error gives "
        "`voipbin stream diagnose` the exit status 6. How sure a finding is stands beside it.",
        {
            heading: tuple(_finding_entry(row) for row in ROWS if row.severity is severity)
            for severity, heading in _HEADINGS.items()
        },
    ),
    "voipbin-json": (
        "what --json prints, for scripts",
        "Every command takes --json, before its name or behind it, and prints JSON Lines: one "
        "object a line, each with event and schema. Words for people go to stderr. Keys that a "
        "reader does not know are to be passed over: more of them may come. The JSON Schema of all "
        "lines is what `voipbin schema` prints.",
        {
            "EVERY LINE": _COMMON,
            "EVENTS": tuple(map(_line, EVENTS[:-1])),
            "METRICS": FIGURES,
            "CONVERSATION": tuple(Entry(key.name, key.meaning) for key in CONVERSATION),
        },
    ),
    "voipbin-dataset": (
        "the tables that archive diagnose writes",
        "A dataset is a directory of Parquet files, a folder a table; streams and findings have "
        "one more column, day, by which they are stored. The figures of a stream are those that "
        "`voipbin stream diagnose --json` gives of the same file, null where it gives none: see "
        "METRICS in voipbin-json(1). archive.json says the version of the tables, and holds the "
        "key with which addresses are hashed: who has it can find out which hash is which "
        "address, so it is left behind where a dataset is handed on.",
        {
            **{
                name.upper(): tuple(map(_column_entry, columns)) for name, columns in TABLES.items()
            },
            "STATUS OF A FILE": tuple(
                Entry(status.value, f"{words}.") for status, words in STATUS_WORDS.items()
            ),
        },
    ),
}
