"""How grave what was found is: of a broken rule and of a finding alike."""

from __future__ import annotations

from enum import StrEnum


class Severity(StrEnum):
    """error: it cannot be used as it is: the far end drops it, ends the stream, or plays noise.
    warning: it is heard, or works and breaks the specification. info: it does no harm."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"

    @property
    def rank(self) -> int:
        """0 for info to 2 for error."""
        return list(Severity).index(self)
