"""Playing into the simulator, whose phone says what it heard, and into a hand-written peer."""

from __future__ import annotations

import asyncio
import struct
import wave
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.capture.support import open_capture, records_of
from tests.support.aio import run
from tests.support.cli import wait_until
from tests.support.peer import Fin, Frame, Peer, Received, Reset, Send, Step, document, vector_steps
from voipbin_cli.capture.captured import CapturedMessage
from voipbin_cli.codec.codecs import Codec
from voipbin_cli.codec.encapsulation import Direction, Encapsulation
from voipbin_cli.codec.g711 import mulaw_to_s16le
from voipbin_cli.errors import ConnectionFailed, UsageError
from voipbin_cli.session.ending import Cause, Close
from voipbin_cli.session.feed import Feed
from voipbin_cli.session.live import LiveRequest
from voipbin_cli.session.play import play_session
from voipbin_cli.session.recording_file import AudioFile
from voipbin_cli.session.sending import Sending, SpeakRequest
from voipbin_cli.session.session import Session, SessionRequest
from voipbin_cli.simulator.embedded import EmbeddedSimulator
from voipbin_cli.transport.credentials import Credential, CredentialKind
from voipbin_cli.transport.endpoint import Endpoint
from voipbin_cli.transport.targets import parse_target

CALL = "5f2a8c1e-0d3b-4c57-9e6f-2b7d1a4c8e90"
STREAM = f"/v1.0/calls/{CALL}/media_stream"
STATE = ("GET", f"/v1.0/calls/{CALL}")
PROGRESSING = document({"id": CALL, "status": "progressing"})
OVER = document({"id": CALL, "status": "hangup"})

_RNG = Random(7)
# Every mu-law code but its two zeros: what is heard of them tells a frame from silence, and in
# every dialect they are the very samples.
CODES = [bytes(_RNG.choice([*range(127), *range(128, 255)]) for _ in range(160)) for _ in range(40)]
FRAMES = [mulaw_to_s16le(codes) for codes in CODES]
SILENCE = bytes(320)
# The first messages of a documented stream, by RFC 3550 5.1: payload type 0, a random SSRC.
DOCUMENTED = [
    Send(struct.pack("!BBHII", 0x80, 0, 52_000 + n, 900 + 160 * n, 0x1234ABCD) + codes)
    for n, codes in enumerate(CODES)
]
LEGACY = [
    Send(struct.pack("!BBHII", 0x80, 0, 1 + n, 160 + 160 * n, 0) + codes)
    for n, codes in enumerate(CODES)
]


class Told(list[tuple[str, dict[str, Any]]]):
    """What a session has told."""

    def __call__(self, event: str, fields: dict[str, Any]) -> None:
        self.append((event, fields))

    def of(self, event: str) -> list[dict[str, Any]]:
        return [fields for name, fields in self if name == event]


def session(
    live: LiveRequest,
    told: Told,
    frames: Sequence[bytes] = FRAMES,
    speak: SpeakRequest | None = None,
    *,
    capture: str | None = None,
    record: str | None = None,
    total_s: float | None = None,
) -> Session:
    feed = Feed(iter(frames))
    sending = Sending(feed, speak or SpeakRequest(), live.encapsulation, told, rng=Random(5))
    return play_session(
        SessionRequest(live, capture=capture),
        told,
        feed,
        sending,
        total_s=total_s,
        file=AudioFile(record, capture=capture) if record else None,
    )


def all_sent(playing: Session, close: Close) -> object:
    return playing.summary(close)["all_sent"]


def to_peer(peer: Peer, encapsulation: str, **options: Any) -> LiveRequest:
    return LiveRequest(
        target=parse_target(peer.url(STREAM)),
        label="a call",
        endpoint=Endpoint(),
        encapsulation=Encapsulation(encapsulation),
        **options,
    )


def play(playing: Callable[[], Session]) -> tuple[Session, Close]:
    async def main() -> tuple[Session, Close]:
        made = playing()
        return made, await made.run()

    return run(main())


