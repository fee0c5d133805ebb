"""Events: what a run tells while it lasts, and the JSON Lines that scripts read."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, TypeAlias

SCHEMA = 1
"""The version of what the keys of an event mean."""

Tell: TypeAlias = Callable[[str, dict[str, Any]], None]
"""What hears of events: `tell(event, fields)`."""


def json_line(event: str, fields: dict[str, Any]) -> str:
    """Return one event as a line, without its end.

    Raises ValueError for a figure that JSON has no word for: NaN, or an infinity.
    """
    return json.dumps({"event": event, "schema": SCHEMA, **fields}, allow_nan=False)
