"""What a session promises its hearers: what they hear, in which order, and their end."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any
from unittest import mock

import pytest

from tests.capture.support import open_capture, records_of
from tests.session.fakes import (
    CLOSED,
    ENDED,
    Attempt,
    FakeConnection,
    Say,
    Wait,
    far_end,
    frames,
    packet,
)
from tests.session.test_play import Told
from tests.support.virtual_time import VirtualTimeLoop, run_virtually
from voipbin_cli.capture.captured import CapturedEvent
from voipbin_cli.codec.dialect import AudioFrame
from voipbin_cli.errors import ConnectionFailed, MachineError, Refused, VoipbinError
from voipbin_cli.media.kept_file import KeptFile
from voipbin_cli.session.diagnose import LiveDiagnosis, diagnose_session
from voipbin_cli.session.ending import Cause, Close
from voipbin_cli.session.hearer import Hearer
from voipbin_cli.session.live import LiveRequest
from voipbin_cli.session.record import record_session
from voipbin_cli.session.recording_file import AudioFile, cut_short, name_of_now
from voipbin_cli.session.sending import Sending, SpeakRequest
from voipbin_cli.session.session import Session, SessionRequest
from voipbin_cli.transport.connection import Message

FORBIDDEN = Refused("forbidden", finding="forbidden", http_status=403)


class Noting(Hearer):
    """Writes down what happens to it, in a list that several may share."""

    def __init__(self, notes: list[str], name: str = "", fails: str = "") -> None:
        self._notes, self._name, self._fails = notes, name, fails
        self.sent: list[bytes] = []
        self.messages: list[int] = []
        self.is_behind = False

    def _note(self, what: str) -> None:
        self._notes.append(self._name + what)
        if what == self._fails:
            raise MachineError(f"{what} failed")

    @contextlib.asynccontextmanager
    async def beside(self) -> AsyncIterator[None]:
        self._note("enter")
        yield
        self._note("leave")

    @property
    def full(self) -> bool:
        return self.is_behind

    def hear_messages(self, messages: Sequence[Message]) -> None:
        self._note("messages")
        self.messages.append(len(messages))

    def hear_frames(self, frames: list[AudioFrame]) -> None:
        self._note("frames")

    def hear_sent(self, at_ns: int, message: bytes) -> None:
        self.sent.append(message)

    def failed(self, at_ns: int, error: VoipbinError) -> None:
        self._note("failed")

    def ended(self, at_ns: int, close: Close) -> None:
        self._note("ended")

    def finish(self) -> None:
        self._note("finish")

    def summary(self) -> dict[str, Any]:
        return {f"{self._name}messages": sum(self.messages)}


def run(
    attempts: Sequence[Attempt],
    make: Callable[[SessionRequest, VirtualTimeLoop], Session],
    states: Sequence[str] = (),
    capture: Path | None = None,
    **live: object,
) -> tuple[Session, Close]:
    async def main(loop: VirtualTimeLoop) -> tuple[Session, Close]:
        path = str(capture) if capture else None
        session = make(SessionRequest(far.request(**live), capture=path), loop)
        return session, await session.run()

    with far_end(attempts, states) as far:
        return run_virtually(main)


def hearing(*hearers: Hearer) -> Callable[[SessionRequest, VirtualTimeLoop], Session]:
    return lambda request, loop: Session(
        request, Told(), hearers, clock=loop.time_ns, rng=Random(1)
    )


def test_hearers_hear_in_their_order_and_finish_in_the_other() -> None:
    notes: list[str] = []
    session, close = run([[*frames(2), CLOSED]], hearing(Noting(notes, "a "), Noting(notes, "b ")))
    frame = ["a messages", "b messages", "a frames", "b frames"]
    begun, over = ["a enter", "b enter"], ["a ended", "b ended"]
    assert notes == [*begun, *frame, *frame, *over, "b finish", "a finish", "b leave", "a leave"]
    summary = session.summary(close)
    assert (summary["a messages"], summary["b messages"]) == (2, 2)


def test_what_comes_together_is_heard_together() -> None:
    notes: list[str] = []
    hearer = Noting(notes)
    run([[*frames(20, at_once=10), CLOSED]], hearing(hearer))
    assert hearer.messages == [10, 10]
    assert notes.count("frames") == 2


def test_what_is_no_frame_is_heard_as_a_message() -> None:
    hearer = Noting([])
    run([[Say((packet(0), b"\x00", packet(1))), CLOSED]], hearing(hearer))
    assert hearer.messages == [3]


def test_what_is_sent_is_heard_as_it_went_out() -> None:
    hearer = Noting([])
    with far_end([[Wait(1.01), *frames(5), CLOSED]]) as far:

        async def main(loop: VirtualTimeLoop) -> None:
            request = SessionRequest(far.request(keepalive=True))
            await hearing(hearer)(request, loop).run()

        run_virtually(main)
    assert hearer.sent == far.connections[0].sent
    # Every 0.2 s until the first frame, 1.03 s after the start; the connection came just after the
    # first of these.
    assert len(hearer.sent) == 5


def test_a_hearer_that_is_behind_holds_the_stream_back() -> None:
    hearer = Noting([])
    seen: list[list[int]] = []

    def make(request: SessionRequest, loop: VirtualTimeLoop) -> Session:
        hearer.is_behind = True
        loop.call_later(2.0, lambda: seen.append(list(hearer.messages)))
        loop.call_later(2.0, setattr, hearer, "is_behind", False)
        return hearing(hearer)(request, loop)

    run([[*frames(5), CLOSED]], make)
    # The first message is handed over, and then nothing for two seconds.
    assert seen == [[1]]
    assert hearer.messages == [1] * 5


def test_all_are_finished_where_one_cannot_be() -> None:
    notes: list[str] = []
    hearers = [Noting(notes, "a "), Noting(notes, "b ", fails="finish"), Noting(notes, "c ")]
    with pytest.raises(MachineError, match="finish failed"):
        run([[*frames(2), CLOSED]], hearing(*hearers))
    assert notes[-3:] == ["c finish", "b finish", "a finish"]


def test_who_cannot_begin_ends_the_run_before_it_connects() -> None:
    notes: list[str] = []
    with far_end([frames(5)]) as far:

        async def main(loop: VirtualTimeLoop) -> None:
            request = SessionRequest(far.request())
            hearers = [Noting(notes, "a "), Noting(notes, "b ", fails="enter")]
            await hearing(*hearers)(request, loop).run()

        with pytest.raises(MachineError, match="enter failed"):
            run_virtually(main)
    assert far.attempted_s == []
    assert notes == ["a enter", "b enter", "a failed", "b failed", "b finish", "a finish"]


# What is sent, on virtual time


class Listed:
    """A source of a list."""

    is_over = False

    def __init__(self, blocks: Sequence[bytes]) -> None:
        self._blocks = list(blocks)

    def next_frame(self) -> bytes | None:
        if self._blocks:
            return self._blocks.pop(0)
        self.is_over = True
        return None


def test_a_run_that_has_sent_everything_is_finished() -> None:
    blocks = [bytes([n + 1]) * 320 for n in range(10)]
    sendings: list[Sending] = []

    def make(request: SessionRequest, loop: VirtualTimeLoop) -> Session:
        async def sleep(due_ns: int) -> None:
            await asyncio.sleep(max(0, due_ns - loop.time_ns()) / 1e9)

        live, told = request.live, Told()
        sending = Sending(
            Listed(blocks),
            SpeakRequest(),
            live.encapsulation,
            told,
            clock=loop.time_ns,
            sleep=sleep,
        )
        sendings.append(sending)
        return Session(request, told, source=sending, clock=loop.time_ns, rng=Random(1))

    session, close = run([frames(500)], make, keepalive=True)
    assert (close.cause, close.code) == (Cause.FINISHED, 1000)
    # Five frames of silence, ten of the source, ten of silence, and nothing to keep awake beside.
    assert session.frames_sent == 25
    assert sendings[0].is_all_sent
    assert sendings[0].spoken_s == pytest.approx(0.2)
    assert session.summary(close)["codec_sent"] == "mulaw"


# The file that is kept


def test_an_outage_is_silence_of_its_length_in_the_file(tmp_path: Path) -> None:
    file = AudioFile(str(tmp_path / "a.wav"))
    attempts = [[*frames(50), ENDED], ConnectionFailed("x", http_status=503)] * 2
    _, close = run(
        [*attempts, [*frames(50, first=900), CLOSED]],
        hearing(file),
        ["progressing", "progressing", "hangup"],
    )
    assert close.cause is Cause.CALL_ENDED
    assert file.filled_seconds > 0.2
    assert file.samples == 3 * 50 * 160 + round(file.filled_seconds * 8000)


def test_what_a_killed_recording_left_is_told_by_the_next_one_beside_it(tmp_path: Path) -> None:
    left = tmp_path / "a.ogg.partial.wav"
    left.touch()
    (message,) = cut_short(str(tmp_path / "b.wav"))
    assert message.startswith(f"{tmp_path / 'a.ogg'} was cut short: {left} holds")
    assert cut_short("-") == cut_short(str(tmp_path / "nowhere" / "b.wav")) == []
    assert cut_short(str(tmp_path / "a.ogg")) == []  # which is refused, or replaces it
    with KeptFile(str(left), "wb"):  # by a process that lives
        assert cut_short(str(tmp_path / "b.wav")) == []


class Removing(Hearer):
    """Somebody who tidies up."""

    def __init__(self, file: AudioFile) -> None:
        self._file = file

    def ended(self, at_ns: int, close: Close) -> None:
        """Remove what is written, once it is on the disk."""
        self._file.drain()
        Path(self._file.path).unlink()
        Path(self._file.path).write_text("another one's")


def test_a_file_that_is_replaced_under_a_recording_is_kept_and_said(tmp_path: Path) -> None:
    file, told = AudioFile(str(tmp_path / "a.wav")), Told()

    def make(request: SessionRequest, loop: VirtualTimeLoop) -> Session:
        hearers = [file, Removing(file)]
        return Session(request, told, hearers, clock=loop.time_ns, rng=Random(1))

    session, close = run([[*frames(50), CLOSED]], make)
    kept = tmp_path / "a-2.wav"
    assert session.summary(close)["output"] == str(kept)
    assert kept.stat().st_size == 80 + 50 * 320
    assert [str(kept) in fields["message"] for name, fields in told if name == "warning"] == [True]


class Failing(Noting):
    """A file on a disk that is full."""

    is_file = True


@pytest.mark.parametrize("fails", ["messages", "frames", "ended", "finish"])
def test_the_others_go_on_without_a_file_that_cannot_be_written(fails: str) -> None:
    lost, notes = Failing([], fails=fails), list[str]()
    session, close = run([[*frames(3), CLOSED]], hearing(lost, Noting(notes)))
    assert notes.count("frames") == 3
    assert notes[-1] == "leave"
    problem = session.problem(close)
    assert isinstance(problem, MachineError)
    assert problem.message == f"{fails} failed"


class Unread(Hearer):
    """A file that is a pipe whose reader is gone."""

    is_file = True

    def hear_messages(self, messages: Sequence[Message]) -> None:
        """Find nobody there."""
        raise BrokenPipeError


def test_a_reader_that_is_gone_ends_no_other_file() -> None:
    notes = list[str]()
    session, close = run([[*frames(3), CLOSED]], hearing(Unread(), Noting(notes)))
    assert notes.count("frames") == 3
    assert isinstance(session.problem(close), MachineError)


@pytest.mark.parametrize("fails", ["messages", "frames"])
def test_a_run_that_is_good_for_nothing_else_ends_with_its_file(fails: str) -> None:
    with pytest.raises(MachineError, match=f"{fails} failed"):
        run([[*frames(3), CLOSED]], hearing(Failing([], fails=fails)))


def test_recordings_of_one_second_have_names_of_their_own() -> None:
    first, second = (name_of_now("call-1"), name_of_now("call-1"))
    assert first < second
    assert re.fullmatch(r"call-1-\d{8}T\d{6}\.\d{6}Z\.wav", first)


@pytest.mark.parametrize("lost", [30, 33])
def test_a_file_is_as_long_as_was_asked_for_also_where_audio_was_lost_near_its_end(
    lost: int, tmp_path: Path
) -> None:
    file = AudioFile(str(tmp_path / "a.wav"))

    def make(request: SessionRequest, loop: VirtualTimeLoop) -> Session:
        request = replace(request, duration_s=2.0)
        return record_session(request, Told(), file, clock=loop.time_ns, rng=Random(1))

    # Each frame 20 ms after the one before; those that are lost leave their time.
    _, close = run([[*frames(60), Wait(lost * 0.02), *frames(60, first=60 + lost)]], make)
    assert close.cause is Cause.DURATION
    assert file.samples == 2 * 8000
    assert (tmp_path / "a.wav").stat().st_size == 80 + 2 * file.samples
    assert file.filled_seconds == pytest.approx(lost * 0.02)


def test_a_file_is_as_long_as_was_asked_for_also_where_the_stream_ends_in_silence(
    tmp_path: Path,
) -> None:
    file = AudioFile(str(tmp_path / "a.wav"))

    def make(request: SessionRequest, loop: VirtualTimeLoop) -> Session:
        request = replace(request, duration_s=1.5)
        return record_session(request, Told(), file, clock=loop.time_ns, rng=Random(1))

    _, close = run([[*frames(60), Wait(60)]], make)
    assert close.cause is Cause.DURATION
    assert (tmp_path / "a.wav").stat().st_size == 80 + 2 * 12_000
    assert file.filled_seconds == pytest.approx(0.3)


class Suspending(Hearer):
    """A machine that is suspended for ten seconds once `frames` have come."""

    def __init__(self, loop: VirtualTimeLoop, frames: int) -> None:
        self._loop, self._left, self.slept_ns = loop, frames, 0

    def clock(self) -> int:
        """A clock that goes on meanwhile, as the event loop's does not."""
        return self._loop.time_ns() + self.slept_ns

    def hear_frames(self, frames: list[AudioFrame]) -> None:
        """Count them."""
        self._left -= len(frames)
        if self._left == 0:
            self.slept_ns = 10_000_000_000


