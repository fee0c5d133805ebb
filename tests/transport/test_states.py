"""The table of states, walked whole."""

from __future__ import annotations

import itertools

import pytest

from voipbin_cli.transport.states import TRANSITIONS, Event, State, next_state


@pytest.mark.parametrize(("state", "event"), list(itertools.product(State, Event)))
def test_every_pair_is_either_in_the_table_or_refused(state: State, event: Event) -> None:
    if (state, event) in TRANSITIONS:
        assert next_state(state, event) is TRANSITIONS[state, event]
    else:
        with pytest.raises(ValueError, match=f"{event} cannot happen while {state}"):
            next_state(state, event)


def test_a_call_goes_through_all_states_in_the_documents_order() -> None:
    state, seen = State.CONNECTING, [State.CONNECTING]
    for event in (Event.UPGRADED, Event.MESSAGE, Event.MESSAGE, Event.CLOSE, Event.LOST):
        state = next_state(state, event)
        seen += [state] if state is not seen[-1] else []
    assert seen == list(State)


def test_no_state_is_left_backwards_and_lost_is_the_end_from_anywhere() -> None:
    order = list(State)
    for (before, _), after in TRANSITIONS.items():
        assert order.index(after) >= order.index(before)
    assert {next_state(state, Event.LOST) for state in State} == {State.CLOSED}
