"""Files made from the commands: written, or compared with what is there."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path


def stale_files(directory: Path, files: Mapping[str, str]) -> list[str]:
    """Return the names of files that are missing, out of date, or not among `files`."""
    wrong = [name for name, text in files.items() if _read(directory / name) != text]
    there = [path.name for path in directory.iterdir()] if directory.is_dir() else []
    return wrong + sorted(set(there) - set(files))


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except OSError:
        return None


def write_files(directory: Path, files: Mapping[str, str]) -> None:
    """Make `directory` hold exactly `files`."""
    directory.mkdir(exist_ok=True)
    for name in stale_files(directory, files):
        if name in files:
            (directory / name).write_text(files[name], encoding="utf-8", newline="\n")
        else:
            (directory / name).unlink()


def main(module: str, directory: Path, files: Mapping[str, str], arguments: list[str]) -> int:
    """Write the files, or with --check say which are stale; the exit status."""
    if arguments not in ([], ["--check"]):
        sys.stderr.write(f"usage: python -m {module} [--check]\n")
        return 2
    if not arguments:
        write_files(directory, files)
        return 0
    stale = stale_files(directory, files)
    for name in stale:
        sys.stderr.write(f"{directory / name} is stale: run `python -m {module}`\n")
    return 1 if stale else 0
