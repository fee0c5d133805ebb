"""What a TARGET gives a session to listen to, and how long its simulator runs."""

from __future__ import annotations

import pytest

from voipbin_cli.commands.opened_target import opened_target
from voipbin_cli.commands.options import ApiOptions, LiveOptions
from voipbin_cli.transport.api import ask_endpoint
from voipbin_cli.transport.targets import TargetKind, parse_target

CONFERENCE = "8627a367-94f9-510c-9b91-4bdb3f89f02c"
API = ApiOptions(api_url="http://127.0.0.1:1/v1.0")


def test_a_target_on_the_api_is_opened_with_its_credential(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("VOIPBIN_TOKEN", "a-token")
    named = parse_target(f"conference/{CONFERENCE}")
    with opened_target(named, LiveOptions(api=API, give_up_after=7.0)) as request:
        assert (request.target, request.label) == (named, f"conference/{CONFERENCE}")
        assert request.endpoint.api_url == API.api_url
        assert request.endpoint.credential is not None
        assert (request.connect_timeout_s, request.give_up_after_s) == (10.0, 7.0)


def test_a_simulated_target_runs_as_long_as_the_block(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VOIPBIN_TOKEN", raising=False)
    with opened_target(parse_target("sim"), LiveOptions()) as request:
        assert request.label == "sim:clean"
        assert request.target.kind is TargetKind.CALL
        call_id = request.target.value
        state = ask_endpoint(request.endpoint, lambda api: api.get_call(call_id), timeout_s=10)
    assert state.is_progressing
