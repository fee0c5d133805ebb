"""One stream over several connections, on a far end without sockets and in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from random import Random

import pytest

from tests.session.fakes import (
    CLOSED,
    ENDED,
    RESTARTED,
    Attempt,
    FakeConnection,
    FarEnd,
    Wait,
    far_end,
    frames,
)
from tests.support.virtual_time import VirtualTimeLoop, run_virtually
from voipbin_cli.errors import ConnectionFailed, Refused, VoipbinError
from voipbin_cli.session.ending import Cause, Close
from voipbin_cli.session.live import STAY_AWAKE_S, WAKE_S, LiveRequest, LiveStream
from voipbin_cli.transport.connection import ConnectionEnded, Message

UNREACHABLE = ConnectionFailed("nobody is there", finding="cannot-connect")
BUSY = ConnectionFailed("busy", finding="cannot-connect", http_status=503, retry_after=7.0)
FORBIDDEN = Refused("forbidden", finding="forbidden", http_status=403)
TLS = ConnectionFailed("no certificate", finding="tls")
SILENCE = b"silence"


class Sink:
    """Keeps what it is told, in order."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.messages: list[Message] = []
        self.delays_s: list[float] = []
        self.errors: list[VoipbinError | None] = []
        self.sent_messages: list[bytes] = []
        self.api: list[dict[str, object]] = []
        self.waits = 0
        self.full = False

    def opened(self, at_ns: int, connection: object) -> None:
        self.told.append("opened")

    def received(self, messages: Sequence[Message]) -> None:
        self.messages.extend(messages)
        if self.told[-1] != "received":
            self.told.append("received")

    def api_told(self, fields: dict[str, object]) -> None:
        self.api.append(fields)

    def lost(self, at_ns: int, ended: ConnectionEnded) -> None:
        self.told.append(f"lost {ended.code}")

    def retrying(self, delay_s: float, error: VoipbinError | None) -> None:
        self.told.append("retrying")
        self.delays_s.append(delay_s)
        self.errors.append(error)

    def ticked(self, at_ns: int, late_ns: int) -> None:
        pass

    def silent_message(self) -> bytes | None:
        return SILENCE

    def sent(self, at_ns: int, message: bytes) -> None:
        self.sent_messages.append(message)

    async def room(self) -> None:
        self.waits += 1
        await asyncio.sleep(1.0)
        self.full = False


class Run:
    """A stream that was run, and all that came of it."""

    def __init__(self, far: FarEnd, loop: VirtualTimeLoop, request: LiveRequest) -> None:
        self.far = far
        self.loop = loop
        self.sink = Sink()
        self.stream = LiveStream(request, self.sink, clock=loop.time_ns, rng=Random(1))
        self.began_s = loop.time()
        self.took_s = 0.0
        self.close: Close | None = None

    async def run(self) -> None:
        try:
            self.close = await self.stream.run()
        finally:
            self.took_s = self.loop.time() - self.began_s

    def stop_after(self, seconds: float, cause: Cause) -> None:
        self.loop.call_later(seconds, self.stream.stop, cause)

    @property
    def ended(self) -> Close:
        assert self.close is not None
        return self.close


def run(
    attempts: Sequence[Attempt],
    states: Sequence[str | VoipbinError] = (),
    before: Callable[[Run], object] = lambda _: None,
    **options: object,
) -> Run:
    async def main(loop: VirtualTimeLoop) -> Run:
        made = Run(far, loop, far.request(**options))
        before(made)
        await made.run()
        return made

    with far_end(attempts, states) as far:
        return run_virtually(main)


# How it ends


def test_a_call_that_is_over_ended_the_stream_whatever_the_socket_said() -> None:
    done = run([[*frames(3), ENDED]], ["hangup"])
    assert done.ended == Close(Cause.CALL_ENDED, 1006)
    assert done.sink.told == ["opened", "received"]
    assert len(done.sink.messages) == 3


def test_a_close_in_order_is_the_peer_s_where_the_api_cannot_be_asked() -> None:
    assert run([[*frames(3), CLOSED]]).ended == Close(Cause.PEER, 1000, "bye")


def test_a_close_in_order_while_the_call_goes_on_is_connected_again() -> None:
    done = run([[*frames(3), CLOSED], [*frames(3), ENDED]], ["progressing", "hangup"])
    assert done.sink.told == ["opened", "received", "lost 1000", "retrying", "opened", "received"]
    assert done.ended.cause is Cause.CALL_ENDED
    assert done.stream.connections == 2


def test_an_api_that_cannot_answer_says_nothing_about_the_call() -> None:
    done = run([[*frames(3), CLOSED]], [ConnectionFailed("down")])
    assert (done.ended.cause, done.far.asked) == (Cause.PEER, 1)


