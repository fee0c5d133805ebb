"""Events as scripts read them."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone

import pytest

from voipbin_cli.events import json_line, time_text


def test_a_line_has_its_event_and_the_schema_first() -> None:
    line = json_line("dtmf", {"digit": "5", "at_s": 1.5})
    told = re.sub(r'"time": "[0-9-]{10}T[0-9:]{8}\.\d{3}Z"', '"time": NOW', line)
    assert told == '{"event": "dtmf", "schema": 1, "time": NOW, "digit": "5", "at_s": 1.5}'


def test_a_summary_has_no_time_of_its_own() -> None:
    # That of a run and that of its capture are the same.
    assert json_line("summary", {"count": 1}) == '{"event": "summary", "schema": 1, "count": 1}'


def test_a_time_is_told_in_utc() -> None:
    east = datetime(2026, 11, 29, 6, 0, tzinfo=timezone(timedelta(hours=1)))
    assert time_text(east) == "2026-11-29T05:00:00.000Z"


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_what_json_has_no_word_for_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        json_line("summary", {"level_dbfs": value})
