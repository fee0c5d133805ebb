"""`voipbin stream play` as a user runs it, against a hand-written peer and the simulator."""

from __future__ import annotations

import os
import signal
import subprocess
import wave
from pathlib import Path

import numpy as np
import pytest

from tests.support.cli import VOIPBIN, Result, environment, finish, start, voipbin
from tests.support.peer import Fin, Peer, Received, Step, document, vector_steps
from tests.support.terminal import Terminal
from voipbin_cli.simulator.embedded import EmbeddedSimulator

CALL = "5f2a8c1e-0d3b-4c57-9e6f-2b7d1a4c8e90"
STATE = ("GET", f"/v1.0/calls/{CALL}")
OVER = document({"id": CALL, "status": "hangup"})
TOKEN = {"VOIPBIN_TOKEN": "a-token-that-nobody-may-see"}
SILENCE = bytes(320)
# 0.5 s in which no frame is silent.
NOISE = np.random.default_rng(3).integers(-12000, 12000, 4000).astype("<i2")


def write_wav(path: Path, pcm: bytes, rate_hz: int = 8000, channels: int = 1) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes(pcm)
    return path


def play(
    peer: Peer, cwd: Path, *arguments: str, stdin: bytes | None = None, timeout: float = 60.0
) -> Result:
    command = ["stream", "play", CALL, *arguments, "--api-url", peer.http_url("/v1.0")]
    done = subprocess.run(
        [*VOIPBIN, *command],
        cwd=cwd,
        env=environment(cwd, TOKEN),
        input=stdin or b"",
        capture_output=True,
        timeout=timeout,
    )
    return Result(done.returncode, done.stdout, done.stderr.decode())


def deployed(*more: Step) -> list[Step]:
    return [*vector_steps("rtp-deployed"), *more]


def sound(peer: Peer) -> bytes:
    """What was sent, without the silence before and after."""
    payloads = [frame.data[12:] for frame in peer.messages()]
    audible = [n for n, payload in enumerate(payloads) if payload != SILENCE]
    return b"".join(payloads[audible[0] : audible[-1] + 1]) if audible else b""


def test_a_file_arrives_sample_for_sample(tmp_path: Path) -> None:
    write_wav(tmp_path / "noise.wav", NOISE.tobytes())
    with Peer(deployed()) as peer:
        result = play(peer, tmp_path, "noise.wav", "--json")
        assert sound(peer) == NOISE.tobytes()
    assert (result.status, result.stderr) == (0, "")
    summary = result.summary
    assert summary["spoken_seconds"] == 0.5
    assert summary["frames_sent"] == 25 + 5 + 10
    assert (summary["codec_sent"], summary["payload_type_sent"]) == ("s16le", 96)
    assert 20 < summary["max_lead_ms"] <= 40
    assert set(summary["send_error_ms"]) == {"p50", "p99", "max"}
    assert summary["close"]["cause"] == "finished"
    assert summary["metrics_sent"]["frames"] == summary["frames_sent"]
    assert {finding["direction"] for finding in summary["findings"]} <= {"out"}
    assert summary["far_end"]["fed_ms"] == 20 * summary["frames_sent"]
    assert "conversation" not in summary