def heard_ticks(path: Path) -> list[bytes]:
    """What the phone heard, 20 ms each, without the silence: no frame of ours is all zero."""
    with wave.open(str(path)) as file:
        pcm = file.readframes(file.getnframes())
    ticks = [pcm[at : at + 320] for at in range(0, len(pcm), 320)]
    return [tick for tick in ticks if tick != SILENCE]


async def play_into_simulators(dialect: str, kind: str, directory: Path) -> list[list[bytes]]:
    """Play into one call (or conference) in each encapsulation, all three at once."""
    paths = [directory / f"{encapsulation}.wav" for encapsulation in Encapsulation]
    with ExitStack() as simulators:
        sessions = []
        for encapsulation, path in zip(Encapsulation, paths, strict=True):
            simulator = simulators.enter_context(
                EmbeddedSimulator("clean", {"dialect": dialect, "kind": kind}, heard_path=path)
            )
            live = LiveRequest(
                target=parse_target(f"{kind}/{simulator.target_id}"),
                label="sim",
                endpoint=Endpoint(
                    simulator.api_url, Credential(CredentialKind.TOKEN, simulator.token, "a test")
                ),
                encapsulation=encapsulation,
            )
            sessions.append(session(live, Told()))
        closes = await asyncio.gather(*(each.run() for each in sessions))
        assert {close.cause for close in closes} == {Cause.FINISHED}
    return [heard_ticks(path) for path in paths]


@pytest.mark.parametrize("kind", ["call", "conference"])
@pytest.mark.parametrize("dialect", ["documented", "deployed", "linear", "legacy"])
def test_the_phone_hears_the_very_samples(dialect: str, kind: str, tmp_path: Path) -> None:
    # A stall of this machine, of either process, may flush a far queue: not what is tested here.
    for _ in range(3):
        heard = run(play_into_simulators(dialect, kind, tmp_path))
        if all(ticks == FRAMES for ticks in heard):
            return
    raise AssertionError(f"heard {[len(ticks) for ticks in heard]} of {len(FRAMES)} frames")


def rtp_fields(frames: Iterable[Frame]) -> list[tuple[int, ...]]:
    return [struct.unpack("!BBHII", frame.data[:12]) for frame in frames]


RTP_FORMS: dict[str, tuple[list[Step], int, list[bytes]]] = {
    # What the stream sends, and the payload type and payloads that its far end takes.
    "documented": (list(DOCUMENTED), 0, CODES),
    "deployed": (vector_steps("rtp-deployed"), 96, FRAMES),
    "linear": (vector_steps("rtp-linear"), 96, FRAMES),
    "legacy": (list(LEGACY), 0, FRAMES),
}


@pytest.mark.parametrize("dialect", RTP_FORMS)
def test_rtp_is_sent_as_the_far_end_takes_it(dialect: str) -> None:
    script, payload_type, payloads = RTP_FORMS[dialect]
    with Peer(script) as peer:
        playing, _ = play(lambda: session(to_peer(peer, "rtp"), Told()))
        frames = peer.messages()
    silent = b"\xff" * 160 if payloads is CODES else SILENCE
    sound = [n for n, frame in enumerate(frames) if frame.data[12:] != silent]
    assert [frames[n].data[12:] for n in sound] == payloads
    assert sound == list(range(sound[0], sound[0] + len(payloads)))
    first = rtp_fields(frames)[sound[0]]
    for n, fields in zip(sound, rtp_fields(frames[sound[0] : sound[-1] + 1]), strict=True):
        marker = 0x80 if n == sound[0] else 0
        step = n - sound[0]
        expected = ((first[2] + step) & 0xFFFF, (first[3] + 160 * step) & 0xFFFFFFFF, first[4])
        assert fields == (0x80, marker | payload_type, *expected)
    assert {len(frame.data) for frame in frames} <= {172, 332}
    assert all(frame.opcode == 2 and frame.is_final for frame in frames)
    assert playing.summary(Close(Cause.FINISHED))["payload_type_sent"] == payload_type


