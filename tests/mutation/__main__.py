"""Would the tests see it? Change one thing at a time in a module and run the tests that mirror it.

    python -m tests.mutation [--wide] codec/serial.py analysis/jitter.py analysis/findings

Each mutant runs in a process of its own, forked from one that has the libraries loaded already,
with the tests of the same name; with --wide, if it lives, with all of the folder's. What is left
is printed, to be looked at: a test is missing, or the change makes no difference.
"""

from __future__ import annotations

import importlib.abc
import importlib.util
import multiprocessing
import os
import signal
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tests.mutation.mutants import Mutant, mutants

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "voipbin_cli"
PATIENCE_S = 120
_FORK = multiprocessing.get_context("fork")


class _Mutated(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Loads one module from a changed tree."""

    def __init__(self, name: str, mutant: Mutant) -> None:
        self._name, self._mutant = name, mutant

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        if name != self._name:
            return None
        place = PACKAGE.joinpath(*name.split(".")[1:])
        is_package = (place / "__init__.py").exists()
        return importlib.util.spec_from_loader(name, self, is_package=is_package)

    def exec_module(self, module: Any) -> None:
        if module.__spec__.submodule_search_locations is not None:
            place = PACKAGE.joinpath(*self._name.split(".")[1:])
            module.__path__ = module.__spec__.submodule_search_locations = [str(place)]
        exec(compile(self._mutant.tree, self._name, "exec"), module.__dict__)


def _survives(name: str, mutant: Mutant, tests: list[Path]) -> bool:
    """Run the tests on a mutant, in a process of its own."""
    process = _FORK.Process(target=_run, args=(name, mutant, tests))
    process.start()
    process.join(PATIENCE_S)
    if process.is_alive():  # it never ends: that is seen, too
        process.kill()
        process.join()
    return process.exitcode == 0


def _run(name: str, mutant: Mutant, tests: list[Path]) -> None:
    import pytest
    from hypothesis import settings

    signal.alarm(PATIENCE_S)
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    settings.register_profile(
        "mutation", max_examples=25, derandomize=True, database=None, deadline=None
    )
    sys.meta_path.insert(0, _Mutated(name, mutant))
    options = ["-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-W", "ignore"]
    options.append("--hypothesis-profile=mutation")
    os._exit(int(pytest.main([*options, *map(str, tests)])))


def _tests(module: Path) -> tuple[list[Path], list[Path]]:
    """The tests that mirror a module, and all of its folder's."""
    relative = module.relative_to(PACKAGE)
    folder = ROOT / "tests" / relative.parts[0]
    names = {relative.stem, *relative.parts[1:-1]}
    mirror = [path for name in sorted(names) for path in sorted(folder.glob(f"test_{name}*.py"))]
    return mirror or [folder], [folder]


def examine(module: Path, *, wide: bool) -> tuple[int, list[Mutant]]:
    """How many mutants a module has, and those that no test sees."""
    name = ".".join(("voipbin_cli", *module.relative_to(PACKAGE).with_suffix("").parts))
    name = name.removesuffix(".__init__")
    mirror, folder = _tests(module)
    every = list(mutants(module.read_text()))

    def is_seen(mutant: Mutant) -> bool:
        lives = _survives(name, mutant, mirror)
        return not lives or (wide and not _survives(name, mutant, folder))

    with ThreadPoolExecutor(os.cpu_count()) as threads:
        seen = list(threads.map(is_seen, every))
    return len(every), [mutant for mutant, is_dead in zip(every, seen, strict=True) if not is_dead]


def _modules(arguments: list[str]) -> Iterator[Path]:
    for argument in arguments:
        place = PACKAGE / argument
        yield from sorted(place.rglob("*.py")) if place.is_dir() else [place]


def main() -> int:
    """Print what lives."""
    import hypothesis  # noqa: F401  loaded once, for all that are forked
    import numpy  # noqa: F401
    import pytest  # noqa: F401
    import soundfile  # noqa: F401

    made = lived = 0
    wide = "--wide" in sys.argv
    for module in _modules([word for word in sys.argv[1:] if word != "--wide"]):
        count, survivors = examine(module, wide=wide)
        made, lived = made + count, lived + len(survivors)
        print(
            f"{module.relative_to(PACKAGE)}: {count - len(survivors)} of {count} seen", flush=True
        )
        for mutant in survivors:
            print(f"    {mutant.line}: {mutant.before}  →  {mutant.after}", flush=True)
    print(f"{made - lived} of {made} mutants seen ({(made - lived) / max(made, 1):.1%})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
