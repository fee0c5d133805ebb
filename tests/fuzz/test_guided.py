"""A little of the coverage-guided fuzzer over each target, where atheris has a wheel."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fuzz.targets import TARGETS

HERE = Path(__file__).parent
# Some 30 executions a second: numpy under instruments.
SLOW = ["decoder", "validator"]
SLOW_MUTATIONS, MUTATIONS = 30, 300

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("atheris") is None, reason="atheris is not installed"
)


def test_some_mutations_of_each_target_find_nothing(tmp_path: Path) -> None:
    """By their number: a second may be over before the corpus is."""
    fast = [name for name in TARGETS if name not in SLOW]
    finds_nothing(fast, f"-mutations={MUTATIONS}", tmp_path, MUTATIONS)
    finds_nothing(SLOW, f"-mutations={SLOW_MUTATIONS}", tmp_path, SLOW_MUTATIONS)


def finds_nothing(names: list[str], limit: str, into: Path, mutations: int) -> None:
    result = fuzz(HERE / "run.py", ",".join(names), limit, into)
    assert result.returncode == 0, result.stderr[-4000:]
    runs = dict(re.findall(r"^== (\w+)$.*?^Done (\d+) runs", result.stderr, re.M | re.S))
    assert list(runs) == names
    # Nothing at all, the corpus, and then what it made up: without that a run shows nothing.
    for name in names:
        seeds = len(list((HERE / "corpus" / name).iterdir()))
        assert int(runs[name]) >= 1 + seeds + mutations, name
    assert not list(into.glob("crash-*"))


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
    result = fuzz(broken, "rtp_packet", "-max_total_time=1", tmp_path)
    assert result.returncode != 0
    assert "ZeroDivisionError" in result.stdout + result.stderr
    assert list(tmp_path.glob("crash-*"))


def fuzz(script: Path, names: str, limit: str, into: Path) -> subprocess.CompletedProcess[str]:
    """Fuzz each target up to a limit; what breaks one is kept in `into`."""
    options = [limit, f"-artifact_prefix={into}/", str(into / "found")]
    command = [sys.executable, str(script), names, *options]
    return subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=240)