@pytest.mark.parametrize(("encapsulation", "header"), [("sln", b""), ("audiosocket", b"\x10\x01@")])
def test_sln_and_audiosocket_are_linear_in_every_dialect(encapsulation: str, header: bytes) -> None:
    with Peer(vector_steps(f"{encapsulation}-deployed")) as peer:
        play(lambda: session(to_peer(peer, encapsulation), Told()))
        messages = [frame.data for frame in peer.messages()]
    assert {message[: len(header)] for message in messages} == {header}
    assert [m[len(header) :] for m in messages if m != header + SILENCE] == FRAMES


def test_silence_comes_before_and_after_the_words() -> None:
    with Peer(vector_steps("rtp-deployed")) as peer:
        playing, _ = play(lambda: session(to_peer(peer, "rtp"), Told()))
        sound = [frame.data[12:] != SILENCE for frame in peer.messages()]
    assert sound[:5] == [False] * 5
    assert sound[-10:] == [False] * 10
    assert len(sound) == playing.summary(Close(Cause.FINISHED))["frames_sent"]


def test_where_nothing_is_heard_it_is_linear_under_96_with_a_warning() -> None:
    told = Told()
    with Peer() as peer:
        playing, close = play(lambda: session(to_peer(peer, "rtp"), told))
        frames = peer.messages()
    assert close.cause is Cause.FINISHED
    assert playing.problem(close) is None
    (warning,) = told.of("warning")
    assert "payload type 96" in warning["message"]
    assert [f.data[12:] for f in frames if f.data[12:] != SILENCE] == FRAMES
    assert {fields[1] & 0x7F for fields in rtp_fields(frames)} == {96}


def test_what_was_chosen_is_told_with_its_reason() -> None:
    told = Told()
    with Peer(LEGACY) as peer:
        play(lambda: session(to_peer(peer, "rtp"), told))
    (sending,) = told.of("sending")
    assert (sending["codec_sent"], sending["payload_type_sent"]) == ("s16le", 0)
    assert "bridge" in sending["reason"]
    assert told.of("warning") == []


@pytest.mark.parametrize(
    ("speak", "script", "payload_type", "payload"),
    [
        (SpeakRequest(payload=Codec.MULAW, payload_type=0), [], 0, CODES[0]),
        (SpeakRequest(payload=Codec.S16LE, payload_type=101), [], 101, FRAMES[0]),
        # Half of it is fixed: the other half is the fingerprint's.
        (SpeakRequest(payload=Codec.MULAW), vector_steps("rtp-deployed"), 96, CODES[0]),
        (SpeakRequest(payload_type=5), list(DOCUMENTED), 5, CODES[0]),
        # Or, where nothing is heard, what goes with it.
        (SpeakRequest(payload=Codec.MULAW), [], 0, CODES[0]),
    ],
)
def test_what_the_user_fixed_is_sent(
    speak: SpeakRequest, script: list[Step], payload_type: int, payload: bytes
) -> None:
    with Peer(script) as peer:
        play(lambda: session(to_peer(peer, "rtp"), Told(), FRAMES[:1], speak))
        frames = peer.messages()
    assert (payload_type, payload) in [(f.data[1] & 0x7F, f.data[12:]) for f in frames]


def test_a_payload_cannot_be_chosen_where_there_is_no_choice() -> None:
    with Peer() as peer, pytest.raises(UsageError):
        session(to_peer(peer, "sln"), Told(), [], SpeakRequest(payload=Codec.MULAW))


def test_a_new_connection_goes_on_where_the_old_one_broke_off() -> None:
    heard = vector_steps("rtp-deployed")
    scripts = [[*heard, Received(20), Reset()], heard]
    with Peer(scripts=scripts, routes={STATE: PROGRESSING}) as peer:
        playing, close = play(lambda: session(to_peer(peer, "rtp"), Told()))
        frames = peer.messages()
    assert close.cause is Cause.FINISHED
    assert all_sent(playing, close)
    sources = [fields[4] for fields in rtp_fields(frames)]
    second = sources.index(sources[-1])
    assert len(set(sources[:second])) == 1
    before = [f.data[12:] for f in frames[:second] if f.data[12:] != SILENCE]
    after = [f.data[12:] for f in frames[second:] if f.data[12:] != SILENCE]
    # What was on its way when the link broke is lost; nothing comes twice, nothing is skipped.
    assert before == FRAMES[: len(before)]
    assert after == FRAMES[-len(after) :]
    assert len(before) + len(after) <= len(FRAMES)
    assert [f.data[12:] for f in frames[second : second + 5]] == [SILENCE] * 5


