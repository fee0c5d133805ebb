"""JSON Lines on stdout: one object a line, each with its `event` and the `schema` number."""

from __future__ import annotations

import json
import sys
from typing import Any

SCHEMA = 1


def emit(event: str, fields: dict[str, Any]) -> None:
    """Print one event at once, so that a reader at the other end of a pipe sees it now."""
    line = json.dumps({"event": event, "schema": SCHEMA, **fields}, allow_nan=False)
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
