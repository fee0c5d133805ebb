"""Events: what a run tells while it lasts, and the JSON Lines that scripts read."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TypeAlias

SCHEMA = 1
"""The version of what the keys of an event mean."""

SUMMARY = "summary"
"""The last event of a command."""

Tell: TypeAlias = Callable[[str, dict[str, Any]], None]
"""What hears of events: `tell(event, fields)`."""


def json_line(event: str, fields: dict[str, Any]) -> str:
    """Return one event as a line, without its end, with the time of day at which it is told.

    A summary has none: that of a run and that of its capture are the same.

    Raises ValueError for a figure that JSON has no word for: NaN, or an infinity.
    """
    told = {} if event == SUMMARY else {"time": time_text(datetime.now(UTC))}
    return json.dumps({"event": event, "schema": SCHEMA, **told, **fields}, allow_nan=False)


def time_text(at: datetime) -> str:
    """Return a time as RFC 3339 has it, in UTC, to the millisecond: 2026-11-29T05:00:00.000Z."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
