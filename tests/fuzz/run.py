"""The coverage-guided fuzzer over one target or all: python tests/fuzz/run.py TARGET|all [OPTIONS]

OPTIONS are libFuzzer's; -max_total_time=60 ends the run of a target after a minute. Needs
atheris (pip install atheris). New inputs go to tests/fuzz/found/TARGET, or below the first
directory among the options; what breaks a target is written to the working directory, and
belongs into tests/fuzz/corpus/TARGET once it is mended.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[1]))

import atheris  # noqa: E402

with atheris.instrument_imports(include=["voipbin_cli"]):
    from tests.fuzz.targets import TARGETS


def main() -> None:
    """Fuzz the target that the command line names, or all of them, each in a process."""
    name, *options = sys.argv[1:] or [""]
    if name == "all":
        statuses = [fuzz_apart(each, options) for each in TARGETS]
        sys.exit(any(statuses))
    if name not in TARGETS:
        sys.exit(f"{__doc__}\nTARGET is one of {', '.join(TARGETS)}")
    fuzz(name, options)


def fuzz_apart(name: str, options: list[str]) -> int:
    """A fork's status: libFuzzer ends its process, and the imports are made once for all."""
    print(f"== {name}", file=sys.stderr, flush=True)
    child = os.fork()
    if child == 0:
        fuzz(name, options)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def fuzz(name: str, options: list[str]) -> None:
    """Run libFuzzer, which does not return."""
    directories = [Path(option) for option in options if not option.startswith("-")]
    found = (directories[0] if directories else HERE / "found") / name
    found.mkdir(parents=True, exist_ok=True)
    flags = [option for option in options if option.startswith("-")]
    corpus = HERE / "corpus" / name
    atheris.Setup([sys.argv[0], *flags, str(found), str(corpus)], TARGETS[name])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
