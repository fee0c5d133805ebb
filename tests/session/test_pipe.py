"""Programs in a call, with a hand-written peer at the other end."""

from __future__ import annotations

import json
import struct
import sys
import textwrap
import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from tests.session.test_play import (
    FRAMES,
    OVER,
    SILENCE,
    STATE,
    Told,
    to_peer,
)
from tests.support.aio import run
from tests.support.peer import Fin, Peer, Received, Send, Step, Until, vector_messages, vector_steps
from voipbin_cli.analysis.sound.dtmf import tones
from voipbin_cli.codec.g711 import mulaw_to_s16le, s16le_to_mulaw
from voipbin_cli.errors import MachineError, UsageError
from voipbin_cli.session.ending import Cause, Close
from voipbin_cli.session.pipe import PipeRequest, ProgramInCall, pipe_session
from voipbin_cli.session.sending import Sending, SpeakRequest
from voipbin_cli.session.session import Session, SessionRequest


def python(code: str, *arguments: object) -> tuple[str, ...]:
    """A program of a few lines."""
    return (sys.executable, "-c", textwrap.dedent(code), *map(str, arguments))


def pipe(
    peer: Peer,
    told: Told,
    command: Sequence[str],
    duration_s: float | None = None,
    **options: object,
) -> tuple[Session, Close]:
    async def main() -> tuple[Session, Close]:
        live = to_peer(peer, "rtp")
        asked = PipeRequest(tuple(command), **options)  # type: ignore[arg-type]
        program = ProgramInCall(told, asked)
        sending = Sending(program.backlog, SpeakRequest(), live.encapsulation, told)
        piping = pipe_session(SessionRequest(live, duration_s), told, program, sending)
        return piping, await piping.run()

    return run(main())


def sound(peer: Peer) -> list[bytes]:
    return [f.data[12:] for f in peer.messages() if f.data[12:] != SILENCE]


def speech_of(pcm: bytes, *, after: float = 0.0) -> list[Step]:
    """Deployed RTP messages at their pace."""
    codes = s16le_to_mulaw(pcm)
    frames = [codes[at : at + 160].ljust(160, b"\xff") for at in range(0, len(codes), 160)]
    return [
        Send(struct.pack("!BBHII", 0x80, 96, n + 1, 160 * (n + 1), 0) + frame, after=0.02)
        for n, frame in enumerate(frames)
    ]


def test_what_it_writes_at_once_is_spoken_in_time_and_then_it_is_over(tmp_path: Path) -> None:
    audio = tmp_path / "audio.raw"
    audio.write_bytes(b"".join(FRAMES))
    told = Told()
    with Peer(vector_steps("rtp-deployed")) as peer:
        piping, close = pipe(peer, told, ["cat", str(audio)])
        heard = sound(peer)
        times = [frame.time_ns for frame in peer.messages() if frame.data[12:] != SILENCE]
    assert heard == FRAMES
    assert close.cause is Cause.FINISHED
    assert piping.problem(close) is None
    assert told.of("program") == [{"status": 0}]
    # 40 frames, two of them at once: it did not come as a burst.
    assert times[-1] - times[0] > 0.7e9


def test_its_stdin_hears_the_call_from_the_first_frame_on(tmp_path: Path) -> None:
    into = tmp_path / "heard.raw"
    with Peer([*vector_steps("rtp-deployed"), Received(30), Fin()], routes={STATE: OVER}) as peer:
        _, close = pipe(
            peer,
            Told(),
            python(
                "import sys, shutil; shutil.copyfileobj(sys.stdin.buffer, open(sys.argv[1], 'wb'))",
                into,
            ),
        )
    payloads = [message[12:] for _, message in vector_messages("rtp-deployed")]
    assert into.read_bytes() == mulaw_to_s16le(b"".join(payloads))
    assert close.cause is Cause.CALL_ENDED


def test_an_echo_comes_back_whole(tmp_path: Path) -> None:
    steps = speech_of(b"".join(FRAMES))
    over = threading.Event()
    with Peer([*steps, Until(over), Fin()], routes={STATE: OVER}) as peer:

        def end() -> None:
            peer.wait_for(lambda p: len(sound(p)) >= len(FRAMES))
            over.set()

        threading.Thread(target=end, daemon=True).start()
        pipe(peer, Told(), ["cat"])
        heard = sound(peer)
    assert heard == FRAMES


def test_digits_are_told_on_a_descriptor_of_its_own(tmp_path: Path) -> None:
    into = tmp_path / "events.jsonl"
    program = python(
        """
        import os, sys
        with open(sys.argv[1], "wb") as file:
            while data := os.read(5, 4096):
                file.write(data)
        """,
        into,
    )
    # A second in which the program starts: it is told what comes from then on.
    digits = bytes(16_000) + tones("42#")
    told = Told()
    with Peer([*speech_of(digits), Fin()], routes={STATE: OVER}) as peer:
        pipe(peer, told, program, events_fd=5)
    events = [json.loads(line) for line in into.read_text().splitlines()]
    assert [e["digit"] for e in events if e["event"] == "dtmf"] == ["4", "2", "#"]
    assert [e["at_ms"] for e in events if e["event"] == "dtmf"] == pytest.approx(
        [1000, 1200, 1400], abs=20
    )
    assert all(event.pop("time") and event.pop("schema") == 1 for event in events)
    assert events[0] == {"event": "state", "state": "open"}
    assert events[-1] == {"event": "state", "state": "closed", "cause": "call-ended"}
    assert told.of("speech") == []  # digits are none
    assert [fields["digit"] for fields in told.of("dtmf")] == ["4", "2", "#"]


