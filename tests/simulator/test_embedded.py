"""The simulator as a child process."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
import wave
from pathlib import Path
from urllib.request import Request, urlopen

import pytest
from websockets.asyncio.client import connect

from tests.support.aio import run
from voipbin_cli.environment import keep_secrets
from voipbin_cli.errors import MachineError, UsageError
from voipbin_cli.simulator.embedded import EmbeddedSimulator

ROOT = Path(__file__).parents[2]


def _is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split(")")[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def _wait_until_gone(pid: int) -> None:
    deadline = time.monotonic() + 10
    while _is_alive(pid):
        assert time.monotonic() < deadline, "the child outlives its parent"
        time.sleep(0.02)


def _stream(simulator: EmbeddedSimulator, encapsulation: str = "rtp") -> str:
    paths = {"call": "calls", "conference": "conferences"}
    origin = simulator.origin.replace("http", "ws", 1)
    path = f"/v1.0/{paths[simulator.kind]}/{simulator.target_id}/media_stream"
    return f"{origin}{path}?encapsulation={encapsulation}&token={simulator.token}"


def test_it_serves_as_long_as_the_block_lasts() -> None:
    with EmbeddedSimulator() as simulator:
        assert simulator.kind == "call"
        assert simulator.target_id == simulator.call_id
        assert len(simulator.conference_ids) == 2
        request = Request(
            f"{simulator.api_url}/calls/{simulator.call_id}",
            headers={"Authorization": f"Bearer {simulator.token}"},
        )
        with urlopen(request, timeout=5) as answer:
            assert json.loads(answer.read())["status"] == "progressing"
        pid = simulator._process.pid
        assert _is_alive(pid)
    _wait_until_gone(pid)


def test_streams_reports_and_controls() -> None:
    async def main(simulator: EmbeddedSimulator) -> None:
        async with connect(_stream(simulator), max_queue=None) as socket:
            first = bytes(await socket.recv())  # type: ignore[arg-type]
            assert first[:12].hex() == "806000010000014000000000"
            report = await asyncio.to_thread(simulator.report)
            assert report["streams_now"] == 1
            await asyncio.to_thread(simulator.drop)
            await socket.wait_closed()
        assert (await asyncio.to_thread(simulator.report))["status"] == "progressing"
        await asyncio.to_thread(simulator.hang_up)
        assert (await asyncio.to_thread(simulator.report))["status"] == "terminated"

    with EmbeddedSimulator("clean", {"kind": "conference", "dialect": "linear"}) as simulator:
        assert simulator.target_id == simulator.conference_ids[0]
        run(main(simulator))


def test_what_the_phone_heard_is_in_the_file_even_after_a_kill(tmp_path: Path) -> None:
    path = tmp_path / "heard.wav"
    pcm = b"\x10\x20" * 160

    async def main(simulator: EmbeddedSimulator) -> None:
        async with connect(_stream(simulator, "sln"), max_queue=None) as socket:
            await socket.send(pcm)
            while (await asyncio.to_thread(simulator.report))["call_ms"] < 500:
                await asyncio.sleep(0.05)

    with EmbeddedSimulator("clean", heard_path=path) as simulator:
        run(main(simulator))
        simulator._process.kill()
    with wave.open(str(path), "rb") as file:
        assert file.getnframes() >= 0.3 * 8000
        assert pcm in file.readframes(file.getnframes())


_PARENT = """
import sys, time
from voipbin_cli.simulator.embedded import EmbeddedSimulator
with EmbeddedSimulator() as simulator:
    print(simulator._process.pid, flush=True)
    time.sleep(60)
"""


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_it_does_not_outlive_its_parent_however_that_ends(number: signal.Signals) -> None:
    parent = subprocess.Popen([sys.executable, "-c", _PARENT], stdout=subprocess.PIPE, cwd=ROOT)
    assert parent.stdout is not None
    with parent.stdout:
        pid = int(parent.stdout.readline())
        assert _is_alive(pid)
        parent.send_signal(number)
        parent.wait(10)
        _wait_until_gone(pid)


@pytest.mark.parametrize(
    ("name", "options", "word"),
    [
        ("no-such", {}, "no scenario"),
        ("clean", {"dialect": "x"}, "dialect=x"),
        ("clean", {"source": "/nowhere.wav"}, "no source"),
    ],
)
def test_what_is_wrong_is_said_with_a_hint(name: str, options: dict[str, str], word: str) -> None:
    with pytest.raises(UsageError, match=word), EmbeddedSimulator(name, options):
        pass


def test_a_heard_file_that_cannot_be_made_is_the_machine_s_fault(tmp_path: Path) -> None:
    path = tmp_path / "nowhere" / "heard.wav"
    with pytest.raises(MachineError, match="nowhere"), EmbeddedSimulator(heard_path=path):
        pass


def test_a_child_that_cannot_start_is_said_with_its_last_words(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("voipbin_cli.simulator.embedded._BOOT", "raise SystemExit('no luck')")
    with pytest.raises(MachineError) as caught, EmbeddedSimulator():
        pass
    assert caught.value.hint == "no luck"


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="needs /proc")
def test_real_credentials_stay_out_of_the_child(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("VOIPBIN_TOKEN", "VOIPBIN_ACCESSKEY", "VN_ACCESS_KEY"):
        monkeypatch.setenv(name, "s3cret")
    monkeypatch.setattr("voipbin_cli.environment._kept", {})
    keep_secrets()  # as the program does before anything else
    with EmbeddedSimulator() as simulator:
        process = Path(f"/proc/{simulator._process.pid}")
        assert b"s3cret" not in (process / "environ").read_bytes()
        assert simulator.token.encode() not in (process / "cmdline").read_bytes()


def test_the_module_runs_by_itself_from_any_directory(tmp_path: Path) -> None:
    process = subprocess.run(
        [sys.executable, "-m", "voipbin_cli.simulator", "jitter", "seed=3"],
        input=b"",
        capture_output=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        timeout=20,
        check=True,
    )
    ready = json.loads(process.stdout)
    assert ready["event"] == "ready"
    assert ready["scenario"] == "jitter"
    assert process.stderr == b""


def test_nothing_heavy_is_loaded_before_it_serves() -> None:
    code = (
        "import sys, voipbin_cli.simulator.__main__\n"
        "heavy = {'typer', 'rich', 'httpx2', 'soundfile', 'websockets.asyncio', 'scipy'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    out = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True
    )
    assert out.stdout.strip() == "[]"
