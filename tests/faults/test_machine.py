"""This machine's own troubles: its clock, its disk, its processes."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.capture.support import open_capture, records_of
from tests.faults.streams import Paced, decoded, packets, play
from tests.media.witnesses import by_sox, by_stdlib_wave
from tests.support.cli import environment, finish, start, voipbin, wait_until
from tests.support.disk import small_disk
from tests.support.needs import need
from tests.support.peer import Fin, Peer, Send, Until
from voipbin_cli.capture.captured import CapturedMessage
from voipbin_cli.codec.encapsulation import Direction

# The clock

# Python imports this before anything else. The wall clock alone: monotonic clocks cannot be set.
SET_BACK = """
import os, time

def set_back(read, hour):
    return lambda: read() - (hour if os.path.exists(os.environ["SET_BACK"]) else 0)

time.time = set_back(time.time, 3600)
time.time_ns = set_back(time.time_ns, 3600 * 10**9)
"""


def by_python(directory: Path, flag: Path) -> dict[str, str]:
    """The environment in which Python's own functions tell the wall clock's time so."""
    (directory / "sitecustomize.py").write_text(SET_BACK)
    return {"PYTHONPATH": str(directory), "SET_BACK": str(flag)}


def by_libfaketime(_directory: Path, flag: Path) -> dict[str, str]:
    """That in which the C library does, to Python's own timers and to all libraries."""
    asked = [need("faketime"), "-m", "-f", "+0", "printenv", "LD_PRELOAD"]
    library = subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()
    flag.write_text("+0")
    return {
        "LD_PRELOAD": library,
        "FAKETIME_TIMESTAMP_FILE": str(flag),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }


WAYS = pytest.mark.parametrize("way", [by_python, by_libfaketime])


@WAYS
def test_a_clock_set_back_an_hour_moves_nothing(
    way: Callable[[Path, Path], dict[str, str]], tmp_path: Path
) -> None:
    flag = tmp_path / "set-back"
    paced = Paced(100)
    # The last frame leaves after 1.98 s, and some later where this machine is busy: it ends by the
    # duration, well after that.
    with Peer() as peer:
        play(peer, paced, ending=(Until(threading.Event()),))
        process = start(
            *["stream", "record", peer.url("/"), "-o", "call.wav", "--capture", "call.pcapng"],
            *["-d", "4", "--json"],
            cwd=tmp_path,
            env=way(tmp_path, flag),
        )
        wait_until(lambda: paced.sent >= 40)
        flag.write_text("-3600")
        result = finish(process)
    assert result.status == 0
    # Nothing came in the second half of the four seconds that were asked for.
    assert by_sox(tmp_path / "call.wav") == decoded(100) + bytes(2 * 16_000)
    assert result.summary["filled_seconds"] == 2
    assert 3.9 < result.summary["elapsed_seconds"] < 12
    times = arrivals_ns(tmp_path / "call.pcapng")
    assert len(times) == 100
    assert times == sorted(times)
    assert abs(times[-1] - time.time_ns()) < 60e9


@WAYS
def test_the_clock_of_these_tests_does_go_back(
    way: Callable[[Path, Path], dict[str, str]], tmp_path: Path
) -> None:
    """What the test above rests on: the wall clock does in mid-run, and no other."""
    flag = tmp_path / "set-back"
    env = {**os.environ, **way(tmp_path, flag)}
    program = (
        "import sys, time; from pathlib import Path; "
        "before = time.time(), time.time_ns() / 1e9, time.monotonic(); "
        "Path(sys.argv[1]).write_text('-3600'); "
        "print(*before, time.time(), time.time_ns() / 1e9, time.monotonic())"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", program, str(flag)], env=env, capture_output=True, check=True
    )
    told = list(map(float, done.stdout.split()))
    moved = [after - before for before, after in zip(told[:3], told[3:], strict=True)]
    assert moved == pytest.approx([-3600, -3600, 0], abs=30)


def arrivals_ns(path: Path) -> list[int]:
    with open_capture(path) as capture:
        return [
            record.time_ns
            for record in records_of(capture)
            if isinstance(record, CapturedMessage) and record.direction is Direction.IN
        ]