def test_a_link_that_breaks_is_an_error_where_it_is_not_to_be_won_back() -> None:
    done = run([[*frames(3), ENDED]], ["progressing"], reconnect=False)
    assert (done.ended.cause, done.ended.code) == (Cause.NETWORK, 1006)
    assert isinstance(done.ended.error, ConnectionFailed)
    assert done.ended.error.details["finding"] == "connection-lost"
    assert done.sink.told == ["opened", "received"]


@pytest.mark.parametrize(
    ("status", "cause"), [("ringing", Cause.REFUSED), ("hangup", Cause.CALL_ENDED)]
)
def test_a_call_that_is_not_up_and_brought_nothing_is_told(status: str, cause: Cause) -> None:
    done = run([[ENDED]], [status])
    assert done.ended.cause is cause
    assert isinstance(done.ended.error, Refused)
    assert done.ended.error.details["finding"] == "call-not-progressing"
    assert status in done.ended.error.message


def test_a_stream_that_is_closed_before_any_audio_is_told_as_that() -> None:
    done = run([[ENDED]], ["progressing"], reconnect=False)
    assert isinstance(done.ended.error, ConnectionFailed)
    assert done.ended.error.details["finding"] == "closed-early"


def test_a_first_connection_that_cannot_be_had_is_raised() -> None:
    with pytest.raises(ConnectionFailed, match="nobody is there"):
        run([UNREACHABLE, frames(3)])


# Winning it back


def test_attempts_go_on_with_growing_delays_until_one_succeeds() -> None:
    attempts = [[*frames(3), ENDED], UNREACHABLE, UNREACHABLE, [*frames(3), ENDED]]
    done = run(attempts, ["progressing", "hangup"])
    assert done.sink.told.count("retrying") == 3
    assert [error and error.message for error in done.sink.errors] == [
        None,
        "nobody is there",
        "nobody is there",
    ]
    # Full jitter: attempt n waits 0.2 s to 0.2 s · 2ⁿ.
    for n, delay_s in enumerate(done.sink.delays_s, start=1):
        assert 0.2 <= delay_s <= 0.2 * 2**n
    waited_s = [b - a for a, b in zip(done.far.attempted_s, done.far.attempted_s[1:], strict=False)]
    # The first wait is counted from the loss, three frames of 20 ms after the first attempt.
    assert waited_s == pytest.approx([done.sink.delays_s[0] + 0.06, *done.sink.delays_s[1:]])
    assert done.ended.cause is Cause.CALL_ENDED


def test_a_server_s_own_wait_is_not_undercut() -> None:
    done = run([[*frames(3), RESTARTED], BUSY, [*frames(3), ENDED]], ["progressing", "hangup"])
    assert done.sink.delays_s[1] == 7.0


def test_it_gives_up_when_the_outage_has_lasted_too_long() -> None:
    done = run([[*frames(3), ENDED]], ["progressing"], give_up_after_s=20.0)
    assert done.ended.cause is Cause.NETWORK
    assert done.ended.error is not None
    assert done.ended.error.details["finding"] == "connection-lost"
    assert "nobody is there" in done.ended.error.message
    # No wait reaches past the end, and none is longer than 10 s.
    assert 10.0 <= done.took_s <= 20.1


def test_a_connection_that_brings_nothing_does_not_end_the_outage() -> None:
    """Upgraded and closed at once, again and again: the patience runs on from the first loss."""
    attempts = [[*frames(3), ENDED], *[[ENDED]] * 200]
    done = run(attempts, ["progressing"], give_up_after_s=20.0)
    assert done.ended.cause is Cause.NETWORK
    assert done.took_s <= 20.1
    # Longer and longer waits, not one after the other: the sum of the first six is 12 s at most.
    assert 4 <= done.stream.connections <= 40


def test_a_connection_that_held_for_a_minute_begins_the_next_outage_anew() -> None:
    attempts = [*[[*frames(3), Wait(61.0), ENDED], UNREACHABLE] * 6, [*frames(3), ENDED]]
    done = run(attempts, [*["progressing"] * 6, "hangup"], give_up_after_s=2.0)
    assert done.ended.cause is Cause.CALL_ENDED
    assert done.stream.connections == 7
    # Attempt 1 and 2 of each outage: no delay is that of a third.
    assert max(done.sink.delays_s[0::2]) <= 0.4
    assert max(done.sink.delays_s[1::2]) <= 0.8


def test_a_server_that_sends_a_frame_and_drops_it_is_given_up() -> None:
    done = run([[*frames(1), ENDED]] * 2000, ["progressing"], give_up_after_s=60.0)
    assert done.ended.cause is Cause.NETWORK
    assert done.ended.error is not None
    assert done.took_s <= 61.0
    # Ten of growing delays, up to 10 s; after that some 5 s each.
    assert done.stream.connections <= 40


def test_time_in_which_it_is_heard_counts_for_no_outage() -> None:
    attempts = [*[[*frames(3), Wait(30.0), ENDED]] * 3, [*frames(3), ENDED]]
    done = run(attempts, [*["progressing"] * 3, "hangup"], give_up_after_s=5.0)
    assert done.ended.cause is Cause.CALL_ENDED


