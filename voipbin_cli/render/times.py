"""Durations and times in words, and the API's timestamps."""

from __future__ import annotations

from datetime import UTC, datetime

MINUTE_S = 60
HOUR_S = 60 * MINUTE_S
DAY_S = 24 * HOUR_S


def span_text(seconds: float) -> str:
    """Return how long that is, as durations are given to us: 40s, 12m, 3h5m, 2d."""
    whole = max(0, int(seconds))
    if whole < MINUTE_S:
        return f"{whole}s"
    if whole < HOUR_S:
        return f"{whole // MINUTE_S}m"
    if whole < 2 * DAY_S:
        hours, minutes = divmod(whole // MINUTE_S, 60)
        return f"{hours}h{minutes}m" if minutes else f"{hours}h"
    return f"{whole // DAY_S}d"


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


def utc_text(unix_s: float) -> str:
    """Return a Unix time as 2026-11-23 19:05 UTC; empty for what no calendar has."""
    try:
        return f"{datetime.fromtimestamp(unix_s, UTC):%Y-%m-%d %H:%M} UTC"
    except (ValueError, OverflowError, OSError):
        return ""