def test_a_file_keeps_the_calls_clock_while_the_machine_is_suspended(tmp_path: Path) -> None:
    file = AudioFile(str(tmp_path / "a.wav"))
    late: list[int] = []

    class Late(Hearer):
        def ticked(self, at_ns: int, late_ns: int) -> None:
            late.append(late_ns)

    def make(request: SessionRequest, loop: VirtualTimeLoop) -> Session:
        machine = Suspending(loop, 60)
        request = replace(request, duration_s=14.0)
        hearers = [machine, Late()]
        return record_session(request, Told(), file, hearers, clock=machine.clock, rng=Random(1))

    run([[*frames(60), *frames(200, first=560)]], make)
    assert (tmp_path / "a.wav").stat().st_size == 80 + 14 * 16_000
    assert file.filled_seconds == pytest.approx(10.0)
    assert max(late) == pytest.approx(10e9, rel=0.02)


def test_what_the_network_brings_late_at_the_very_end_is_kept(tmp_path: Path) -> None:
    file = AudioFile(str(tmp_path / "a.wav"))

    def make(request: SessionRequest, loop: VirtualTimeLoop) -> Session:
        request = replace(request, duration_s=1.5)
        return record_session(request, Told(), file, clock=loop.time_ns, rng=Random(1))

    # All of the last half second comes 0.1 s after the time is up; a ping waits behind it.
    with mock.patch.object(FakeConnection, "late_s", 0.3):
        late = frames(26, first=60, at_once=26)[0]._replace(after_s=0.52)
        _, close = run([[*frames(60), late, Wait(60)]], make)
    assert close.cause is Cause.DURATION
    assert (tmp_path / "a.wav").stat().st_size == 80 + 2 * 12_000
    assert file.filled_seconds == 0