def test_an_outage_is_silence_in_what_came_back(tmp_path: Path) -> None:
    heard = vector_steps("rtp-deployed", paced=True)
    scripts = [[*heard[:30], Reset()], heard]
    with Peer(scripts=scripts, routes={STATE: PROGRESSING}) as peer:
        playing, close = play(
            lambda: session(to_peer(peer, "rtp"), Told(), record=str(tmp_path / "back.wav"))
        )
    summary = playing.summary(close)
    assert summary["reconnects"] == 1
    assert summary["filled_seconds"] > 0.1


def test_a_call_that_ends_first_is_a_failure() -> None:
    script = [*vector_steps("rtp-deployed"), Received(20), Fin()]
    with Peer(script, routes={STATE: OVER}) as peer:
        playing, close = play(lambda: session(to_peer(peer, "rtp"), Told(), total_s=0.8))
    assert close.cause is Cause.CALL_ENDED
    problem = playing.problem(close)
    assert isinstance(problem, ConnectionFailed)
    assert "of 0.80 s" in problem.message
    assert not all_sent(playing, close)


def test_a_call_that_ends_when_all_is_sent_is_none() -> None:
    # Five frames of silence, forty of sound, and some of the silence after it.
    script = [*vector_steps("rtp-deployed"), Received(48), Fin()]
    with Peer(script, routes={STATE: OVER}) as peer:
        playing, close = play(lambda: session(to_peer(peer, "rtp"), Told()))
    assert close.cause is Cause.CALL_ENDED
    assert playing.problem(close) is None


def test_an_interruption_ends_on_a_whole_frame() -> None:
    async def main(peer: Peer) -> tuple[Session, Close]:
        playing = session(to_peer(peer, "rtp"), Told())
        running = asyncio.ensure_future(playing.run())
        await asyncio.to_thread(peer.received, 20)
        playing.stop(Cause.INTERRUPTED)
        return playing, await running

    with Peer(vector_steps("rtp-deployed")) as peer:
        playing, close = run(main(peer))
        frames = peer.messages()
    assert close.cause is Cause.INTERRUPTED
    assert playing.is_unfinished
    assert playing.problem(close) is None
    assert {len(frame.data) for frame in frames} == {332}


def test_what_came_back_is_recorded_and_all_of_it_captured(tmp_path: Path) -> None:
    capture = tmp_path / "call.pcapng"
    with Peer(vector_steps("rtp-deployed")) as peer:
        playing, close = play(
            lambda: session(
                to_peer(peer, "rtp"),
                Told(),
                record=str(tmp_path / "back.wav"),
                capture=str(capture),
            )
        )
        sent = [frame.data for frame in peer.messages()]
    summary = playing.summary(close)
    assert summary["output"] == str(tmp_path / "back.wav")
    with wave.open(summary["output"]) as file:
        assert file.getnframes() == 50 * 160
    with open_capture(capture) as opened:
        items = [item for item in records_of(opened) if isinstance(item, CapturedMessage)]
    assert [item.data for item in items if item.direction is Direction.OUT] == sent
    assert len([item for item in items if item.direction is Direction.IN]) == 50


def test_an_unreadable_source_ends_the_run_and_is_told() -> None:
    def blocks() -> Iterable[bytes]:
        yield from FRAMES[:3]
        raise UsageError("the file is damaged")

    with Peer(vector_steps("rtp-deployed")) as peer:
        with pytest.raises(UsageError, match="damaged"):
            play(lambda: session(to_peer(peer, "rtp"), Told(), blocks()))  # type: ignore[arg-type]
        sent = [frame.data[12:] for frame in peer.messages()]
        wait_until(lambda: peer.gone)
    assert [payload for payload in sent if payload != SILENCE] == FRAMES[:3]