def test_files_follow_each_other_without_a_gap_as_often_as_asked(tmp_path: Path) -> None:
    first, second = NOISE[:1000].tobytes(), NOISE[1000:1777].tobytes()
    write_wav(tmp_path / "1.wav", first)
    (tmp_path / "2.raw").write_bytes(second)
    with Peer(deployed()) as peer:
        result = play(peer, tmp_path, "1.wav", "2.raw", "--loop", "2")
        heard = sound(peer)
    whole = (first + second) * 2
    assert result.status == 0
    assert heard == whole.ljust(-(-len(whole) // 320) * 320, b"\0")


def test_stdin_is_wav_or_bare_samples(tmp_path: Path) -> None:
    path = write_wav(tmp_path / "noise.wav", NOISE.tobytes())
    for arguments, data in [(["-"], path.read_bytes()), (["-", "--raw"], NOISE.tobytes())]:
        with Peer(deployed()) as peer:
            result = play(peer, tmp_path, *arguments, stdin=data)
            assert sound(peer) == NOISE.tobytes()
        assert (result.status, result.stdout, result.stderr) == (0, b"", "")


def test_any_rate_and_channels_are_converted(tmp_path: Path) -> None:
    """192 kHz, eight channels, float: the tone is what it was, at the mean of its channels."""
    tone = "synth 0.5 sine 1000 vol 0.5"
    subprocess.run(
        f"sox -n -r 192000 -e floating-point -b 32 -c 8 tone.wav {tone}".split(),
        cwd=tmp_path,
        check=True,
    )
    with Peer(deployed()) as peer:
        result = play(peer, tmp_path, "tone.wav")
        heard = np.frombuffer(sound(peer), "<i2")[800:3200].astype(float)
    assert result.status == 0
    assert np.abs(np.fft.rfft(heard)).argmax() * 8000 / heard.size == 1000
    assert np.abs(heard).max() == pytest.approx(16384, rel=0.01)


def test_gain_makes_it_louder(tmp_path: Path) -> None:
    write_wav(tmp_path / "noise.wav", (NOISE // 2).tobytes())
    with Peer(deployed()) as peer:
        play(peer, tmp_path, "noise.wav", "--gain", "6.0206")
        heard = np.frombuffer(sound(peer), "<i2")
    assert np.abs(heard - (NOISE // 2) * 2).max() <= 1


def test_digits_are_sent_before_the_files(tmp_path: Path) -> None:
    """The outside witness is a spectrum: 697 and 1209 Hz are a 1 (ITU-T Q.23)."""
    write_wav(tmp_path / "noise.wav", NOISE.tobytes())
    with Peer(deployed()) as peer:
        result = play(peer, tmp_path, "noise.wav", "--dtmf", "1#")
        heard = np.frombuffer(sound(peer), "<i2")
    assert result.status == 0
    assert heard[3200:].tobytes() == NOISE.tobytes()
    for at, pair in ((0, (697, 1209)), (1600, (941, 1477))):
        spectrum = np.abs(np.fft.rfft(heard[at : at + 800] * np.hanning(800)))
        # Bins are 10 Hz wide.
        loudest = spectrum.argsort()[-2:] * 10
        assert all(np.abs(loudest - hz).min() <= 10 for hz in pair)


BAD = {
    "text": (b"this is no audio at all\n" * 40, "text.wav"),
    "empty": (b"", "empty.wav"),
    "no samples": (None, "none.wav"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_audio_is_refused_before_the_call_hears_of_it(name: str, tmp_path: Path) -> None:
    content, file = BAD[name]
    if content is None:
        write_wav(tmp_path / file, b"")
    else:
        (tmp_path / file).write_bytes(content)
    with Peer(deployed()) as peer:
        result = play(peer, tmp_path, file)
        assert peer.requests == []
    assert result.status == 2
    assert result.stderr.startswith("voipbin: ")
    assert file in result.stderr


def test_a_truncated_file_plays_as_far_as_it_goes(tmp_path: Path) -> None:
    path = write_wav(tmp_path / "cut.wav", NOISE.tobytes())
    path.write_bytes(path.read_bytes()[: 44 + 3200])
    with Peer(deployed()) as peer:
        result = play(peer, tmp_path, "cut.wav")
        assert sound(peer) == NOISE[:1600].tobytes()
    assert result.status == 2
    assert "0.20 s of 0.50 s are there" in result.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["nothing-there.wav"],
        ["--dtmf", "12x"],
        ["--lead", "81", "--dtmf", "1"],
        ["--payload", "opus", "--dtmf", "1"],
        ["--payload-type", "128", "--dtmf", "1"],
        ["--payload", "pcmu", "-e", "sln", "--dtmf", "1"],
        ["-", "--loop", "2"],
        ["--record", "-", "--dtmf", "1"],
    ],
)
def test_wrong_usage_is_told_in_two_lines(arguments: list[str], tmp_path: Path) -> None:
    with Peer(deployed()) as peer:
        result = play(peer, tmp_path, *arguments)
        assert peer.requests == []
    assert result.status == 2
    assert len(result.stderr.splitlines()) in (1, 2)
    assert "Traceback" not in result.stderr


def test_stdin_that_is_no_wav_is_told(tmp_path: Path) -> None:
    with Peer(deployed()) as peer:
        result = play(peer, tmp_path, "-", stdin=b"hello" * 100)
    assert result.status == 2
    assert "standard input" in result.stderr


def test_a_call_that_ends_first_is_status_3(tmp_path: Path) -> None:
    write_wav(tmp_path / "long.wav", NOISE.tobytes() * 20)
    script = deployed(Received(20), Fin())
    with Peer(script, routes={STATE: OVER}) as peer:
        result = play(peer, tmp_path, "long.wav", "--json")
    assert result.status == 3
    assert result.summary["close"]["cause"] == "call-ended"
    assert result.summary["all_sent"] is False
    assert result.events[-1]["event"] == "error"
    assert "of 10.00 s" in result.stderr


def test_ctrl_c_before_the_end_is_130_and_ends_on_a_frame(tmp_path: Path) -> None:
    write_wav(tmp_path / "long.wav", NOISE.tobytes() * 20)
    with Peer(deployed()) as peer:
        process = start(
            "stream", "play", CALL, "long.wav", "--record", "back.wav",
            "--api-url", peer.http_url("/v1.0"), cwd=tmp_path, env=TOKEN,
        )  # fmt: skip
        peer.received(30)
        process.send_signal(signal.SIGINT)
        result = finish(process)
        frames = peer.messages()
    assert (result.status, result.stdout, result.stderr) == (130, b"", "")
    assert {len(frame.data) for frame in frames} == {332}
    with wave.open(str(tmp_path / "back.wav")) as back:
        assert back.getnframes() == 50 * 160


def test_nothing_heard_is_no_failure_but_a_warning(tmp_path: Path) -> None:
    write_wav(tmp_path / "noise.wav", NOISE.tobytes())
    with Peer() as peer:
        result = play(peer, tmp_path, "noise.wav")
        assert sound(peer) == NOISE.tobytes()
    assert result.status == 0
    (line,) = result.stderr.splitlines()
    assert line.startswith("voipbin: warning: ")
    assert "payload type 96" in line


def test_a_duration_ends_it_in_order(tmp_path: Path) -> None:
    write_wav(tmp_path / "long.wav", NOISE.tobytes() * 20)
    with Peer(deployed()) as peer:
        result = play(peer, tmp_path, "long.wav", "-d", "0.5", "--json")
    assert result.status == 0
    assert result.summary["all_sent"] is False


def test_the_phone_of_the_simulator_hears_it(tmp_path: Path) -> None:
    write_wav(tmp_path / "noise.wav", NOISE.tobytes())
    for _ in range(3):  # a stall of this machine is not what is tested
        with EmbeddedSimulator(heard_path=tmp_path / "heard.wav") as simulator:
            result = voipbin(
                "stream", "play", simulator.target_id, "noise.wav", "--api-url", simulator.api_url,
                cwd=tmp_path, env={"VOIPBIN_TOKEN": simulator.token},
            )  # fmt: skip
        assert result.status == 0
        with wave.open(str(tmp_path / "heard.wav")) as heard:
            if NOISE.tobytes() in heard.readframes(heard.getnframes()):
                return
    raise AssertionError("the phone did not hear it whole")


def test_a_terminal_shows_how_much_is_left(tmp_path: Path) -> None:
    write_wav(tmp_path / "long.wav", NOISE.tobytes() * 8)
    command = [*VOIPBIN, "stream", "play", "sim", "long.wav"]
    with Terminal(*command, cwd=tmp_path, env=environment(tmp_path)) as terminal:
        terminal.wait_for("left")
        terminal.wait_for("sending 16-bit PCM, payload type 96")
        terminal.wait_for("played 4.00 s")


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    """Two hours: it starts at once, and reads no further ahead than it must."""
    path = tmp_path / "long.raw"
    with path.open("wb") as file:
        file.truncate(2 * 3600 * 16_000)
    with Peer(deployed()) as peer:
        process = start(
            "stream", "play", CALL, "long.raw", "--api-url", peer.http_url("/v1.0"),
            cwd=tmp_path, env=TOKEN,
        )  # fmt: skip
        peer.received(60)
        resident = memory_bytes(process.pid)
        process.send_signal(signal.SIGINT)
        finish(process)
    assert resident < path.stat().st_size


def memory_bytes(pid: int) -> int:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")
