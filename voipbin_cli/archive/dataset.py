"""A dataset: Parquet files in folders, written batch by batch, so that a kill leaves it whole.

    DIR/archive.json                            version of the tables, key of the hashes
    DIR/streams/day=2026-11-29/part-000007.parquet
    DIR/findings/day=2026-11-29/part-000007.parquet
    DIR/files/part-000007.parquet
    DIR/.commit-000007.json                     a batch on its way in; gone once it is there

A batch is written under names that no reader looks at, then its commit, then every file gets its
name. Who opens the dataset next ends what a kill interrupted: with a commit the rest of the files
get their names, without one what was written is thrown away. So the rows of a file are there
exactly once, or not at all.
"""

from __future__ import annotations

import json
import os
import re
import secrets
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from voipbin_cli.archive.columns import TABLES, VERSION, Column, ColumnType, Row
from voipbin_cli.archive.rows import FileRows
from voipbin_cli.documents import json_object, read_json
from voipbin_cli.errors import MachineError, UsageError

HEAD = "archive.json"
UNKNOWN_DAY = "unknown"
"""The partition of recordings: nothing in them tells when they were made."""
_COMMIT = ".commit-"
_PARTIAL = ".partial"
_PART = re.compile(r"(?:files|(?:streams|findings)/day=[\w-]+)/part-\d{6,}\.parquet", re.ASCII)
_KEY = re.compile(r"[0-9a-f]{64}")
_NEED = "pip install 'voipbin[archive]'"


def arrow() -> Any:
    """pyarrow with its Parquet part. Raises UsageError where it is not installed."""
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise UsageError("an archive wants pyarrow, which is not installed", hint=_NEED) from error
    return pyarrow


@dataclass(frozen=True, slots=True)
class Dataset:
    """An open dataset. `key` hashes addresses; None: they stand as they are."""

    root: Path
    key: bytes | None

    def known(self) -> set[str]:
        """The ids of all contents whose rows are there."""
        folder = self.root / "files"
        if not folder.is_dir() or not any(folder.iterdir()):
            return set()
        table = arrow().parquet.read_table(folder, columns=["file_id"])
        return {each for each in table.column("file_id").to_pylist() if each}

    def write(self, batch: Iterable[FileRows]) -> None:
        """Add the rows of some files, all of them or none. Raises MachineError."""
        try:
            self._write(list(batch))
        except OSError as error:
            raise MachineError(
                f"cannot write to {self.root}: {error.strerror or error}",
                hint="what was written before is whole; --resume goes on from there",
            ) from error

    def _write(self, batch: list[FileRows]) -> None:
        if not batch:
            return
        number = 1 + max(self._numbers(), default=-1)
        names = [*self._write_parts(number, batch)]
        commit = self.root / f"{_COMMIT}{number:06d}.json"
        _write_synced(commit, json.dumps(names))
        self._end(commit, names)

    def _numbers(self) -> Iterator[int]:
        parts = (self.root / "files").glob("part-*.parquet")
        return (int(path.stem.removeprefix("part-")) for path in parts)

    def _write_parts(self, number: int, batch: list[FileRows]) -> Iterator[str]:
        """Write a batch under names that nobody reads; yield those that it is to get."""
        rows = {"files": [each.file for each in batch]}
        for table in ("streams", "findings"):
            days: defaultdict[str, list[Row]] = defaultdict(list)
            for each in batch:
                for row in getattr(each, table):
                    days[_day(row["started"])].append(row)
            rows |= {f"{table}/day={day}": of_it for day, of_it in sorted(days.items())}
        for folder, of_it in rows.items():
            name = f"{folder}/part-{number:06d}.parquet"
            path = self.root / (name + _PARTIAL)
            path.parent.mkdir(parents=True, exist_ok=True)
            table = folder.partition("/")[0]
            written = arrow().Table.from_pylist(of_it, schema(TABLES[table]))
            arrow().parquet.write_table(written, path, compression="zstd")
            _sync(path)
            yield name

    def _end(self, commit: Path, names: Iterable[str]) -> None:
        for name in names:
            partial = self.root / (name + _PARTIAL)
            if partial.exists():  # else it has its name already
                os.replace(partial, self.root / name)
        commit.unlink()

    def recover(self) -> None:
        """End what a kill interrupted."""
        for commit in sorted(self.root.glob(f"{_COMMIT}*.json")):
            self._end(commit, _names(commit.read_bytes()))
        for partial in self.root.glob(f"*/**/*{_PARTIAL}"):
            partial.unlink()


