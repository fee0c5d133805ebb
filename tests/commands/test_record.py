"""`voipbin stream record` as a user runs it, against a hand-written peer and the simulator."""

from __future__ import annotations

import io
import os
import signal
import socket
import struct
import threading
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.capture.tshark import platform_packets, rtp_streams
from tests.codec.cuts import ODD_SIZES, cut
from tests.faults.streams import Slots
from tests.media.witnesses import ALL, by_sox, by_stdlib_wave
from tests.support import disk
from tests.support.cli import finish, here, start, voipbin, wait_until
from tests.support.peer import (
    Answer,
    Fin,
    Peer,
    Reset,
    Send,
    Step,
    Until,
    document,
    envelope,
    vector_messages,
)

CALL = "5f2a8c1e-0d3b-4c57-9e6f-2b7d1a4c8e90"
STREAM = f"/v1.0/calls/{CALL}/media_stream"
OVER = document({"id": CALL, "status": "hangup", "hangup_by": "remote"})
PROGRESSING = document({"id": CALL, "status": "progressing"})
TOKEN = {"VOIPBIN_TOKEN": "a-token-that-nobody-may-see"}

MULAW = [message[12:] for _, message in vector_messages("rtp-deployed")]
LINEAR = [message[12:] for _, message in vector_messages("rtp-linear")]


def rtp(
    payloads: Iterable[bytes], payload_type: int, ssrc: int, first: int, step: int
) -> list[bytes]:
    """Packets assembled by RFC 3550 5.1: V=2 and no more flags, then the five fields."""
    return [
        struct.pack("!BBHII", 0x80, payload_type, (first + i) & 0xFFFF, first + i * step, ssrc) + p
        for i, p in enumerate(payloads)
    ]


def audiosocket(payloads: Iterable[bytes]) -> list[bytes]:
    """Frames of kind 10 with a big-endian length."""
    return [b"\x10" + struct.pack("!H", len(p)) + p for p in payloads]


def as_decoded(payloads: list[bytes], subtype: str) -> bytes:
    """What libsndfile reads out of raw samples: a decoder that is none of ours."""
    raw = io.BytesIO(b"".join(payloads))
    samples, _ = soundfile.read(
        raw, channels=1, samplerate=8000, subtype=subtype, format="RAW", endian="LITTLE",
        dtype="int16",
    )  # fmt: skip
    return samples.astype("<i2").tobytes()


# Rows of the table in wire-facts: what each dialect sends in each encapsulation.
FORMS = {
    ("documented", "rtp"): (rtp(MULAW, 0, 0x1234ABCD, 52000, 160), "ULAW"),
    ("deployed", "rtp"): ([m for _, m in vector_messages("rtp-deployed")], "ULAW"),
    ("linear", "rtp"): ([m for _, m in vector_messages("rtp-linear")], "PCM_16"),
    ("legacy", "rtp"): (rtp(MULAW, 0, 0, 1, 160), "ULAW"),
    ("documented", "sln"): (LINEAR, "PCM_16"),
    ("deployed", "sln"): ([m for _, m in vector_messages("sln-deployed")], "ULAW"),
    ("linear", "sln"): ([m for _, m in vector_messages("sln-linear")], "PCM_16"),
    ("legacy", "sln"): (MULAW, "ULAW"),
    ("documented", "audiosocket"): (audiosocket(LINEAR), "PCM_16"),
    ("deployed", "audiosocket"): ([m for _, m in vector_messages("audiosocket-deployed")], "ULAW"),
    ("linear", "audiosocket"): ([m for _, m in vector_messages("audiosocket-linear")], "PCM_16"),
    ("legacy", "audiosocket"): (audiosocket(MULAW), "ULAW"),
}
HEADER_BYTES = {"rtp": 12, "sln": 0, "audiosocket": 3}


def steps(messages: Iterable[bytes], pause_s: float = 0.0) -> list[Step]:
    return [Send(message, after=pause_s) for message in messages]


