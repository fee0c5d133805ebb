"""What is loaded before it is needed: nothing that is heavy."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.capture import frames as f
from tests.support.cli import VOIPBIN, environment
from voipbin_cli.shell.command_tree import command_tree

# What the commands load when they run, and no sooner.
HEAVY = {
    "asyncio", "httpx2", "keyring", "numpy", "platformdirs", "sounddevice", "soundfile", "soxr",
    "truststore", "websockets", "yaml",
}  # fmt: skip
COMMANDS = [" ".join(command.path) for command in command_tree().walk()]
# As `python -m voipbin_cli`, and afterwards the names of all modules in a file: while the sound
# library looks for devices, which a busy machine may still be at, stderr leads nowhere.
WATCH = """
import json, os, sys
def tell():
    sys.stdout.flush()
    with open("modules.json", "w") as file:
        json.dump(list(sys.modules), file)
leave = os._exit
os._exit = lambda status: (tell(), leave(status))
from voipbin_cli.__main__ import run
try:
    status = run()
except SystemExit as exit:
    status = exit.code
os._exit(status or 0)
"""


def loaded(home: Path, *args: str, **env: str) -> set[str]:
    """The modules of a finished run, the packages of dotted ones included."""
    # argv as the installed script would have it.
    boot = f"import sys; sys.argv[0] = 'voipbin'\n{WATCH}"
    root = str(Path(sys.modules["voipbin_cli"].__file__ or "").parents[1])
    done = subprocess.run(
        [sys.executable, "-c", boot, *args],
        cwd=home,
        env=environment(home, {"PYTHONPATH": root, **env}),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=60,
    )
    file = home / "modules.json"
    assert file.exists(), done.stderr
    return set(json.loads(file.read_text()))


GROUPS = [" ".join(command.path) for command in command_tree().walk() if command.commands]
LAYERS = ("session", "offline", "simulator", "transport", "media", "analysis", "capture", "codec")
# The modules of the words that options are chosen from, and what those import.
WORDS = {
    "analysis", "analysis.farend", "analysis.farend.far_queue", "analysis.validation",
    "analysis.validation.due",
    "codec", "codec.audiosocket", "codec.codecs", "codec.encapsulation", "codec.fingerprint",
    "codec.g711", "codec.payload_types", "codec.rtp", "codec.sln",
    "transport", "transport.credentials", "transport.resources",
}  # fmt: skip


def of_layers(modules: set[str]) -> set[str]:
    """Those of `modules` that are ours and below the commands and their rendering."""
    own = {name.removeprefix("voipbin_cli.") for name in modules if "voipbin_cli." in name}
    return {name for name in own if name.partition(".")[0] in LAYERS}


@pytest.mark.parametrize("command", COMMANDS)
def test_help_loads_nothing_heavy_and_no_other_command(tmp_path: Path, command: str) -> None:
    modules = loaded(tmp_path, *command.split(), "--help")
    assert "typer" in modules
    assert not modules & (HEAVY | {"rich"})
    assert of_layers(modules) <= (set() if command in GROUPS else WORDS)
    places = ("voipbin_cli.commands.", "voipbin_cli.shell.")
    found = {name for name in modules if name.startswith(places)}
    shared = {f"voipbin_cli.commands.{name}" for name in ("bare_id", "group", "options", "values")}
    assert len(found - shared) == (command not in GROUPS)


@pytest.mark.parametrize("flag", ["--version", "-V"])
def test_the_version_loads_nothing_at_all(tmp_path: Path, flag: str) -> None:
    modules = loaded(tmp_path, flag)
    own = {name for name in modules if name.startswith("voipbin_cli")}
    assert own == {"voipbin_cli", "voipbin_cli.__main__"}
    # While typing was loaded Ctrl-C printed a traceback.
    assert not modules & (HEAVY | {"typer", "rich", "importlib.metadata", "typing"})


def test_a_misspelt_command_loads_nothing_heavy(tmp_path: Path) -> None:
    assert not loaded(tmp_path, "stream", "recrod") & HEAVY


@pytest.mark.parametrize("kind", ["targets", "calls", "conferences", "profiles", "devices"])
def test_tab_never_loads_the_commands(tmp_path: Path, kind: str) -> None:
    modules = loaded(tmp_path, "", _VOIPBIN_COMPLETE=kind)
    assert "voipbin_cli.shell.tab" in modules
    assert not modules & {"typer", "rich", "voipbin_cli.main", "voipbin_cli.commands"}


@pytest.mark.parametrize("kind", ["targets", "calls", "conferences"])
def test_tab_for_ids_loads_httpx2_only_when_it_asks(tmp_path: Path, kind: str) -> None:
    # Without a credential there is nothing to ask with.
    modules = loaded(tmp_path, "", _VOIPBIN_COMPLETE=kind)
    assert not modules & {"httpx2", "numpy", "websockets", "soundfile", "sounddevice", "soxr"}


def test_tab_for_profiles_loads_next_to_nothing(tmp_path: Path) -> None:
    modules = loaded(tmp_path, "", _VOIPBIN_COMPLETE="profiles")
    assert not modules & (HEAVY - {"platformdirs"})


@pytest.mark.parametrize("command", ["diagnose", "validate"])
def test_a_file_is_judged_without_what_a_live_stream_needs(tmp_path: Path, command: str) -> None:
    rtp = [bytes.fromhex(f"8000{n:04x}{n * 160:08x}00000007") + bytes(160) for n in range(9)]
    packets = [(n * 20_000_000, f.ethernet(f.ipv4(f.udp(each)))) for n, each in enumerate(rtp)]
    (tmp_path / "call.pcap").write_bytes(f.pcap(packets))
    modules = loaded(tmp_path, "stream", command, "call.pcap", "-q")
    assert "voipbin_cli.capture.packets" in modules
    assert not modules & (HEAVY - {"numpy"} | {"rich"})
    assert not any(name.startswith("voipbin_cli.session.") for name in modules)


def test_the_watch_sees_what_is_loaded(tmp_path: Path) -> None:
    assert "numpy" in loaded(tmp_path, "stream", "record", "sim", "-d", "0.1", "-o", "x.wav")
    assert VOIPBIN[0] == sys.executable
