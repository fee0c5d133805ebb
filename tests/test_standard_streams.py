"""Whatever the standard streams are: a status that is right, and nothing lost."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.support.cli import VOIPBIN, environment, wait_until
from voipbin_cli import standard_streams


def run_by_shell(command: str, tmp_path: Path) -> subprocess.CompletedProcess[bytes]:
    line = " ".join([*VOIPBIN, command])
    return subprocess.run(
        ["sh", "-c", line], cwd=tmp_path, env=environment(tmp_path), capture_output=True
    )


@pytest.mark.parametrize("streams", ["<&- >&- 2>&-", "2>/dev/full"])
def test_a_recording_needs_no_standard_stream(streams: str, tmp_path: Path) -> None:
    ended = run_by_shell(f"stream record sim -d 0.2 -o a.wav {streams}", tmp_path)
    assert ended.returncode == 0
    assert (tmp_path / "a.wav").stat().st_size == 80 + 2 * 1600


@pytest.mark.parametrize(
    ("command", "status"),
    [("play sim - --raw <&-", 2), ("validate - <&-", 3), ("play sim - 0>x", 2)],
)
def test_an_input_that_gives_nothing_is_no_bug(command: str, status: int, tmp_path: Path) -> None:
    ended = run_by_shell(f"stream {command}", tmp_path)
    assert ended.returncode == status
    assert ended.stderr.startswith(b"voipbin: ")
    assert b"standard input" in ended.stderr


@pytest.mark.parametrize(
    ("command", "status"),
    [("--version >/dev/full", 5), ("--version >&-", 5), ("simulate --list >/dev/full", 5)],
)
def test_what_cannot_be_printed_is_said(command: str, status: int, tmp_path: Path) -> None:
    ended = run_by_shell(command, tmp_path)
    assert ended.returncode == status
    assert ended.stderr.startswith(b"voipbin: cannot write to standard output")


@pytest.mark.parametrize("stdout", [">&-", ">/dev/full", "| true"])
def test_an_error_keeps_its_status_where_no_script_can_read_of_it(
    stdout: str, tmp_path: Path
) -> None:
    command = f"calls list --json --api-url ftp://x; echo $? >&2) {stdout}"
    ended = subprocess.run(
        ["sh", "-c", f"(sleep 0.2; {' '.join(VOIPBIN)} {command}"],
        cwd=tmp_path,
        env=environment(tmp_path),
        capture_output=True,
    )
    said = ended.stderr.decode().splitlines()
    assert said[0] == "voipbin: not an API's address: ftp://x"
    assert said[-1] == "2"
    assert any("cannot write to standard output" in line for line in said) == (stdout != "| true")
    assert not any("Traceback" in line for line in said)


def test_nobody_who_reads_is_no_error(tmp_path: Path) -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    ended = subprocess.run(
        [*VOIPBIN, "--version"], env=environment(tmp_path), stdout=write_end, stderr=subprocess.PIPE
    )
    os.close(write_end)
    assert (ended.returncode, ended.stderr) == (0, b"")


def test_a_pipe_that_stays_open_holds_up_no_exit(tmp_path: Path) -> None:
    read_end, write_end = os.pipe()
    try:
        ended = subprocess.run(
            [*VOIPBIN, "stream", "play", "sim", "-", "--raw", "-d", "0.2"],
            stdin=read_end,
            capture_output=True,
            env=environment(tmp_path),
            timeout=60,
        )
    finally:
        os.close(read_end)
        os.close(write_end)
    assert (ended.returncode, ended.stderr) == (0, b"")


def full_pipe() -> tuple[int, int]:
    """A pipe that takes nothing more until somebody reads from it."""
    read_end, write_end = os.pipe()
    os.set_blocking(write_end, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(write_end, b"\n" * 512)
    os.set_blocking(write_end, True)
    return read_end, write_end


def test_no_recording_waits_for_who_reads_of_it_or_its_capture(tmp_path: Path) -> None:
    read_end, write_end = full_pipe()
    wav, fifo = tmp_path / "a.wav", tmp_path / "a.pcapng"
    os.mkfifo(fifo)
    line = "stream record sim -d 0.2 -o a.wav --capture a.pcapng --json"
    process = subprocess.Popen(
        [*VOIPBIN, *line.split()], cwd=tmp_path, env=environment(tmp_path), stdout=write_end
    )
    os.close(write_end)
    wait_until(lambda: wav.exists() and wav.stat().st_size == 80 + 2 * 1600)
    assert fifo.read_bytes().startswith(b"\x0a\x0d\x0d\x0a")  # a pcapng's first block
    with open(read_end, "rb") as reader:
        *_, last = reader.read().splitlines()
    assert json.loads(last)["event"] == "summary"
    assert process.wait() == 0


def test_a_reader_that_reads_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(standard_streams._Patient, "patience_ms", 200)
    monkeypatch.setattr(standard_streams._Patient, "is_bounded", True)
    read_end, write_end = full_pipe()
    patient = standard_streams._Patient(write_end, "w", closefd=False)
    begun_s = time.monotonic()
    for _ in range(50):  # it is waited for once
        with pytest.raises(TimeoutError, match="nobody read it"):
            patient.write(b"audio")
    assert 0.2 <= time.monotonic() - begun_s < 5.0
    forgiving = standard_streams._Forgiving(write_end, "w", closefd=False)
    assert forgiving.write(b"words") == 5
    os.read(read_end, 1 << 16)
    assert patient.write(b"audio") == 5  # and is written to where it reads after all
    for descriptor in (read_end, write_end):
        os.close(descriptor)


def test_ctrl_c_while_modules_are_loaded_leaves_no_traceback(tmp_path: Path) -> None:
    pressed_by("typer", "press()\ntime.sleep(5)\n", tmp_path)
    ended = interrupted(tmp_path, "--help")
    assert (ended.returncode, ended.stdout, ended.stderr) == (-2, b"", b"")


def test_ctrl_c_in_a_callback_of_python_is_not_lost(tmp_path: Path) -> None:
    # Inside of the command, whose modules are loaded when it is called; as importlib's own
    # callback, which takes the lock of a loaded module away, it cannot raise anything.
    pressed_by("asyncio", "weakref.finalize(set(), press)\ntime.sleep(5)\n", tmp_path)
    ended = interrupted(tmp_path, "stream", "record", "sim", "-d", "5", "-o", "-")
    assert (ended.returncode, ended.stdout, ended.stderr) == (-2, b"", b"")


def test_ctrl_c_where_it_was_answered_to_already_is_130(tmp_path: Path) -> None:
    pressed_by("voipbin_main", "", tmp_path)
    (tmp_path / "twice.py").write_text(
        "import sys, voipbin_main, voipbin_cli.main\n"
        "voipbin_cli.main.main = voipbin_main.press\n"
        "from voipbin_cli.__main__ import run\n"
        "sys.exit(run())\n"
    )
    ended = interrupted(tmp_path, command=[VOIPBIN[0], str(tmp_path / "twice.py")])
    assert (ended.returncode, ended.stdout, ended.stderr) == (130, b"", b"")


def pressed_by(module: str, code: str, tmp_path: Path) -> None:
    """Put a module first that has Ctrl-C pressed."""
    press = "import os, signal, time, weakref\ndef press(): os.kill(os.getpid(), signal.SIGINT)\n"
    (tmp_path / f"{module}.py").write_text(press + code)


def interrupted(
    tmp_path: Path, *args: str, command: Sequence[str] = VOIPBIN
) -> subprocess.CompletedProcess[bytes]:
    env = environment(tmp_path) | {"PYTHONPATH": str(tmp_path)}
    # As in a terminal: whoever runs the tests in the background may have it ignored.
    return subprocess.run(
        [*command, *args],
        env=env,
        capture_output=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