def ended_call(*script: Step, **routes: Answer) -> Peer:
    """A peer whose call is over when its script is: closed without a close frame."""
    call = {("GET", f"/v1.0/calls/{CALL}"): routes.get("state", OVER)}
    return Peer([*script, Fin()], routes=call)


@pytest.mark.parametrize(("dialect", "encapsulation"), FORMS)
def test_every_dialect_gives_back_the_very_samples(
    dialect: str, encapsulation: str, tmp_path: Path
) -> None:
    messages, subtype = FORMS[dialect, encapsulation]
    payloads = [message[HEADER_BYTES[encapsulation] :] for message in messages]
    with ended_call(*steps(messages)) as peer:
        result = voipbin(
            "stream", "record", CALL, "-e", encapsulation, "-o", "call.wav", "--json",
            "--api-url", peer.http_url("/v1.0"), cwd=tmp_path, env=TOKEN,
        )  # fmt: skip
    assert (result.status, result.stderr) == (0, "")
    assert by_stdlib_wave(tmp_path / "call.wav") == as_decoded(payloads, subtype)
    summary = result.summary
    assert summary["frames_received"] == len(messages)
    assert summary["codec"] == ("mulaw" if subtype == "ULAW" else "s16le")
    assert summary["close"]["cause"] == "call-ended"
    assert (summary["filled_seconds"], summary["reconnects"]) == (0.0, 0)


@pytest.mark.parametrize("encapsulation", ["rtp", "sln", "audiosocket"])
def test_samples_that_messages_cut_in_two_are_recorded_to_the_bit(
    encapsulation: str, tmp_path: Path
) -> None:
    pcm = b"".join(LINEAR)
    payloads = cut(pcm, ODD_SIZES["321, 319"]())
    messages = {"rtp": lambda: rtp(payloads, 96, 0, 1, 320), "sln": lambda: payloads,
                "audiosocket": lambda: audiosocket(payloads)}[encapsulation]()  # fmt: skip
    with ended_call(*steps(messages)) as peer:
        result = voipbin(
            "stream", "record", CALL, "-e", encapsulation, "-o", "call.wav", "--json",
            "--api-url", peer.http_url("/v1.0"), cwd=tmp_path, env=TOKEN,
        )  # fmt: skip
    assert (result.status, result.stderr) == (0, "")
    assert by_stdlib_wave(tmp_path / "call.wav") == pcm
    assert (result.summary["codec"], result.summary["filled_seconds"]) == ("s16le", 0.0)


def test_a_url_target_is_taken_as_it_stands(tmp_path: Path) -> None:
    messages, _ = FORMS["deployed", "sln"]
    with ended_call(*steps(messages)) as peer:
        result = voipbin(
            "stream", "record", peer.url(f"{STREAM}?encapsulation=sln&token=secret-in-the-url"),
            "--json", "-o", "call.wav", cwd=tmp_path,
        )  # fmt: skip
        (request,) = [r for r in peer.requests if r.target.startswith(STREAM)]
    assert result.status == 0
    assert request.target == f"{STREAM}?encapsulation=sln&token=secret-in-the-url"
    assert result.summary["encapsulation"] == "sln"
    assert b"secret" not in result.stdout + result.stderr.encode()


@pytest.mark.parametrize("suffix", ["flac", "raw"])
def test_the_suffix_says_the_format(suffix: str, tmp_path: Path) -> None:
    messages, _ = FORMS["deployed", "rtp"]
    with ended_call(*steps(messages)) as peer:
        result = voipbin(
            "stream", "record", CALL, "-o", f"call.{suffix}", "--api-url", peer.http_url("/v1.0"),
            cwd=tmp_path, env=TOKEN,
        )  # fmt: skip
    assert (result.status, result.stdout) == (0, b"")
    # Without a terminal, too, somebody wants to know where it is.
    assert result.stderr.startswith("voipbin: recorded ")
    assert f" of mu-law to call.{suffix}" in result.stderr
    path = tmp_path / f"call.{suffix}"
    pcm = path.read_bytes() if suffix == "raw" else by_sox(path)
    assert pcm == as_decoded(MULAW, "ULAW")


