"""What every session does around its stream, on a far end without sockets and virtual time."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.capture.support import open_capture, records_of
from tests.session.fakes import CLOSED, ENDED, Attempt, FarEnd, Say, Wait, far_end, frames
from tests.session.test_play import Told
from tests.support.peer import vector_messages
from tests.support.virtual_time import VirtualTimeLoop, run_virtually
from voipbin_cli.capture.captured import CapturedEvent, CapturedMessage
from voipbin_cli.codec.dialect import AudioFrame
from voipbin_cli.codec.encapsulation import Direction
from voipbin_cli.errors import ConnectionFailed, VoipbinError
from voipbin_cli.session.ending import Cause, Close
from voipbin_cli.session.hearer import Hearer
from voipbin_cli.session.session import Session, SessionRequest
from voipbin_cli.transport.connection import ConnectionEnded

NO_ANSWER = ConnectionEnded(1006, "", abrupt=True, local=True)


class Hearing(Hearer):
    """Keeps the frames, and how many there were when a connection was over."""

    def __init__(self) -> None:
        self.frames: list[AudioFrame] = []
        self.batches: list[int] = []
        self.breaks: list[int] = []
        self.finished = 0

    def hear_frames(self, frames: list[AudioFrame]) -> None:
        self.frames += frames
        self.batches.append(len(frames))

    def connection_over(self) -> None:
        self.breaks.append(len(self.frames))

    def finish(self) -> None:
        self.finished += 1


class Run:
    """A session that was run, and all that came of it."""

    def __init__(self, far: FarEnd, loop: VirtualTimeLoop, request: SessionRequest) -> None:
        self.far, self.loop = far, loop
        self.told = Told()
        self.heard = Hearing()
        self.session = Session(request, self.told, [self.heard], clock=loop.time_ns, rng=Random(1))
        self.stop = self.session.stop
        self.began_s = loop.time()
        self.took_s = 0.0
        self.close: Close | None = None

    async def run(self) -> None:
        try:
            self.close = await self.session.run()
        finally:
            self.took_s = self.loop.time() - self.began_s

    @property
    def ended(self) -> Close:
        assert self.close is not None
        return self.close

    @property
    def summary(self) -> dict[str, Any]:
        return self.session.summary(self.ended)

    @property
    def problem(self) -> VoipbinError | None:
        return self.session.problem(self.ended)


def run(
    attempts: Sequence[Attempt],
    states: Sequence[str | VoipbinError] = (),
    before: Callable[[Run], object] = lambda _: None,
    *,
    duration_s: float | None = None,
    capture: Path | None = None,
    **live: object,
) -> Run:
    async def main(loop: VirtualTimeLoop) -> Run:
        path = str(capture) if capture else None
        made = Run(far, loop, SessionRequest(far.request(**live), duration_s, path))
        before(made)
        await made.run()
        return made

    with far_end(attempts, states) as far:
        return run_virtually(main)


def event_names(told: Told) -> list[str]:
    return [name for name, _ in told]


def test_what_comes_is_decoded_counted_and_told() -> None:
    done = run([[*frames(10), CLOSED]])
    assert [len(frame.pcm) for frame in done.heard.frames] == [320] * 10
    assert event_names(done.told) == ["open", "dialect"]
    summary = done.summary
    assert (summary["target"], summary["encapsulation"]) == ("a call", "rtp")
    assert (summary["dialect"], summary["codec"], summary["payload_type"]) == (
        "documented",
        "mulaw",
        0,
    )
    assert (summary["frames_received"], summary["bytes_received"]) == (10, 1720)
    assert (summary["audio_seconds"], summary["reconnects"]) == (0.2, 0)
    assert (summary["frames_sent"], summary["codec_sent"]) == (0, None)
    assert summary["elapsed_seconds"] == pytest.approx(0.2)
    assert summary["close"] == {"code": 1000, "reason": "bye", "cause": "peer"}
    assert done.problem is None
    assert done.heard.finished == 1


def test_the_state_is_told_as_it_changes() -> None:
    states: list[str] = []

    def watch(made: Run) -> None:
        for at_s in (0.0, 0.015, 0.1, 0.3):
            made.loop.call_later(at_s, lambda: states.append(made.session.status().state))

    done = run([[*frames(10), ENDED], 0.5], ["progressing"], watch, give_up_after_s=1.0)
    # Nothing yet; upgraded, before the first frame at 20 ms; frames; the outage from 200 ms on.
    assert states == ["connecting", "open", "streaming", "reconnecting"]
    assert done.session.status().state == "closed"
    assert done.session.status().frames == 10


# When it ends


def test_a_duration_is_so_much_audio_to_the_frame() -> None:
    done = run([frames(100, at_once=10)], duration_s=0.5)
    assert done.ended.cause is Cause.DURATION
    # 25 frames, though they come in tens.
    assert len(done.heard.frames) == 25
    assert done.summary["audio_seconds"] == 0.5


def test_a_duration_is_handed_on_as_it_came_until_its_last_second() -> None:
    done = run([frames(500, at_once=10)], duration_s=5.0)
    assert len(done.heard.frames) == 250
    # Tens, while more than a second and what they may hold (0.215 s) is left; the audio that was
    # heard before and the time on the clock: the first 3.8 s. Then one by one.
    assert done.heard.batches == [10] * 19 + [1] * 60


def test_a_duration_is_counted_from_the_first_frame_and_ends_without_audio_too() -> None:
    """Half a second, and a tenth of grace for the frames that are on their way."""
    done = run([[Wait(0.3), *frames(10), Wait(60.0)]], duration_s=0.5)
    # The first frame comes 0.02 s after the wait: 0.32 + 0.5 + 0.1.
    assert done.took_s == pytest.approx(0.92)
    assert (done.ended.cause, len(done.heard.frames)) == (Cause.DURATION, 10)


def test_a_duration_in_which_nothing_comes_ends_with_a_problem() -> None:
    done = run([[Wait(60.0)]], duration_s=2.0)
    assert done.took_s == pytest.approx(2.1)
    assert done.ended.cause is Cause.DURATION
    assert isinstance(done.problem, ConnectionFailed)
    assert done.problem.details["finding"] == "no-audio"


def test_a_link_that_was_dead_when_the_time_was_up_is_a_lost_one() -> None:
    """Nothing for over 2.5 s, and no answer to the close frame."""
    script = [*frames(10), Wait(60.0)]

    def no_answer(made: Run) -> None:
        def mute() -> None:
            made.far.connections[0].ended_by_close = NO_ANSWER

        made.loop.call_later(0.1, mute)

    done = run([script], before=no_answer, duration_s=5.0)
    assert (done.ended.cause, done.ended.code) == (Cause.NETWORK, 1006)
    assert done.ended.error is not None
    assert done.ended.error.details["finding"] == "connection-lost"
    # The same, but for frames that came to the end: the answer waits behind them.
    done = run([[*frames(10), *frames(300)]], before=no_answer, duration_s=5.0)
    assert done.ended.cause is Cause.DURATION


@pytest.mark.parametrize(("duration_s", "is_unfinished"), [(None, False), (5.0, True)])
def test_an_interruption_cuts_a_duration_short_and_nothing_else(
    duration_s: float | None, is_unfinished: bool
) -> None:
    def interrupt(made: Run) -> None:
        made.loop.call_later(1.01, made.stop, Cause.INTERRUPTED)

    done = run([frames(500)], before=interrupt, duration_s=duration_s)
    assert (done.ended.cause, done.session.is_unfinished) == (Cause.INTERRUPTED, is_unfinished)
    assert len(done.heard.frames) == 50
    assert done.problem is None


def test_a_stop_before_there_was_a_connection_is_a_problem() -> None:
    done = run([30.0], before=lambda r: r.loop.call_later(1.0, r.stop, Cause.INTERRUPTED))
    assert isinstance(done.problem, ConnectionFailed)
    assert "before there was a connection" in done.problem.message
    assert done.heard.finished == 1


def test_outputs_are_finished_when_there_is_no_connection_at_all() -> None:
    made: list[Run] = []
    with pytest.raises(ConnectionFailed, match="nobody is there"):
        run([], before=made.append)
    assert made[0].heard.finished == 1


# Across connections


def test_an_outage_is_told_and_what_follows_comes_from_another_connection() -> None:
    again = ConnectionFailed("busy", http_status=503)
    attempts = [[*frames(10), ENDED], again, [*frames(5, first=700), CLOSED]]
    done = run(attempts, ["progressing", "hangup"])
    assert event_names(done.told) == [
        *("open", "dialect"),
        *("lost", "reconnecting", "reconnecting"),
        "open",
    ]
    assert done.told.of("open") == [{"connection": 1}, {"connection": 2}]
    assert done.told.of("lost") == [{"code": 1006, "reason": ""}]
    assert [fields["error"] for fields in done.told.of("reconnecting")] == ["", "busy"]
    assert (len(done.heard.frames), done.heard.breaks) == (15, [10])
    assert done.summary["reconnects"] == 1


def test_the_capture_has_every_message_and_what_happened(tmp_path: Path) -> None:
    path = tmp_path / "call.pcapng"
    attempts = [[*frames(30), ENDED], [*frames(5, first=700), CLOSED]]
    done = run(attempts, ["progressing", "hangup"], capture=path, keepalive=True)
    with open_capture(path) as opened:
        records = records_of(opened)
    messages = [record for record in records if isinstance(record, CapturedMessage)]
    received = [m.data for m in messages if m.direction is Direction.IN]
    assert received == [data for say in frames(30) + frames(5, first=700) for data in say.data]
    sent = [m.data for m in messages if m.direction is Direction.OUT]
    assert sent == [data for connection in done.far.connections for data in connection.sent]
    assert sent
    events = [record for record in records if isinstance(record, CapturedEvent)]
    names = ["open", "dialect", "api", "close", "open", "api", "close", "end"]
    assert [event.name for event in events] == names
    assert events[-1].fields == {"cause": "call-ended"}


# Keeping it awake


def test_silence_is_sent_in_the_form_that_the_far_end_takes() -> None:
    """A documented far end takes mu-law under payload type 0, 20 ms of it."""
    done = run([[*frames(500), CLOSED]], keepalive=True)
    (connection,) = done.far.connections
    assert {data[12:] for data in connection.sent[1:]} == {b"\xff" * 160}
    assert {struct.unpack("!BB", data[:2]) for data in connection.sent[1:]} == {(0x80, 0)}
    assert done.summary["frames_sent"] == len(connection.sent) >= 10
    assert done.summary["codec_sent"] == "mulaw"


def test_what_is_sent_on_one_connection_is_one_source_though_more_becomes_known(
    tmp_path: Path,
) -> None:
    """Before the first frame linear audio under 96 is a guess, then it is what was found."""
    path = tmp_path / "call.pcapng"
    deployed = [Say((data,)) for _, data in vector_messages("rtp-deployed")]
    attempts = [[Wait(1.01), *deployed, Wait(2.0), ENDED], [*deployed, Wait(2.0), CLOSED]]
    done = run(attempts, ["progressing", "hangup"], capture=path, keepalive=True)
    with open_capture(path) as opened:
        records = [r for r in records_of(opened) if isinstance(r, CapturedMessage)]
    sent = [r.data for r in records if r.direction is Direction.OUT]
    counts = [len(connection.sent) for connection in done.far.connections]
    assert sum(counts) == len(sent)
    assert {struct.unpack("!BB", data[:2]) for data in sent} == {(0x80, 96)}
    assert {data[12:] for data in sent} == {bytes(320)}
    ssrcs = [data[8:12] for data in sent]
    first, second = set(ssrcs[: counts[0]]), set(ssrcs[counts[0] :])
    assert (len(first), len(second)) == (1, 1)
    assert first != second
    # Six times before the first frame, and then once a second.
    assert counts[0] >= 8
    numbers = [int.from_bytes(data[2:4]) for data in sent[: counts[0]]]
    assert numbers == [(numbers[0] + n) & 0xFFFF for n in range(counts[0])]


def test_a_message_that_is_no_frame_is_counted_and_left_out() -> None:
    done = run([[*frames(5), Say((b"\x00",)), *frames(5, first=5), CLOSED]])
    assert done.summary["malformed_messages"] == 1
    assert (done.summary["frames_received"], len(done.heard.frames)) == (10, 10)
