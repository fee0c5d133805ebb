"""What the end of a connection means, as rows: what is known, and the end that it amounts to."""

from __future__ import annotations

import pytest

from voipbin_cli.errors import ConnectionFailed, Refused
from voipbin_cli.finding_ids import FindingId
from voipbin_cli.session.ending import Cause, Close, EndJudge
from voipbin_cli.transport.connection import ConnectionEnded
from voipbin_cli.transport.resources import CallState

ABRUPT = ConnectionEnded(1006, "", abrupt=True, local=False)
ORDERLY = ConnectionEnded(1000, "bye", abrupt=False, local=False)
FORBIDDEN = Refused("forbidden", finding=FindingId.FORBIDDEN)


def call(status: str) -> CallState:
    return CallState(id="f87e72db-5c7d-510e-8194-3aaa6f6fcaba", status=status)


def judge(*, heard: bool = True, reconnects: bool = True) -> EndJudge:
    ends = EndJudge(reconnects=reconnects)
    ends.is_heard = heard
    return ends


def finding(close: Close | None) -> object:
    assert close is not None
    return close.error.details["finding"] if close.error else None


@pytest.mark.parametrize("ended", [ABRUPT, ORDERLY])
def test_a_call_that_is_over_is_the_end_whatever_the_socket_said(ended: ConnectionEnded) -> None:
    close = judge().judge(ended, call("hangup"))
    assert close == Close(Cause.CALL_ENDED, ended.code, ended.reason)


def test_a_call_that_is_over_before_anything_came_never_was_up() -> None:
    close = judge(heard=False).judge(ABRUPT, call("hangup"))
    assert close is not None
    assert (close.cause, finding(close)) == (Cause.CALL_ENDED, FindingId.CALL_NOT_PROGRESSING)


@pytest.mark.parametrize(
    ("was_up", "lasted_s", "is_told"),
    [(True, 0.0, False), (False, 1.0, False), (False, 0.9, True), (False, None, True)],
)
def test_a_call_that_was_up_may_end_before_anything_came(
    was_up: bool, lasted_s: float | None, is_told: bool
) -> None:
    """Media that cannot be set up is closed at once; a stream that stayed open was one."""
    ends = judge(heard=False)
    ends.was_up = was_up
    close = ends.judge(ConnectionEnded(1006, "", True, lasted_s=lasted_s), call("hangup"))
    assert close is not None
    assert close.cause is Cause.CALL_ENDED
    assert (close.error is not None) is is_told


def test_a_call_that_rings_is_refused_but_one_that_was_heard_is_tried_again() -> None:
    close = judge(heard=False).judge(ABRUPT, call("ringing"))
    assert close is not None
    assert (close.cause, finding(close)) == (Cause.REFUSED, FindingId.CALL_NOT_PROGRESSING)
    assert judge(heard=True).judge(ABRUPT, call("ringing")) is None


def test_a_call_that_goes_on_is_worth_another_connection() -> None:
    assert judge(heard=False).judge(ABRUPT, call("progressing")) is None
    assert judge().judge(ORDERLY, call("progressing")) is None


def test_where_nobody_can_be_asked_a_normal_closure_is_the_peers_will() -> None:
    assert judge().judge(ORDERLY, None) == Close(Cause.PEER, 1000, "bye")
    assert judge().judge(ABRUPT, None) is None
    early = judge(heard=False).judge(ORDERLY, None)
    assert early is not None
    assert (early.cause, finding(early)) == (Cause.PEER, FindingId.CLOSED_EARLY)


@pytest.mark.parametrize("heard", [True, False])
def test_the_hint_follows_the_close_code(heard: bool) -> None:
    error = judge(heard=heard).not_won_back(ConnectionEnded(4401, "", abrupt=False)).error
    assert error is not None
    assert "new token" in error.hint


@pytest.mark.parametrize(
    ("code", "reason", "told"),
    [
        (4401, "", FindingId.AUTH),
        (1008, "token expired", FindingId.AUTH),
        (4403, "", FindingId.FORBIDDEN),
    ],
)
def test_a_credential_that_a_code_refuses_is_not_tried_again(
    code: int, reason: str, told: FindingId
) -> None:
    for state in (None, call("progressing")):
        close = judge().judge(ConnectionEnded(code, reason, abrupt=False), state)
        assert close is not None
        assert (close.cause, finding(close)) == (Cause.REFUSED, told)
        assert isinstance(close.error, Refused)
        early = judge(heard=False).judge(ConnectionEnded(code, reason, abrupt=False), state)
        assert finding(early) == FindingId.CLOSED_EARLY
    over = judge().judge(ConnectionEnded(code, reason, abrupt=False), call("hangup"))
    assert over is not None
    assert over.cause is Cause.CALL_ENDED
    for other in (1008, 1011, 4404):
        assert judge().judge(ConnectionEnded(other, "", abrupt=False), None) is None


def test_a_token_that_is_over_is_not_tried_again_after_a_breach_of_policy() -> None:
    ended = ConnectionEnded(1008, "", abrupt=False)
    ended.token_expires_at, ended.token_left_s = 1.8e9, -2.0
    close = judge().judge(ended, None)
    assert close is not None
    assert (close.cause, close.token_left_s) == (Cause.REFUSED, -2.0)
    assert close.error is not None
    assert "new token" in close.error.hint


def test_what_the_last_attempt_failed_of_is_kept() -> None:
    error = judge().not_won_back(ABRUPT, ConnectionFailed("nobody is there")).error
    assert error is not None
    assert error.details["last_attempt"] == "nobody is there"


@pytest.mark.parametrize(
    ("heard", "told"), [(True, FindingId.CONNECTION_LOST), (False, FindingId.CLOSED_EARLY)]
)
def test_a_lost_link_that_is_not_tried_again_is_the_networks(heard: bool, told: FindingId) -> None:
    close = judge(heard=heard, reconnects=False).judge(ABRUPT, call("progressing"))
    assert close is not None
    assert (close.cause, finding(close)) == (Cause.NETWORK, told)


def test_the_hint_of_a_lost_link_is_true_where_it_was_tried_again_and_where_not() -> None:
    again = judge(reconnects=True).not_won_back(ABRUPT).error
    never = judge(reconnects=False).not_won_back(ABRUPT).error
    assert again is not None
    assert never is not None
    assert "--give-up-after" in again.hint
    assert "--no-reconnect" in never.hint


def test_a_refusal_of_the_next_connection_is_the_end_itself() -> None:
    assert judge().not_won_back(ABRUPT, FORBIDDEN).error is FORBIDDEN
    assert judge().not_won_back(ABRUPT, FORBIDDEN).cause is Cause.REFUSED
    failed = judge().not_won_back(ABRUPT, ConnectionFailed("nobody is there"))
    assert failed.cause is Cause.NETWORK
    assert "nobody is there" in str(failed.error)


def test_only_a_time_that_is_over_in_an_outage_is_a_lost_link() -> None:
    assert judge().stopped(Cause.INTERRUPTED, outage_s=1.0) == Close(Cause.INTERRUPTED)
    assert judge().stopped(Cause.DURATION, outage_s=None) == Close(Cause.DURATION)
    close = judge().stopped(Cause.DURATION, outage_s=0.44)
    assert close.cause is Cause.NETWORK
    assert close.error is not None
    assert close.error.details["outage_s"] == 0.4
