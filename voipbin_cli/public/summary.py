"""What a run came to: the fields of its JSON summary, as an object."""

from __future__ import annotations

import json
from collections.abc import Mapping
from copy import copy
from types import MappingProxyType
from typing import Any, Self

from voipbin_cli.events import SUMMARY, json_line


class Summary:
    """The fields of a summary, as `--json` of the command tells them: `summary["frames_sent"]`.

    Which there are is a promise: `man voipbin-json`.
    """

    def __init__(self, fields: Mapping[str, Any]) -> None:
        self.fields: Mapping[str, Any] = MappingProxyType(dict(fields))

    def __getitem__(self, name: str) -> Any:
        """Return one field. Raises KeyError where the summary has none of that name."""
        return self.fields[name]

    def with_fields(self, fields: Mapping[str, Any]) -> Self:
        """Return the same with other fields."""
        other = copy(self)
        other.fields = MappingProxyType(dict(fields))
        return other

    def to_json(self) -> str:
        """Return the line that the command writes with `--json`."""
        return json_line(SUMMARY, dict(self.fields))

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as JSON would bring them back: plain lists, numbers and texts."""
        fields: dict[str, Any] = json.loads(json.dumps(dict(self.fields)))
        return fields
