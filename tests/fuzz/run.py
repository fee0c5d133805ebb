"""The coverage-guided fuzzer: python tests/fuzz/run.py TARGET[,TARGET...]|all [OPTIONS]

OPTIONS are libFuzzer's; -max_total_time=60 ends the run of a target after a minute, and
-mutations=100, which is ours, after so many inputs beyond those that it has, however long they
take. Needs atheris (pip install atheris). New inputs go to tests/fuzz/found/TARGET, or below the
first directory among the options; what breaks a target is written to the working directory, and
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
    """Fuzz the targets that the command line names, each in a process."""
    wanted, *options = sys.argv[1:] or [""]
    names = list(TARGETS) if wanted == "all" else wanted.split(",")
    if not TARGETS.keys() >= set(names):
        sys.exit(f"{__doc__}\nTARGET is one of {', '.join(TARGETS)}")
    statuses = [fuzz_apart(name, options) for name in names]
    sys.exit(any(statuses))


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
    corpus = HERE / "corpus" / name
    seeds = len(list(found.iterdir())) + len(list(corpus.iterdir()))
    flags = [in_runs(option, seeds) for option in options if option.startswith("-")]
    atheris.Setup([sys.argv[0], *flags, str(found), str(corpus)], TARGETS[name])
    atheris.Fuzz()


def in_runs(option: str, seeds: int) -> str:
    """Mutations as libFuzzer counts them: after nothing at all and every seed."""
    if not option.startswith("-mutations="):
        return option
    return f"-runs={1 + seeds + int(option.partition('=')[2])}"


if __name__ == "__main__":
    main()
