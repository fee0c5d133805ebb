"""Calls and conferences from JSON that may be anything."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voipbin_cli.transport.resources import CallState, ConferenceState, ResourceState

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=5),
    max_leaves=20,
)
FIELDS = [*CallState.__dataclass_fields__, "conferencecall_ids", "type", "name", "detail"]


def test_a_call_as_the_api_gives_it() -> None:
    call = CallState.from_json(
        {
            "id": "5f2a8c1e-0d3b-4c57-9e6f-2b7d1a4c8e90",
            "status": "hangup",
            "direction": "incoming",
            "source": {"type": "tel", "target": "+15551234", "name": "x"},
            "destination": {"type": "tel"},
            "mute_direction": "",
            "hangup_by": "remote",
            "hangup_reason": "normal",
            "tm_create": "2026-08-04 10:00:00.000000",
            "tm_progressing": None,
            "unknown": 1,
        }
    )
    assert call.source == "+15551234"
    assert call.destination == ""
    assert call.tm_progressing == ""
    assert (call.hangup_by, call.hangup_reason) == ("remote", "normal")
    assert call.is_over
    assert not call.is_progressing


@pytest.mark.parametrize(
    ("status", "is_over", "is_progressing"),
    [
        ("dialing", False, False),
        ("ringing", False, False),
        ("progressing", False, True),
        ("terminating", True, False),
        ("canceling", True, False),
        ("hangup", True, False),
        ("starting", False, False),
        ("terminated", True, False),
        ("", False, False),
        ("PROGRESSING", False, False),
    ],
)
def test_every_status(status: str, is_over: bool, is_progressing: bool) -> None:
    state: ResourceState
    for kind in (CallState, ConferenceState):
        state = kind.from_json({"status": status})
        assert (state.is_over, state.is_progressing) == (is_over, is_progressing)


def test_the_members_of_a_conference_are_its_calls() -> None:
    assert ConferenceState.from_json({"conferencecall_ids": ["a", "b"]}).members == 2
    assert ConferenceState.from_json({"conferencecall_ids": None}).members == 0


@given(JSON | st.dictionaries(st.sampled_from(FIELDS), JSON))
def test_nothing_in_json_raises_or_gets_through_unprintable(document: object) -> None:
    for kind in (CallState, ConferenceState):
        state = kind.from_json(document)
        for name in state.__dataclass_fields__:
            value = getattr(state, name)
            assert isinstance(value, int) or (value.isprintable() and len(value) <= 5000)