# The disk


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    with small_disk(tmp_path / "disk", kib=64) as path:
        yield path


def test_a_capture_that_finds_the_disk_full_leaves_a_whole_recording(
    disk: Path, tmp_path: Path
) -> None:
    """The capture ends there; the WAV on another disk goes on to the end of the call."""
    with Peer([Send(m, after=0.002) for m in packets(600)]) as peer:
        result = voipbin(
            *["stream", "record", peer.url("/"), "-o", "call.wav", "-d", "12"],
            *["--capture", str(disk / "call.pcapng")],
            cwd=tmp_path,
        )
    assert result.status == 5
    assert "No space left on device; the rest goes on" in result.stderr
    assert by_stdlib_wave(tmp_path / "call.wav") == decoded(600)
    assert len(arrivals_ns(disk / "call.pcapng")) > 100


@pytest.mark.parametrize("option", ["-o call.wav", "-o call.flac", "--capture call.pcapng"])
def test_a_disk_full_from_the_start_is_said_and_nothing_is_left_behind(
    option: str, disk: Path
) -> None:
    (disk / "ballast").write_bytes(bytes(65536))
    with Peer([*map(Send, packets(50)), Fin()]) as peer:
        result = voipbin("stream", "record", peer.url("/"), *option.split(), cwd=disk)
    assert result.status == 5
    assert "No space left" in result.stderr
    assert "Traceback" not in result.stderr
    assert [path.name for path in disk.iterdir()] == ["ballast"]


@pytest.mark.parametrize("option", ["-o", "--capture"])
def test_a_read_only_directory_is_told_before_anything_is_connected(
    option: str, disk: Path, tmp_path: Path
) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    with Peer() as peer:
        name = "disk/call.wav" if option == "-o" else "disk/call.pcapng"
        result = voipbin("stream", "record", peer.url("/"), option, name, cwd=tmp_path)
        assert peer.connections == 0
    assert result.status == 5
    assert f"cannot write {name}: " in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["disk"]


# The processes


def test_a_killed_command_leaves_no_simulator_behind(tmp_path: Path) -> None:
    process = start("stream", "record", "sim", "-o", "call.wav", cwd=tmp_path)
    wait_until(lambda: (tmp_path / "call.wav").exists())
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    assert children
    process.kill()
    process.communicate()
    wait_until(lambda: not any(is_running(child) for child in children))


def is_running(pid: str) -> bool:
    """Whether there is such a process; one that has ended and nobody waited for is none."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_simulator_that_dies_is_a_lost_connection(tmp_path: Path) -> None:
    process = start(
        *["stream", "record", "sim", "-o", "call.wav", "--give-up-after", "1s", "--json"],
        cwd=tmp_path,
    )
    wait_until(lambda: (tmp_path / "call.wav").exists())
    (child,) = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    os.kill(int(child), 9)
    result = finish(process)
    assert result.status == 3
    assert "not won back" in result.stderr
    assert result.summary["close"]["cause"] == "network"
    assert by_stdlib_wave(tmp_path / "call.wav")


# Standard output


@pytest.mark.parametrize("output", [">&-", ">/dev/full"])
@pytest.mark.parametrize(
    "command", ["stream play sim --dtmf 1 --json -q", "simulate --list", "--help"]
)
def test_an_output_that_takes_nothing_is_status_5(
    command: str, output: str, tmp_path: Path
) -> None:
    line = f"{sys.executable} -P -m voipbin_cli {command} {output}"
    ended = subprocess.run(
        ["sh", "-c", line], cwd=tmp_path, env=environment(tmp_path), stderr=subprocess.PIPE
    )
    assert ended.returncode == 5
    assert ended.stderr.decode().splitlines()[0].startswith("voipbin: cannot write to standard")


def test_a_closed_output_harms_no_command_that_has_nothing_to_say_there(tmp_path: Path) -> None:
    line = f"{sys.executable} -P -m voipbin_cli stream play sim --dtmf 1 >&-"
    ended = subprocess.run(["sh", "-c", line], cwd=tmp_path, env=environment(tmp_path))
    assert ended.returncode == 0
