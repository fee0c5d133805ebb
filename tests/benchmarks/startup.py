"""How long people wait before anything happens: `python tests/benchmarks/startup.py`.

Each round runs every command once, in turn, so that a busy moment of the machine strikes all of
them; the figures are medians. The limits are ratios within the same run: --version at most twice
bare Python, help and TAB at most three times `python -c 'import typer'`.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.benchmarks.harness import headline
from voipbin_cli.shell.command_tree import command_tree
from voipbin_cli.simulator.embedded import EmbeddedSimulator

ROUNDS = int(os.environ.get("ROUNDS", "15"))
VOIPBIN = [sys.executable, "-P", "-m", "voipbin_cli"]
BARE, TYPER = "bare Python", "import typer"


def elapsed_ms(command: list[str], env: dict[str, str]) -> float:
    started_s = time.perf_counter()
    subprocess.run(command, env=env, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    return (time.perf_counter() - started_s) * 1000


def cases(env: dict[str, str], fresh: Path) -> dict[str, tuple[list[str], dict[str, str]]]:
    """What is timed, by name; a cache that is kept, and one that is forgotten each time."""
    found = {
        BARE: ([sys.executable, "-c", "pass"], env),
        TYPER: ([sys.executable, "-c", "import typer"], env),
        "--version": ([*VOIPBIN, "--version"], env),
    }
    for command in command_tree().walk():
        found[f"{command.name} --help"] = ([*VOIPBIN, *command.path, "--help"], env)
    for kind in ("profiles", "devices", "targets"):
        name = f"TAB: {kind}" + (", kept" if kind == "targets" else "")
        found[name] = ([*VOIPBIN, ""], {**env, "_VOIPBIN_COMPLETE": kind})
    asked = {**env, "_VOIPBIN_COMPLETE": "targets", "VOIPBIN_CACHE_DIR": str(fresh)}
    found["TAB: targets, from the API"] = ([*VOIPBIN, ""], asked)
    return found


def measure(home: Path) -> dict[str, float]:
    fresh = home / "fresh"
    with EmbeddedSimulator("clean") as simulator:
        env = {
            **os.environ,
            "HOME": str(home),
            "VOIPBIN_API_URL": simulator.api_url,
            "VOIPBIN_TOKEN": simulator.token,
        }
        # Byte code is written by the first run, as pip does for an installed wheel.
        env.pop("PYTHONDONTWRITEBYTECODE", None)
        env["PYTHONPYCACHEPREFIX"] = str(home / "pycache")
        times: dict[str, list[float]] = {}
        for number in range(ROUNDS + 1):
            for name, (command, its_env) in cases(env, fresh).items():
                (fresh / "in-progress.json").unlink(missing_ok=True)
                if number:
                    times.setdefault(name, []).append(elapsed_ms(command, its_env))
                else:
                    elapsed_ms(command, its_env)
    return {name: statistics.median(found) for name, found in times.items()}


def main() -> int:
    with tempfile.TemporaryDirectory() as home:
        medians = measure(Path(home))
    late = []
    print(f"{'':42} {'ms':>6} {'x Python':>9} {'x typer':>8}  limit")
    for name, median in medians.items():
        over_python, over_typer = median / medians[BARE], median / medians[TYPER]
        limit = ""
        if name == "--version":
            limit = "2 x Python"
            late += [name] * (over_python > 2)
        elif name not in (BARE, TYPER):
            limit = "3 x typer"
            late += [name] * (over_typer > 3)
        print(f"{name:42} {median:6.0f} {over_python:9.2f} {over_typer:8.2f}  {limit}")
    print(f"over the limit: {', '.join(late) or 'none'}")
    helps = [ms for name, ms in medians.items() if name.endswith("--help")]
    headline("--version", medians["--version"] / medians[BARE], "bare Python's start", "<= 2")
    headline("the slowest --help", max(helps) / medians[TYPER], "an import of typer", "<= 3")
    return 1 if late else 0


if __name__ == "__main__":
    sys.exit(main())
