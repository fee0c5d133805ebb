"""The coverage-guided fuzzer over one target: python tests/fuzz/run.py TARGET [libFuzzer options]

Needs atheris (pip install atheris). New inputs go to tests/fuzz/found/TARGET; what breaks a
target is written to the working directory, and belongs into tests/fuzz/corpus/TARGET once it is
mended. -max_total_time=60 ends a run after a minute.
"""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[1]))

import atheris  # noqa: E402

with atheris.instrument_imports(include=["voipbin_cli"]):
    from tests.fuzz.targets import TARGETS


def main() -> None:
    """Fuzz the target that the command line names."""
    if len(sys.argv) < 2 or sys.argv[1] not in TARGETS:
        sys.exit(f"{__doc__}\nTARGET is one of {', '.join(TARGETS)}")
    name = sys.argv[1]
    found = HERE / "found" / name
    found.mkdir(parents=True, exist_ok=True)
    corpora = [str(found), str(HERE / "corpus" / name)]
    atheris.Setup([sys.argv[0], *sys.argv[2:], *corpora], TARGETS[name])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