def schema(columns: tuple[Column, ...]) -> Any:
    """The Arrow schema of a table; what a column is about goes with it."""
    pa = arrow()
    types = {
        ColumnType.TEXT: pa.string(),
        ColumnType.COUNT: pa.int64(),
        ColumnType.NUMBER: pa.float64(),
        ColumnType.FLAG: pa.bool_(),
        ColumnType.TIME: pa.timestamp("us"),
    }
    return pa.schema(
        [
            pa.field(column.name, types[column.type], metadata={"about": column.about})
            for column in columns
        ],
        metadata={"voipbin_archive": str(VERSION)},
    )


@contextmanager
def written_to(root: Path, *, resume: bool, with_numbers: bool) -> Iterator[Dataset]:
    """Open a dataset to add to it, for this process alone, and make it where there is none.

    Raises UsageError where there is one and it is not to be resumed, or was made otherwise, and
    MachineError where it cannot be written.
    """
    from voipbin_cli.file_lock import try_lock

    arrow()
    head = root / HEAD
    # A run that failed before its first row left nothing that has to be gone on with.
    if head.exists() and not resume and any((root / "files").glob("*")):
        raise UsageError(
            f"{root} holds a dataset already",
            hint="--resume goes on with it; or name another directory",
        )
    if not head.exists() and root.is_dir() and any(root.iterdir()):
        raise UsageError(f"{root} is not empty, and no dataset", hint="name another directory")
    try:
        root.mkdir(parents=True, exist_ok=True)
        if not head.exists():
            key = None if with_numbers else secrets.token_hex(32)
            _write_synced(head, json.dumps({"voipbin_archive": VERSION, "key": key}), 0o600)
    except OSError as error:
        raise MachineError(f"cannot write to {root}: {error.strerror or error}") from error
    dataset = opened(root)
    if (dataset.key is None) is not with_numbers:
        made = "without" if with_numbers else "with"
        raise UsageError(f"{root} was made {made} --with-numbers", hint="resume it as it was made")
    with open(head, "r+b") as file:
        try:
            try_lock(file.fileno())
        except (BlockingIOError, PermissionError) as error:
            raise UsageError(
                f"another run is writing to {root}", hint="wait until it is over"
            ) from error
        except OSError:
            pass  # the file system has no locks
        dataset.recover()
        yield dataset


def opened(root: Path) -> Dataset:
    """Open a dataset that there is. Raises UsageError for what is none, or of another version."""
    try:
        told = json_object((root / HEAD).read_bytes())
    except OSError as error:
        raise UsageError(
            f"{root} is no dataset", hint=f"`voipbin archive diagnose PATH -o {root}` makes one"
        ) from error
    key = told.get("key", "")
    if told.get("voipbin_archive") != VERSION or not (key is None or _KEY.fullmatch(str(key))):
        raise UsageError(
            f"{root / HEAD} is not what `archive diagnose` of this version writes",
            hint="make the dataset anew, or use the version that made it",
        )
    return Dataset(root, None if key is None else bytes.fromhex(key))


def _day(started: datetime | None) -> str:
    return started.date().isoformat() if started else UNKNOWN_DAY


def _names(commit: bytes) -> list[str]:
    """The files of a batch; those alone that a batch can have."""
    try:
        told = read_json(commit)
    except ValueError:
        return []
    names = told if isinstance(told, list) else []
    return [name for name in names if isinstance(name, str) and _PART.fullmatch(name)]


def _write_synced(path: Path, text: str, mode: int = 0o644) -> None:
    """Write a small file that is there whole, or not at all, also after a power cut."""
    partial = path.with_name(path.name + _PARTIAL)
    with open(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(partial, path)
    if os.name == "posix":
        _sync(path.parent)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
