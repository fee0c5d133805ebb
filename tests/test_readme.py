"""Every command that the README shows in a session does what the README says."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.cli import environment

README = Path(__file__).parents[1] / "README.md"
# A line of a session: `$ voipbin …`, with `# exits N` where the status is not 0.
COMMAND = re.compile(r"^\$ (?P<command>.+?)(?:\s+# exits (?P<status>\d+))?$", re.MULTILINE)
PROGRAMS = ("sox",)
BOTS = Path(__file__).parent / "examples" / "bots"
# What makes a bot of the example the wrong one.
PROLOGUE = "import argparse, sys\nsys.argv += ['--fault', '{0}'] if '{0}' != 'None' else []"


def sessions() -> list[str]:
    """The fenced blocks that hold sessions."""
    return re.findall(r"^```console\n(.*?)^```", README.read_text(), re.MULTILINE | re.DOTALL)


@pytest.fixture
def shell(tmp_path: Path) -> dict[str, str]:
    """An environment in which `voipbin` is the one under test, and which can speak."""
    programs = tmp_path / "programs"
    programs.mkdir()
    script = programs / "voipbin"
    script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -P -m voipbin_cli "$@"\n')
    script.chmod(0o755)
    return environment(tmp_path, {"PATH": f"{programs}:{os.environ['PATH']}"})


def test_the_readme_shows_sessions() -> None:
    assert len(sessions()) >= 6


@pytest.mark.parametrize("session", sessions(), ids=lambda text: text.splitlines()[0][2:50])
def test_every_session_runs_as_it_is_shown(
    session: str, shell: dict[str, str], tmp_path: Path
) -> None:
    for match in COMMAND.finditer(session):
        command = match["command"]
        missing = [name for name in PROGRAMS if name in command and not shutil.which(name)]
        if missing:
            pytest.skip(f"{missing[0]} is not installed")
        done = subprocess.run(
            ["bash", "-c", command], cwd=tmp_path, env=shell, capture_output=True, timeout=90
        )
        if done.returncode == 5 and b"sound" in done.stderr:
            pytest.skip("there is no loudspeaker here")
        assert done.returncode == int(match["status"] or 0), (command, done.stderr.decode())


def scripts() -> list[str]:
    """The fenced blocks of Python."""
    return re.findall(r"^```python\n(.*?)^```", README.read_text(), re.MULTILINE | re.DOTALL)


def test_the_python_runs_as_it_is_shown(shell: dict[str, str], tmp_path: Path) -> None:
    (script,) = [script for script in scripts() if "# test_bot.py" not in script]
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, env=shell, capture_output=True, timeout=90
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert (tmp_path / "call.wav").exists()


@pytest.mark.slow
@pytest.mark.parametrize("fault", [None, "relative-sleeps"])
def test_the_test_of_a_bot_is_green_or_red(
    shell: dict[str, str], tmp_path: Path, fault: str | None
) -> None:
    (suite,) = [script for script in scripts() if "# test_bot.py" in script]
    (tmp_path / "test_bot.py").write_text(suite)
    parrot = BOTS.joinpath("parrot.py").read_text()
    (tmp_path / "bot.py").write_text(parrot.replace("import argparse", PROLOGUE.format(fault)))
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-rs", "-o", "voipbin_unreliable=skip"],
        cwd=tmp_path,
        env=shell,
        capture_output=True,
        timeout=90,
    )
    told = done.stdout.decode()
    if "too busy to measure" in told:
        pytest.skip("this machine is too busy to tell a slow bot")
    assert (done.returncode, "holes of" in told) == ((0, False) if fault is None else (1, True))
