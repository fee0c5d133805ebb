"""The run before, to compare with: what `diagnose --json` printed of it, or its capture."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, BinaryIO

from voipbin_cli.analysis.conversation.limits import DEFAULT_LIMITS, TalkLimits
from voipbin_cli.documents import json_object
from voipbin_cli.errors import UsageError
from voipbin_cli.events import SCHEMA, SUMMARY
from voipbin_cli.offline.diagnose import diagnose_file
from voipbin_cli.text import printable

# A summary is some 10 kB; one line of it may name many streams' worth of findings.
LINE_LIMIT_BYTES = 4 * 1024 * 1024
_HOW = "voipbin stream diagnose TARGET --json > before.json keeps one"


def earlier_summary(path: str, limits: TalkLimits = DEFAULT_LIMITS) -> Mapping[str, Any]:
    """Return the summary of an earlier diagnosis.

    `path` is a capture or a recording, which is judged now, or JSON Lines of `diagnose --json`.
    Raises UsageError for what is neither, NothingToJudge for a capture without a frame.
    """
    try:
        with open(path, "rb") as file:
            is_json = file.read(64).lstrip().startswith(b"{")
            file.seek(0)
            summary = _last_summary(file) if is_json else None
    except OSError as error:
        raise UsageError(f"cannot read {printable(path)}: {error.strerror}") from None
    if not is_json:
        return diagnose_file(path, limits=limits).summary
    if summary is None or not isinstance(summary.get("metrics"), dict):
        raise UsageError(f"{printable(path)} holds no summary of a diagnosis", hint=_HOW)
    if summary.get("schema") != SCHEMA:
        told = printable(str(summary.get("schema")), 20)
        raise UsageError(f"{printable(path)} is of schema {told}, not {SCHEMA}", hint=_HOW)
    return summary


def _last_summary(file: BinaryIO) -> dict[str, Any] | None:
    """The last line that is one; one that is laid out over many lines is a document of its own."""
    found = None
    while line := file.readline(LINE_LIMIT_BYTES):
        fields = json_object(line)
        found = fields if fields.get("event") == SUMMARY else found
    if found is None:
        file.seek(0)
        fields = json_object(file.read(LINE_LIMIT_BYTES))
        found = fields if fields.get("event") == SUMMARY else None
    return found