def test_a_pipe_gets_a_wav_stream(tmp_path: Path) -> None:
    messages, _ = FORMS["deployed", "rtp"]
    with ended_call(*steps(messages)) as peer:
        result = voipbin(
            "stream", "record", CALL, "-o", "-", "--api-url", peer.http_url("/v1.0"),
            cwd=tmp_path, env=TOKEN,
        )  # fmt: skip
    assert result.status == 0
    assert result.stdout[:4] == b"RIFF"
    assert result.stdout[44:] == as_decoded(MULAW, "ULAW")
    assert list(tmp_path.iterdir()) == []


def test_lost_audio_becomes_silence_and_a_stall_does_not(tmp_path: Path) -> None:
    """0.5 s, then 0.4 s that never come, 1 s, a stall of 0.3 s that catches up, 0.6 s."""
    payload = MULAW[10:30]
    speech = [payload[i % len(payload)] for i in range(120)]
    held = range(75, 90)  # until the last of them is due
    due = [0.02 * (held[-1] if n in held else n) + 0.4 * (n >= 25) for n in range(120)]
    call = Slots(list(zip(due, rtp(speech, 96, 0, 1, 160), strict=True)))
    call.ending = (Fin(),)
    with ended_call() as peer:
        peer.scripts = [call]  # type: ignore[list-item]
        result = voipbin(
            "stream", "record", CALL, "-o", "call.wav", "--json",
            "--api-url", peer.http_url("/v1.0"), cwd=tmp_path, env=TOKEN,
        )  # fmt: skip
    pcm = by_stdlib_wave(tmp_path / "call.wav")
    decoded = as_decoded(speech, "ULAW")
    filled = len(pcm) - len(decoded)
    # On a busy machine a frame more or less, and later: what is uncertain is not held for ever.
    head = -(-pcm.index(bytes(320 * 10)) // 320) * 320
    assert 25 * 320 <= head <= 75 * 320
    assert pcm[:head] == decoded[:head]
    assert pcm[head : head + filled] == bytes(filled)
    assert pcm[head + filled :] == decoded[head:]
    # A frame that this machine sent late makes the pause longer, or one before it shorter.
    assert filled / 16000 == pytest.approx(0.4, abs=0.021 + call.late_s)
    assert result.summary["filled_seconds"] == pytest.approx(filled / 16000)


def test_without_fill_the_file_holds_what_came(tmp_path: Path) -> None:
    packets = rtp(MULAW[:40], 96, 0, 1, 160)
    script = [*steps(packets[:20], 0.02), *steps(packets[20:21], 0.4), *steps(packets[21:], 0.02)]
    with ended_call(*script) as peer:
        voipbin(
            "stream", "record", CALL, "-o", "call.wav", "--no-fill",
            "--api-url", peer.http_url("/v1.0"), cwd=tmp_path, env=TOKEN,
        )  # fmt: skip
    assert by_stdlib_wave(tmp_path / "call.wav") == as_decoded(MULAW[:40], "ULAW")


def test_a_lost_link_is_won_back_and_the_outage_is_silence(tmp_path: Path) -> None:
    first, second = rtp(MULAW[:25], 96, 0, 1, 160), rtp(MULAW[25:], 96, 0, 1, 160)
    over = threading.Event()
    states = {("GET", f"/v1.0/calls/{CALL}"): lambda _: OVER if over.is_set() else PROGRESSING}
    scripts = [
        [*steps(first, 0.02), Reset()],
        [*steps(second, 0.02), Until(over), Fin()],
    ]
    with Peer(scripts=scripts, routes=states) as peer:
        process = start(
            "stream", "record", CALL, "-o", "call.wav", "--json",
            "--api-url", peer.http_url("/v1.0"), cwd=tmp_path, env=TOKEN,
        )  # fmt: skip
        peer.wait_for(lambda p: p.upgrades == 2)
        wait_until(lambda: (tmp_path / "call.wav").stat().st_size > 80 + 320 * 45)
        over.set()
        result = finish(process)
    assert result.status == 0
    assert result.summary["reconnects"] == 1
    assert [e["event"] for e in result.events].count("lost") == 1
    pcm = by_stdlib_wave(tmp_path / "call.wav")
    decoded = as_decoded(MULAW, "ULAW")
    # A busy machine that holds the peer up for longer than a buffer puts silence between frames.
    at = 0
    for start_at in range(0, len(decoded), 320):
        frame = decoded[start_at : start_at + 320]
        found = pcm.find(frame, at)
        assert found >= 0, start_at
        at = found + len(frame)
    assert at == len(pcm)
    outage_s = (len(pcm) - len(decoded)) / 16000
    assert outage_s == pytest.approx(result.summary["filled_seconds"])
    assert 0.1 < outage_s < 3.0


REFUSALS = {
    401: ("INVALID_CREDENTIALS", 4),
    403: ("PERMISSION_DENIED", 4),
    404: ("CALL_NOT_FOUND", 4),
    409: ("CALL_STATE_INVALID", 4),
    429: ("RATE_LIMIT_EXCEEDED", 4),
    500: ("INTERNAL", 3),
    503: ("UNAVAILABLE", 3),
}


@pytest.mark.parametrize("http_status", REFUSALS)
def test_a_refusal_is_told_with_its_request_id(http_status: int, tmp_path: Path) -> None:
    reason, status = REFUSALS[http_status]
    refusal = envelope(http_status, reason, "no\x1b[31m", "req-4711")
    with Peer(upgrade=refusal) as peer:
        result = voipbin(
            "stream", "record", CALL, "--json", "--api-url", peer.http_url("/v1.0"),
            cwd=tmp_path, env=TOKEN,
        )  # fmt: skip
    assert result.status == status
    error = result.events[-1]
    assert error["event"] == "error"
    assert (error["status"], error["http_status"]) == (status, http_status)
    assert (error["reason"], error["request_id"]) == (reason, "req-4711")
    lines = result.stderr.splitlines()
    assert lines[0].startswith("voipbin: ")
    assert "req-4711" in lines[0]
    assert lines[1].startswith("hint: ")
    assert "\x1b" not in result.stderr
    assert TOKEN["VOIPBIN_TOKEN"].encode() not in result.stdout + result.stderr.encode()
    assert list(tmp_path.iterdir()) == []


def test_a_call_that_is_not_up_is_refused(tmp_path: Path) -> None:
    with ended_call(state=document({"id": CALL, "status": "ringing"})) as peer:
        result = voipbin(
            "stream", "record", CALL, "--api-url", peer.http_url("/v1.0"), cwd=tmp_path, env=TOKEN
        )
    assert result.status == 4
    assert "ringing" in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_no_server_is_no_connection(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    result = voipbin("stream", "record", f"ws://127.0.0.1:{port}/", cwd=tmp_path)
    assert result.status == 3
    assert "Traceback" not in result.stderr


def test_nothing_that_arrives_is_status_three(tmp_path: Path) -> None:
    with Peer() as peer:
        result = voipbin("stream", "record", peer.url("/"), "-d", "0.3", cwd=tmp_path)
    assert result.status == 3
    assert "no audio" in result.stderr


@pytest.mark.parametrize(("duration", "status"), [([], 0), (["-d", "60"], 130)])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it_in_order(
    number: signal.Signals, duration: list[str], status: int, tmp_path: Path
) -> None:
    messages, _ = FORMS["deployed", "rtp"]
    with Peer(steps(messages)) as peer:
        process = start(
            *["stream", "record", peer.url("/"), "-o", "call.wav", "--capture", "call.pcapng"],
            *["--json", *duration],
            cwd=tmp_path,
        )
        wait_until(lambda: (tmp_path / "call.wav").exists())
        process.send_signal(number)
        result = finish(process)
    assert result.status == status
    assert result.summary["close"]["cause"] == "interrupted"
    for read in ALL.values():
        assert read(tmp_path / "call.wav") == as_decoded(MULAW, "ULAW")
    assert platform_packets(tmp_path / "call.pcapng") == len(messages)


def test_a_duration_ends_it_on_the_frame(tmp_path: Path) -> None:
    result = voipbin("stream", "record", "sim", "-d", "1", "-o", "call.wav", "--json", cwd=tmp_path)
    assert result.status == 0
    assert result.summary["close"]["cause"] == "duration"
    assert len(by_stdlib_wave(tmp_path / "call.wav")) == 16000


def test_an_existing_file_is_refused_and_kept(tmp_path: Path) -> None:
    (tmp_path / "call.wav").write_bytes(b"precious")
    result = here("stream", "record", "sim", "-d", "1", "-o", "call.wav", cwd=tmp_path)
    assert result.status == 2
    assert "--overwrite" in result.stderr
    assert (tmp_path / "call.wav").read_bytes() == b"precious"


def test_overwrite_keeps_the_old_file_when_nothing_comes(tmp_path: Path) -> None:
    (tmp_path / "call.wav").write_bytes(b"precious")
    with Peer(upgrade=envelope(404, "CALL_NOT_FOUND", "no", "r")) as peer:
        result = voipbin(
            "stream", "record", peer.url("/"), "-o", "call.wav", "--overwrite", cwd=tmp_path
        )
    assert result.status == 4
    assert (tmp_path / "call.wav").read_bytes() == b"precious"


def test_kill_minus_nine_leaves_a_file_that_lacks_at_most_the_last_second(tmp_path: Path) -> None:
    with Peer(steps(rtp(MULAW * 4, 96, 0, 1, 160), 0.02)) as peer:
        process = start(
            "stream", "record", peer.url("/"), "-o", "call.wav", "--capture", "call.pcapng",
            "--no-fill", cwd=tmp_path,
        )  # fmt: skip
        path = tmp_path / "call.wav"
        wait_until(lambda: path.exists() and path.stat().st_size > 80 + 320 * 100)
        process.kill()
        process.wait()
    decoded = as_decoded(MULAW * 4, "ULAW")
    for read in ALL.values():
        pcm = read(path)
        assert len(pcm) > 320 * 100
        assert decoded.startswith(pcm)
    # What was received; the silence that was sent is another stream.
    stream = max(rtp_streams(tmp_path / "call.pcapng"), key=lambda row: int(row["packets"]))
    # The two files have a thread each: the capture may be behind, by less than a second.
    assert int(stream["packets"]) > 100 - 50


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterable[Path]:
    with disk.small_disk(tmp_path / "disk", kib=64) as path:
        yield path


def test_a_full_disk_is_said_and_the_file_stays_readable(small_disk: Path, tmp_path: Path) -> None:
    with Peer(steps(rtp(MULAW * 8, 96, 0, 1, 160), 0.002)) as peer:
        result = voipbin(
            "stream", "record", peer.url("/"), "-o", str(small_disk / "call.wav"), cwd=tmp_path
        )
    assert result.status == 5
    assert "No space left" in result.stderr
    pcm = by_stdlib_wave(small_disk / "call.wav")
    assert len(pcm) > 32000
    assert as_decoded(MULAW * 8, "ULAW").startswith(pcm)


def test_an_unwritable_place_is_told_before_anything_is_connected(tmp_path: Path) -> None:
    result = here("stream", "record", "sim", "-o", "no/such/place.wav", cwd=tmp_path)
    assert result.status == 5
    assert "no/such" in result.stderr


def test_hostile_messages_are_counted_and_do_no_harm(tmp_path: Path) -> None:
    messages, _ = FORMS["deployed", "rtp"]
    bad: list[Step] = [Send(b""), Send(b"\x00"), Send("text \x1b[2J"), Send(os.urandom(65536))]
    with ended_call(*steps(messages[:10]), *bad, *steps(messages[10:])) as peer:
        result = voipbin(
            "stream", "record", CALL, "-o", "call.wav", "--json",
            "--api-url", peer.http_url("/v1.0"), cwd=tmp_path, env=TOKEN,
        )  # fmt: skip
    assert result.status == 0
    assert result.summary["malformed_messages"] >= 2
    samples = np.frombuffer(by_stdlib_wave(tmp_path / "call.wav"), "<i2")
    decoded = np.frombuffer(as_decoded(MULAW, "ULAW"), "<i2")
    assert (samples[: 10 * 160] == decoded[: 10 * 160]).all()
    assert (samples[-40 * 160 :] == decoded[-40 * 160 :]).all()


@pytest.mark.parametrize("scenario", ["drop-and-return", "hang-up", "stall", "jitter"])
def test_a_simulated_call_keeps_its_clock(scenario: str, tmp_path: Path) -> None:
    result = voipbin(
        "stream", "record", f"sim:{scenario}", "-d", "4.5", "-o", "call.wav", "--json",
        cwd=tmp_path,
    )  # fmt: skip
    summary = result.summary
    assert result.status == 0
    assert summary["audio_seconds"] == pytest.approx(4.5, abs=0.25)
    assert summary["reconnects"] == (1 if scenario == "drop-and-return" else 0)


@pytest.mark.parametrize(
    ("scenario", "status", "words"),
    [
        ("not-progressing", 4, "ringing"),
        ("closed-early", 3, "before any audio"),
        ("connection-lost", 3, "not won back"),
        ("frozen", 3, "dead when the time was up"),
        ("token-expires", 4, "INVALID_CREDENTIALS"),
        ("no-audio", 3, "no audio"),
    ],
)
def test_what_a_simulated_platform_does_becomes_its_status(
    scenario: str, status: int, words: str, tmp_path: Path
) -> None:
    result = voipbin(
        "stream", "record", f"sim:{scenario}", "-d", "7", "--give-up-after", "2s",
        "-o", "call.wav", cwd=tmp_path,
    )  # fmt: skip
    assert (result.status, words in result.stderr) == (status, True)


def test_sound_and_capture_are_not_written_into_one_file(tmp_path: Path) -> None:
    (tmp_path / "link.wav").symlink_to("a.wav")
    args = ("sim", "-d", "1", "-o", "a.wav", "--overwrite", "--capture")
    for capture in ("a.wav", "./a.wav", "link.wav"):
        result = here("stream", "record", *args, capture, cwd=tmp_path)
        assert result.status == 2
        assert result.stderr == (
            "voipbin: a.wav cannot take two outputs\nhint: give each a file of its own\n"
        )
        assert not (tmp_path / "a.wav").exists()


def test_a_link_that_may_not_be_won_back_hints_at_no_longer_wait(tmp_path: Path) -> None:
    script = [*map(Send, rtp(MULAW, 96, 0, 1, 160)), Reset()]
    with Peer(script, routes={("GET", f"/v1.0/calls/{CALL}"): PROGRESSING}) as peer:
        env = {"VOIPBIN_API_URL": peer.http_url("/v1.0"), **TOKEN}
        args = ("stream", "record", CALL, "-o", "a.wav", "--no-reconnect")
        result = voipbin(*args, cwd=tmp_path, env=env)
    assert result.status == 3
    assert result.stderr.splitlines()[-1] == (
        "hint: what came before is kept; without --no-reconnect it is tried again"
    )


@pytest.mark.parametrize(
    "options",
    [
        "clean,dialect=foo",
        "jitter,strength=abc",
        "jitter,strength=1e5",
        "clean,strength=1",
        "clean,phone=maybe",
        "clean,source=tone:abc",
        "clean,source=tone:9000",
        "clean,source=dtmf:X",
        "clean,source=/etc/passwd",
    ],
)
def test_what_the_simulator_does_not_take_is_two_lines(options: str, tmp_path: Path) -> None:
    result = here("stream", "record", f"sim:{options}", "-d", "1", cwd=tmp_path)
    assert result.status == 2
    what, hint = result.stderr.splitlines()
    assert (what[:9], hint[:6]) == ("voipbin: ", "hint: ")
    assert result.stdout == b""