# A diagnosis


class Passed:
    """A preflight that passes, or ends with `error`."""

    def __init__(self, error: VoipbinError | None = None) -> None:
        self.error, self.state, self.refused = error, None, None

    def __call__(self, *_: object, **__: object) -> Passed:
        return self

    async def run(self) -> bool:
        return self.error is None


def diagnosed(
    attempts: Sequence[Attempt], path: Path, preflight: Passed
) -> tuple[Session, Close, LiveDiagnosis]:
    made: list[LiveDiagnosis] = []

    def make(request: SessionRequest, loop: VirtualTimeLoop) -> Session:
        live: LiveRequest = request.live
        made.append(LiveDiagnosis(live, Told(), clock=loop.time_ns, rng=Random(1)))
        return diagnose_session(request, Told(), made[0], clock=loop.time_ns)

    with mock.patch("voipbin_cli.session.diagnose.Preflight", preflight):
        session, close = run(attempts, make, capture=path, reconnect=False)
    return session, close, made[0]


@pytest.mark.parametrize("where", ["preflight", "upgrade"])
def test_a_refusal_is_a_finding_and_its_capture_says_the_same(where: str, tmp_path: Path) -> None:
    path = tmp_path / "a.pcapng"
    in_preflight = where == "preflight"
    attempts: list[Attempt] = [] if in_preflight else [FORBIDDEN]
    session, close, _ = diagnosed(attempts, path, Passed(FORBIDDEN if in_preflight else None))
    assert close == Close(Cause.REFUSED)
    assert session.problem(close) is None
    summary = session.summary(close)
    assert [finding["id"] for finding in summary["findings"]] == ["forbidden"]
    assert summary["close"]["cause"] == "refused"
    with open_capture(path) as capture:
        events = [record for record in records_of(capture) if isinstance(record, CapturedEvent)]
    assert [event.name for event in events] == ["api", "close", "end"]
    assert events[0].fields["finding"] == "forbidden"
    assert events[-1].fields == {"cause": "refused"}


def test_this_machine_s_own_errors_are_no_findings(tmp_path: Path) -> None:
    with pytest.raises(MachineError):
        diagnosed([], tmp_path / "a.pcapng", Passed(MachineError("no memory")))


def test_a_mute_stream_is_waited_for_ten_seconds(tmp_path: Path) -> None:
    session, close, diagnosis = diagnosed([[Wait(1e6)]], tmp_path / "a.pcapng", Passed())
    assert close.cause is Cause.DURATION
    assert 10.0 <= session.elapsed_s <= 10.1
    assert [f["id"] for f in session.summary(close)["findings"]] == ["no-audio"]
    assert diagnosis.diagnosis.connections == 1
