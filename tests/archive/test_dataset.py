"""A dataset is whole wherever a run was ended."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from voipbin_cli.archive.columns import TABLES
from voipbin_cli.archive.dataset import Dataset, opened, schema, written_to
from voipbin_cli.archive.rows import FileRows, Status
from voipbin_cli.errors import UsageError


def rows(number: int) -> FileRows:
    """Of a file with two streams, of two days, and a finding."""
    of_it = {"file_id": f"{number:032x}", "file": f"{number}.pcap"}
    streams = [of_it | {"stream": n, "started": datetime(2026, 11, 1 + n)} for n in range(2)]
    finding = of_it | {"stream": 0, "started": datetime(2026, 11, 1), "finding": "jitter"}
    file = of_it | {"status": Status.DIAGNOSED.value, "streams": 2}
    return FileRows(file, tuple(streams), (finding,))


def ids(root: Path, table: str) -> list[str]:
    """Of all rows of a table, as any reader of Parquet sees them."""
    found = pq.read_table(root / table, columns=["file_id"]).column("file_id").to_pylist()
    return sorted(found)


def test_rows_are_read_back_by_day(tmp_path: Path) -> None:
    root = tmp_path / "new" / "calls"
    with written_to(root, resume=False, with_numbers=False) as dataset:
        dataset.write([rows(1), rows(2)])
        dataset.write([rows(3)])
        dataset.write([])
    assert {path.name for path in (root / "streams").iterdir()} == {
        "day=2026-11-01",
        "day=2026-11-02",
    }
    both = sorted([*(f"{n:032x}" for n in (1, 2, 3))] * 2)
    assert ids(root, "streams") == both
    assert ids(root, "findings") == ids(root, "files") == sorted(set(both))
    assert opened(root).known() == set(both)
    about = pq.read_schema(next((root / "files").iterdir())).field("why").metadata
    assert about[b"about"].startswith(b"what is wrong with it")


def test_addresses_are_hashed_with_a_key_that_only_the_owner_reads(tmp_path: Path) -> None:
    with written_to(tmp_path / "calls", resume=False, with_numbers=False) as dataset:
        assert dataset.key
    assert (tmp_path / "calls" / "archive.json").stat().st_mode & 0o777 == 0o600


class Killed(BaseException):
    """Stands for a kill: nothing is tidied up behind it."""


@pytest.mark.parametrize("at", range(6))
def test_a_kill_at_any_step_leaves_each_file_once_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    """Six names are given for a batch: its commit, four tables' parts, and the commit's end."""
    root = tmp_path / "calls"
    with written_to(root, resume=False, with_numbers=False) as dataset:
        dataset.write([rows(1)])
    steps = 0

    def until_killed(step: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*args: Any) -> Any:
            nonlocal steps
            steps += 1
            if steps > at:
                raise Killed
            return step(*args)

        return counted

    def write_and_die() -> None:
        with written_to(root, resume=True, with_numbers=False) as dataset:
            patched.setattr(os, "replace", until_killed(os.replace))
            patched.setattr(Path, "unlink", until_killed(Path.unlink))
            dataset.write([rows(2), rows(3)])

    with monkeypatch.context() as patched, pytest.raises(Killed):
        write_and_die()
    with written_to(root, resume=True, with_numbers=False) as dataset:
        known = dataset.known()
        expected = {1} if at == 0 else {1, 2, 3}
        assert known == {f"{n:032x}" for n in expected}
        dataset.write([rows(n) for n in {1, 2, 3} - expected])
    assert ids(root, "files") == [f"{n:032x}" for n in (1, 2, 3)]
    assert ids(root, "streams") == [f"{n:032x}" for n in (1, 1, 2, 2, 3, 3)]
    assert not [path for path in root.rglob("*") if "partial" in path.name or "commit" in path.name]


def refused(root: Path, **how: bool) -> str:
    with pytest.raises(UsageError) as told, written_to(root, **how):
        pass
    return told.value.message


def test_what_is_no_dataset_to_add_to_is_refused(tmp_path: Path) -> None:
    root = tmp_path / "calls"
    with written_to(root, resume=False, with_numbers=False) as dataset:
        assert "another run" in refused(root, resume=False, with_numbers=False)
        dataset.write([rows(1)])
        assert "holds a dataset already" in refused(root, resume=False, with_numbers=False)
        assert "another run" in refused(root, resume=True, with_numbers=False)
    assert "made without --with-numbers" in refused(root, resume=True, with_numbers=True)
    (tmp_path / "else").mkdir()
    (tmp_path / "else" / "file").touch()
    assert "is not empty" in refused(tmp_path / "else", resume=True, with_numbers=False)


def test_a_run_that_wrote_nothing_is_begun_again_without_being_asked(tmp_path: Path) -> None:
    for _ in range(2):
        with written_to(tmp_path / "calls", resume=False, with_numbers=False) as dataset:
            assert dataset.known() == set()


@pytest.mark.parametrize(
    "head",
    [b"", b"[]", b'{"voipbin_archive": 2, "key": null}', b'{"voipbin_archive": 1, "key": 7}'],
)
def test_a_head_that_is_none_is_refused(tmp_path: Path, head: bytes) -> None:
    (tmp_path / "archive.json").write_bytes(head)
    with pytest.raises(UsageError, match="is not what"):
        opened(tmp_path)


@pytest.mark.parametrize(
    "commit", [b"", b"{}", b'["../../etc/part-000001.parquet", 7]', b'["files/../x.parquet"]']
)
def test_a_commit_of_others_moves_nothing(tmp_path: Path, commit: bytes) -> None:
    root = tmp_path / "a" / "calls"
    with written_to(root, resume=False, with_numbers=True):
        pass
    (root / ".commit-000000.json").write_bytes(commit)
    outside = tmp_path / "a" / "x.parquet.partial"
    outside.touch()
    with written_to(root, resume=True, with_numbers=True):
        assert outside.exists()


def test_each_table_has_a_schema_that_says_what_columns_are_about() -> None:
    for columns in TABLES.values():
        assert len({column.name for column in columns}) == len(columns)
        assert all(field.metadata[b"about"] for field in schema(columns))


def test_a_dataset_that_was_never_written_knows_nothing(tmp_path: Path) -> None:
    assert Dataset(tmp_path, None).known() == set()
