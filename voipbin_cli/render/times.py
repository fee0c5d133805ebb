"""The API's timestamps, and how long ago that was."""

from __future__ import annotations

from datetime import UTC, datetime

from voipbin_cli.text import span_text


def parse_time(text: str) -> datetime | None:
    """Read one of the API's own timestamps; None where there is none, or none that is one."""
    try:
        moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


def ago_text(text: str, now: datetime) -> str:
    """Return how long before `now` the API's timestamp was; empty where there is none."""
    moment = parse_time(text)
    return span_text((now - moment).total_seconds()) if moment else ""