def test_barge_in_drops_what_is_unsent(tmp_path: Path) -> None:
    # Half a second of silence, then someone speaks while ten seconds wait to be said.
    rng = np.random.default_rng(1)
    loud = (rng.standard_normal(8000) * 6000).clip(-32000, 32000).astype("<i2").tobytes()
    audio = tmp_path / "audio.raw"
    audio.write_bytes(b"".join(FRAMES) * 12)
    program = python(
        "import sys; sys.stdout.buffer.write(open(sys.argv[1], 'rb').read());"
        "sys.stdout.flush(); sys.stdin.buffer.read()",
        audio,
    )
    told = Told()
    script = [*speech_of(bytes(8000) + loud), Fin()]
    with Peer(script, routes={STATE: OVER}) as peer:
        piping, close = pipe(peer, told, program, barge_in=True)
        said = len(sound(peer))
    (dropped,) = told.of("barge-in")
    assert said < 80
    assert dropped["dropped_seconds"] == pytest.approx((len(FRAMES) * 12 - said) * 0.02)
    assert piping.summary(close)["barge_ins"] == 1


def test_a_program_that_fails_is_told_after_what_it_said_was_said() -> None:
    program = python("import sys; sys.stdout.buffer.write(bytes(range(1, 161)) * 20); sys.exit(3)")
    with Peer(vector_steps("rtp-deployed")) as peer:
        piping, close = pipe(peer, Told(), program)
        assert len(sound(peer)) == 10
    problem = piping.problem(close)
    assert isinstance(problem, MachineError)
    assert "status 3" in problem.message
    assert piping.summary(close)["program_status"] == 3


@pytest.mark.parametrize(("number", "name"), [(9, "SIGKILL"), (35, "signal 35")])
def test_a_program_that_is_killed_is_told_with_the_signal(number: int, name: str) -> None:
    program = python(f"import os; os.kill(os.getpid(), {number})")
    with Peer(vector_steps("rtp-deployed")) as peer:
        piping, close = pipe(peer, Told(), program)
    problem = piping.problem(close)
    assert problem is not None
    assert name in problem.message
    assert problem.hint


def test_a_program_that_is_not_there_is_told() -> None:
    with Peer(vector_steps("rtp-deployed")) as peer, pytest.raises(UsageError, match="nonesuch"):
        pipe(peer, Told(), ["/nonesuch"])


def test_a_program_that_closes_its_output_goes_on_listening(tmp_path: Path) -> None:
    into = tmp_path / "heard.raw"
    program = python(
        """
        import os, sys
        os.close(1)
        with open(sys.argv[1], "wb") as file:
            while data := os.read(0, 4096):
                file.write(data)
        os._exit(0)
        """,
        into,
    )
    told = Told()
    with Peer([*vector_steps("rtp-deployed", paced=True), Fin()], routes={STATE: OVER}) as peer:
        _, close = pipe(peer, told, program)
    assert close.cause is Cause.CALL_ENDED
    assert {"stdout": "closed"} in told.of("program")
    assert into.stat().st_size == 50 * 320


def test_a_program_that_never_reads_loses_what_it_does_not_hear(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("voipbin_cli.session.program.UNREAD_LIMIT_BYTES", 1000)
    monkeypatch.setattr("voipbin_cli.session.program.END_PATIENCE_S", 0.1)
    second = vector_steps("rtp-deployed")
    told = Told()
    # By its tenth frame the program has been started.
    with Peer(
        [*second, Received(10), *second * 9, Received(30), Fin()], routes={STATE: OVER}
    ) as peer:
        piping, close = pipe(peer, told, python("import time; time.sleep(60)"))
    assert close.cause is Cause.CALL_ENDED
    (warning,) = told.of("warning")
    assert "does not read" in warning["message"]
    assert piping.summary(close)["unread_seconds"] > 1
    # It did not end with its input, and was ended.
    assert piping.summary(close)["program_status"] == -15


def test_what_it_hears_and_says_is_resampled() -> None:
    """At 16 kHz an echo is twice as many samples there, and as many again here."""
    tone = np.sin(2 * np.pi * 400 * np.arange(8000) / 8000)
    pcm = (tone * 8000).astype("<i2").tobytes()
    with Peer([*speech_of(pcm), Received(80), Fin()], routes={STATE: OVER}) as peer:
        pipe(peer, Told(), ["cat"], rate_hz=16_000)
        back = np.frombuffer(b"".join(sound(peer)), "<i2").astype(float)
    spectrum = np.abs(np.fft.rfft(back[1600:4800]))
    assert pytest.approx(spectrum.argmax() * 8000 / 3200, abs=5) == 400
    assert np.abs(back[1600:4800]).max() == pytest.approx(8000, rel=0.05)


def test_a_duration_ends_a_program_that_would_go_on() -> None:
    with Peer(vector_steps("rtp-deployed")) as peer:
        piping, close = pipe(peer, Told(), ["cat"], duration_s=0.5)
    assert close.cause is Cause.DURATION
    assert piping.problem(close) is None
