"""What a TARGET, a file, or nothing at all means to a command."""

from __future__ import annotations

from pathlib import Path

import pytest

from voipbin_cli.commands import in_progress
from voipbin_cli.commands.options import ApiOptions
from voipbin_cli.commands.target import chosen_source, chosen_target
from voipbin_cli.errors import Refused, UsageError
from voipbin_cli.transport.resources import CallState, ConferenceState
from voipbin_cli.transport.targets import Target, TargetKind, parse_target

CALL = "5f2a8c1e-0d3b-4c57-9e6f-2b7d1a4c8e90"
CONFERENCE = "8627a367-94f9-510c-9b91-4bdb3f89f02c"
API = ApiOptions(api_url="http://127.0.0.1:1/v1.0")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Someone at a terminal, who takes the last of what is in progress; that is the fixture."""
    found: list[object] = []
    monkeypatch.setattr(in_progress, "is_interactive", lambda: True)
    monkeypatch.setattr(in_progress, "ask", lambda _api, _question: found)
    monkeypatch.setattr(in_progress, "pick", lambda _question, rows: len(rows) - 1)
    return found


def test_what_is_named_is_not_asked_for() -> None:
    assert chosen_target(CALL, API) == Target(TargetKind.CALL, CALL)
    assert chosen_source("sim:jitter", API) == parse_target("sim:jitter")


def test_what_is_left_out_is_offered(asked: list[object]) -> None:
    asked += [CallState(id=CALL), ConferenceState(id=CONFERENCE)]
    assert chosen_target("", API) == Target(TargetKind.CONFERENCE, CONFERENCE)
    del asked[1]
    assert chosen_source("", API) == Target(TargetKind.CALL, CALL)


def test_where_nothing_is_in_progress_there_is_nothing_to_offer(asked: list[object]) -> None:
    assert not asked
    with pytest.raises(Refused, match="is in progress"):
        chosen_target("", API)


def test_nobody_to_ask_is_wrong_usage(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(in_progress, "is_interactive", lambda: False)
    for choose in (chosen_target, chosen_source):
        with pytest.raises(UsageError, match="TARGET is missing"):
            choose("", API)


def test_a_path_that_exists_is_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match="neither a file nor a TARGET"):
        chosen_source("call.pcapng", API)
    for name in ("call.pcapng", "sim", CALL):
        Path(name).touch()
        assert chosen_source(name, API) == name


def test_a_dash_is_standard_input_where_that_can_be_read() -> None:
    assert chosen_source("-", API, stdin=True) == "-"
    with pytest.raises(UsageError, match="neither a file nor a TARGET"):
        chosen_source("-", API)
