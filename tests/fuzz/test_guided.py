"""A second of the coverage-guided fuzzer over each target, where atheris has a wheel."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fuzz.targets import TARGETS

HERE = Path(__file__).parent

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("atheris") is None, reason="atheris is not installed"
)


def test_a_second_of_each_target_finds_nothing(tmp_path: Path) -> None:
    result = fuzz(HERE / "run.py", "all", tmp_path)
    assert result.returncode == 0, result.stderr[-4000:]
    runs = dict(re.findall(r"^== (\w+)$.*?^Done (\d+) runs", result.stderr, re.M | re.S))
    assert runs.keys() == TARGETS.keys()
    # More than the corpus itself: a run that made up nothing of its own shows nothing.
    for name in TARGETS:
        assert int(runs[name]) > len(list((HERE / "corpus" / name).iterdir())), name
    assert not list(tmp_path.glob("crash-*"))


def test_what_breaks_a_target_is_found(tmp_path: Path) -> None:
    broken = tmp_path / "broken.py"
    broken.write_text(
        "import runpy, sys\n"
        f"sys.path.insert(0, {str(HERE.parents[1])!r})\n"
        "from voipbin_cli.codec import rtp\n"
        "def parse(data):\n"
        "    raise ZeroDivisionError('found')\n"
        "rtp.parse = parse\n"
        f"sys.argv[0] = {str(HERE / 'run.py')!r}\n"
        "runpy.run_path(sys.argv[0], run_name='__main__')\n"
    )
    result = fuzz(broken, "rtp_packet", tmp_path)
    assert result.returncode != 0
    assert "ZeroDivisionError" in result.stdout + result.stderr
    assert list(tmp_path.glob("crash-*"))


def fuzz(script: Path, name: str, into: Path) -> subprocess.CompletedProcess[str]:
    """Fuzz a target, or all, for a second each; what breaks one is kept in `into`."""
    options = ["-max_total_time=1", f"-artifact_prefix={into}/", str(into / "found")]
    command = [sys.executable, str(script), name, *options]
    return subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=240)
