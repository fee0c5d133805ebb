"""Every benchmark, one after the other: `python -m tests.benchmarks [NAME ...]`.

Each prints a table of its own, with its peers measured in the same run; a peer that is not
installed is left out, and said. `pip install '.[bench]'` brings the Python ones.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
HELPERS = {"__main__", "harness"}


def scripts() -> list[Path]:
    """The benchmarks by name, all of them unless some are named."""
    found = sorted(path for path in HERE.glob("*.py") if path.stem not in HELPERS)
    wanted = sys.argv[1:]
    return [path for path in found if path.stem in wanted] if wanted else found


def main() -> None:
    """Run them."""
    print(f"{platform.platform()}, Python {platform.python_version()}, {os.cpu_count()} cores")
    failed = []
    for script in scripts():
        print(f"\n## {script.stem}\n", flush=True)
        if subprocess.run([sys.executable, str(script)], cwd=HERE.parents[1]).returncode:
            failed.append(script.stem)
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
