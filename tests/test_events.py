"""Events as scripts read them."""

from __future__ import annotations

import pytest

from voipbin_cli.events import json_line


def test_a_line_has_its_event_and_the_schema_first() -> None:
    line = json_line("dtmf", {"digit": "5", "at_s": 1.5})
    assert line == '{"event": "dtmf", "schema": 1, "digit": "5", "at_s": 1.5}'


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_what_json_has_no_word_for_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        json_line("summary", {"level_dbfs": value})
