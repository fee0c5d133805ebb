"""Every benchmark, one after the other, and one table in the end.

    python -m tests.benchmarks [NAME ...]

Each prints its own figures, with its peers measured in the same run. The Python peers that are
missing are installed first (the `bench` extra); tshark and ffmpeg are Debian's, which tests/run
brings. What is not to be had is left out, and said.
"""

from __future__ import annotations

import importlib.util
import os
import platform
import subprocess
import sys
import tomllib
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
HELPERS = {"__main__", "harness"}
PEERS = ("dpkt", "aiortc", "scapy", "audioop")
HEADLINE = "→ "


def scripts() -> list[Path]:
    """The benchmarks by name, all of them unless some are named."""
    found = sorted(path for path in HERE.glob("*.py") if path.stem not in HELPERS)
    wanted = sys.argv[1:]
    return [path for path in found if path.stem in wanted] if wanted else found


def install_peers() -> None:
    """Install the Python peers that are missing."""
    if all(importlib.util.find_spec(name) for name in PEERS):
        return
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = extras["optional-dependencies"]["bench"]
    pip = [sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    if subprocess.run([*pip, *wanted]).returncode:
        print("some peers could not be installed; they are left out")


def run(script: Path) -> tuple[int, list[str]]:
    """Run one, showing what it prints as it comes; its status and its headlines."""
    headlines = []
    command = [sys.executable, "-m", f"tests.benchmarks.{script.stem}"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            print(line, end="", flush=True)
            if line.startswith(HEADLINE):
                headlines.append(line.removeprefix(HEADLINE).rstrip())
    return process.returncode, headlines


def main() -> None:
    """Run them."""
    install_peers()
    print(f"{platform.platform()}, Python {platform.python_version()}, {os.cpu_count()} cores")
    table, failed = [], []
    for script in scripts():
        print(f"\n## {script.stem}\n", flush=True)
        status, headlines = run(script)
        table += [f"{script.stem:<10}{line}" for line in headlines]
        failed += [script.stem] * (status != 0)
    print("\n## In one table\n", *table, sep="\n")
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