@pytest.mark.parametrize(("failure", "cause"), [(FORBIDDEN, Cause.REFUSED), (TLS, Cause.NETWORK)])
def test_what_another_attempt_cannot_mend_ends_it(failure: VoipbinError, cause: Cause) -> None:
    done = run([[*frames(3), ENDED], failure, frames(3)], ["progressing"])
    assert done.ended.cause is cause
    assert done.ended.error is not None
    assert failure.message in done.ended.error.message
    assert len(done.far.attempted_s) == 2


def test_a_refusal_after_the_call_is_over_is_the_call_s_end() -> None:
    done = run([[*frames(3), ENDED], FORBIDDEN], ["progressing", "hangup"])
    assert done.ended == Close(Cause.CALL_ENDED, 1006)


# Stopping


def test_a_stop_while_connecting_ends_it_without_a_connection() -> None:
    done = run([30.0], before=lambda r: r.stop_after(2.0, Cause.INTERRUPTED))
    assert done.ended == Close(Cause.INTERRUPTED)
    assert done.took_s == pytest.approx(2.0)
    assert done.sink.told == []


def test_a_stop_during_an_outage_ends_it() -> None:
    attempts = [[*frames(3), ENDED], 30.0]
    done = run(attempts, ["progressing"], before=lambda r: r.stop_after(5.0, Cause.INTERRUPTED))
    assert done.ended == Close(Cause.INTERRUPTED)
    assert done.took_s == pytest.approx(5.0)


def test_a_duration_that_is_over_during_an_outage_is_a_lost_connection() -> None:
    attempts = [[*frames(3), ENDED], 30.0]
    done = run(attempts, ["progressing"], before=lambda r: r.stop_after(5.0, Cause.DURATION))
    assert (done.ended.cause, done.ended.code) == (Cause.NETWORK, 1006)
    assert done.ended.error is not None
    assert done.ended.error.details["finding"] == "connection-lost"


@pytest.mark.parametrize("cause", [Cause.DURATION, Cause.INTERRUPTED])
def test_a_stop_while_it_streams_closes_the_connection_and_asks_nobody(cause: Cause) -> None:
    done = run([frames(500)], ["progressing"], before=lambda r: r.stop_after(1.01, cause))
    assert done.ended == Close(cause, 1000)
    assert done.took_s == pytest.approx(1.01)
    assert len(done.sink.messages) == 50
    assert done.far.connections[0].is_closed
    assert done.far.asked == 0
    assert done.stream.stopped_by is cause


def test_the_first_cause_to_stop_counts() -> None:
    def twice(made: Run) -> None:
        def stop() -> None:
            made.stream.stop(Cause.DURATION)
            made.stream.stop(Cause.INTERRUPTED)

        made.loop.call_later(1.0, stop)

    assert run([frames(500)], before=twice).ended.cause is Cause.DURATION


def test_a_stop_before_it_runs_ends_it_before_it_connects() -> None:
    done = run([frames(500)], before=lambda r: r.stream.stop(Cause.INTERRUPTED))
    assert done.ended == Close(Cause.INTERRUPTED)
    assert (done.took_s, done.far.attempted_s) == (0.0, [])


def test_nobody_stopped_a_stream_that_ended_by_itself() -> None:
    assert run([[*frames(3), CLOSED]]).stream.stopped_by is None


# Keeping it awake, and holding it back


def test_silence_wakes_the_far_end_often_until_the_first_frame_then_seldom() -> None:
    done = run([[Wait(1.01), *frames(100), CLOSED]], keepalive=True)
    connection: FakeConnection = done.far.connections[0]
    assert set(connection.sent) == {SILENCE}
    assert done.sink.sent_messages == connection.sent
    steps_s = [b - a for a, b in zip(connection.sent_s, connection.sent_s[1:], strict=False)]
    # At 0.2, 0.4 … 1.0 s (the connection came just after the first look), then once a second.
    early = [step_s for step_s in steps_s if step_s == pytest.approx(WAKE_S)]
    late = [step_s for step_s in steps_s if step_s == pytest.approx(STAY_AWAKE_S)]
    assert (len(early), len(late)) == (5, 1)
    assert len(steps_s) == 6


def test_nothing_is_sent_where_that_is_not_wanted() -> None:
    done = run([[Wait(1.0), *frames(3), CLOSED]], keepalive=False)
    assert done.far.connections[0].sent == []


def test_a_full_sink_is_waited_for() -> None:
    def fill(made: Run) -> None:
        made.sink.full = True

    done = run([[*frames(3), CLOSED]], before=fill)
    assert done.sink.waits == 1
    # The first messages are handed over, then comes the wait of a second: 20 ms, 1 s, two frames.
    assert done.took_s == pytest.approx(1.06)
    assert len(done.sink.messages) == 3
