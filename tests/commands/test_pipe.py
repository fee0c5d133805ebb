"""`voipbin stream pipe` as a user runs it."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import numpy as np

from tests.support.cli import VOIPBIN, environment, finish, start, voipbin
from tests.support.peer import Fin, Peer, document, vector_messages, vector_steps
from tests.support.terminal import Terminal
from voipbin_cli.codec.g711 import mulaw_to_s16le

CALL = "5f2a8c1e-0d3b-4c57-9e6f-2b7d1a4c8e90"
STATE = ("GET", f"/v1.0/calls/{CALL}")
OVER = document({"id": CALL, "status": "hangup"})
TOKEN = {"VOIPBIN_TOKEN": "a-token-that-nobody-may-see"}
SILENCE = bytes(320)
NOISE = np.random.default_rng(3).integers(-12000, 12000, 4000).astype("<i2").tobytes()


def sound(peer: Peer) -> bytes:
    return b"".join(f.data[12:] for f in peer.messages() if f.data[12:] != SILENCE)


def test_a_program_speaks_and_the_call_ends_with_it(tmp_path: Path) -> None:
    (tmp_path / "noise.raw").write_bytes(NOISE)
    with Peer(vector_steps("rtp-deployed")) as peer:
        result = voipbin(
            "stream", "pipe", CALL, "--json", "--api-url", peer.http_url("/v1.0"),
            "--", "cat", "noise.raw", cwd=tmp_path, env=TOKEN,
        )  # fmt: skip
        assert sound(peer) == NOISE
    assert (result.status, result.stderr) == (0, "")
    assert result.summary["spoken_seconds"] == 0.5
    assert result.summary["program_status"] == 0


def test_a_program_hears_and_ends_with_the_call(tmp_path: Path) -> None:
    with Peer([*vector_steps("rtp-deployed"), Fin()], routes={STATE: OVER}) as peer:
        result = voipbin(
            "stream", "pipe", CALL, "--api-url", peer.http_url("/v1.0"),
            "--", "dd", "of=heard.raw", "status=none", cwd=tmp_path, env=TOKEN,
        )  # fmt: skip
    codes = b"".join(message[12:] for _, message in vector_messages("rtp-deployed"))
    assert (result.status, result.stdout, result.stderr) == (0, b"", "")
    assert (tmp_path / "heard.raw").read_bytes() == mulaw_to_s16le(codes)


def test_a_failing_program_is_status_5(tmp_path: Path) -> None:
    with Peer(vector_steps("rtp-deployed")) as peer:
        result = voipbin(
            "stream", "pipe", CALL, "--api-url", peer.http_url("/v1.0"),
            "--", "sh", "-c", "echo oops >&2; exit 3", cwd=tmp_path, env=TOKEN,
        )  # fmt: skip
    assert result.status == 5
    lines = result.stderr.splitlines()
    assert lines[0] == "oops"
    assert lines[1] == "voipbin: sh ended with status 3"


def test_a_program_that_is_not_there_or_not_named_is_status_2(tmp_path: Path) -> None:
    with Peer(vector_steps("rtp-deployed")) as peer:
        url = peer.http_url("/v1.0")
        for rest in (["--", "/nonesuch"], []):
            result = voipbin(
                "stream", "pipe", CALL, "--api-url", url, *rest, cwd=tmp_path, env=TOKEN
            )
            assert result.status == 2
            assert len(result.stderr.splitlines()) == 2


def test_ctrl_c_ends_both(tmp_path: Path) -> None:
    """A terminal sends it to the whole group: the program is in it."""
    script = "echo $$ > pid; exec cat"
    with Peer(vector_steps("rtp-deployed")) as peer:
        process = subprocess.Popen(
            [*VOIPBIN, "stream", "pipe", CALL, "--api-url", peer.http_url("/v1.0"),
             "--", "sh", "-c", script],
            cwd=tmp_path,
            env=environment(tmp_path, TOKEN),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )  # fmt: skip
        peer.received(60)
        os.killpg(process.pid, signal.SIGINT)
        result = finish(process)
    assert (result.status, result.stdout, result.stderr) == (0, b"", "")
    assert not Path(f"/proc/{(tmp_path / 'pid').read_text().strip()}").exists()


def test_sigterm_ends_both(tmp_path: Path) -> None:
    with Peer(vector_steps("rtp-deployed")) as peer:
        process = start(
            "stream", "pipe", CALL, "--api-url", peer.http_url("/v1.0"),
            "--", "sh", "-c", "echo $$ > pid; exec cat", cwd=tmp_path, env=TOKEN,
        )  # fmt: skip
        peer.received(60)
        process.send_signal(signal.SIGTERM)
        result = finish(process)
    assert (result.status, result.stderr) == (0, "")
    assert not Path(f"/proc/{(tmp_path / 'pid').read_text().strip()}").exists()


def test_tones_that_sox_made_are_heard(tmp_path: Path) -> None:
    """ITU-T Q.23: 852 and 1336 Hz are an 8."""
    tone = "synth 0.1 sine 852 synth 0.1 sine mix 1336 gain -6 pad 0.2 0.5"
    subprocess.run(f"sox -n -r 8000 -b 16 eight.wav {tone}".split(), cwd=tmp_path, check=True)
    result = voipbin(
        "stream", "pipe", f"sim:clean,source={tmp_path / 'eight.wav'}", "-d", "2", "--json",
        "--", "sh", "-c", "cat >/dev/null", cwd=tmp_path,
    )  # fmt: skip
    assert result.status == 0
    assert {event["digit"] for event in result.events if event["event"] == "dtmf"} == {"8"}


def test_a_terminal_shows_both_directions_and_what_the_program_says_above(tmp_path: Path) -> None:
    program = ("sh", "-c", "echo oops >&2; exec cat")
    command = [*VOIPBIN, "stream", "pipe", "sim", "-d", "2", "--", *program]
    with Terminal(*command, cwd=tmp_path, env=environment(tmp_path), columns=80) as terminal:
        terminal.wait_for("oops\n")
        rows = terminal.wait_for("far end: ").split("\n")
        assert [row.split()[0] for row in rows[-4:]] == ["received", "sent", "answers", "frames"]
        assert max(map(len, rows)) <= 80
        terminal.wait_for("program speaks")
        terminal.wait_for("spoke ")
        terminal.wait_for("received  ok\nsent      ")
        assert terminal.finish() == 0
