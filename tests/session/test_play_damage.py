"""A file that was not whole is told when all that there was has been sent."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from voipbin_cli.errors import ConnectionFailed, ExitStatus
from voipbin_cli.session.ending import Cause, Close
from voipbin_cli.session.play import SendAll


def problem(cause: Cause, *, is_all_sent: bool, damages: dict[str, str]) -> Any:
    goal = SendAll(SimpleNamespace(is_all_sent=is_all_sent, spoken_s=1.0), 2.0, damages)
    damages["a.wav"] = "a.wav is cut"  # found out while it is played
    return goal.problem(SimpleNamespace(), Close(cause, 1000))


def test_damage_is_wrong_input_and_not_the_calls_end() -> None:
    told = problem(Cause.FINISHED, is_all_sent=True, damages={})
    assert (told.message, told.status) == ("a.wav is cut", ExitStatus.USAGE)


@pytest.mark.parametrize("cause", [Cause.DURATION, Cause.INTERRUPTED])
def test_whoever_ends_it_here_did_not_ask_for_all_of_it(cause: Cause) -> None:
    assert problem(cause, is_all_sent=True, damages={}) is None


def test_a_call_that_ends_first_is_told_before_it() -> None:
    told = problem(Cause.CALL_ENDED, is_all_sent=False, damages={})
    assert isinstance(told, ConnectionFailed)
