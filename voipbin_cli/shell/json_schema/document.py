"""The JSON Schema of what `--json` prints (draft 2020-12)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from voipbin_cli.events import SCHEMA, SUMMARY
from voipbin_cli.shell.json_schema import archived, judged, live, lookups
from voipbin_cli.shell.json_schema.parts import SHARED
from voipbin_cli.shell.json_schema.rows import TIME, Event, Key, Shape, keys_of, one_of, shared

DIALECT = "https://json-schema.org/draft/2020-12/schema"
ERROR_MEANING = "The command failed: after the summary, or in its place."
_OWN = (*live.EVENTS, *judged.EVENTS, *archived.EVENTS, *lookups.EVENTS)
COMMANDS = tuple(dict.fromkeys(command for event in _OWN for command in event.commands))
"""Every command, as it is typed after voipbin."""
EVENTS = (*_OWN, Event("error", ERROR_MEANING, COMMANDS, lookups.ERROR))
"""Every line that there can be."""

_COMMENT = (
    "Made of the same rows as voipbin-json(1). A reader passes over keys that it does not know: "
    "they are added, but none is renamed or taken away while schema is 1."
)
_MANY = {name for name, rows in Counter(event.name for event in EVENTS).items() if rows > 1}


def name_of(event: Event) -> str:
    """Return the name in the document of what an event is: the event's, or the command's, too."""
    of = event.of or event.commands[0].replace(" ", "-")
    return f"event-{event.name}" + (f"-of-{of}" if event.name in _MANY else "")


def line_shape(event: Event) -> Shape:
    """Return the shape of the whole line: a summary has no time of day."""
    head = [Key("event", {"const": event.name}), Key("schema", {"const": SCHEMA})]
    if event.name != SUMMARY:
        head.append(Key("time", TIME, "When it was told, in UTC (RFC 3339)."))
    return {"description": event.meaning, **keys_of((*head, *event.keys))}


def document(events: Iterable[Event] = EVENTS) -> dict[str, Any]:
    """Return the schema of one line that is one of `events`."""
    rows = tuple(events)
    names = dict.fromkeys(event.name for event in rows)
    branches = [
        {
            "if": {"properties": {"event": {"const": name}}},
            "then": _one_of_rows([event for event in rows if event.name == name]),
        }
        for name in names
    ]
    definitions = SHARED | {name_of(event): line_shape(event) for event in rows}
    return {
        "$schema": DIALECT,
        "$id": f"urn:voipbin-cli:json-lines:{SCHEMA}",
        "title": "A line of voipbin --json",
        "$comment": _COMMENT,
        "type": "object",
        "properties": {"event": one_of(names)},
        "required": ["event", "schema"],
        "allOf": branches,
        "$defs": definitions,
    }


def _one_of_rows(rows: list[Event]) -> Shape:
    refs = [shared(name_of(event)) for event in rows]
    return refs[0] if len(refs) == 1 else {"anyOf": refs}
