"""Queries read the dataset, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.archive.conftest import Spool
from tests.support.cli import here
from voipbin_cli.archive.columns import TABLES
from voipbin_cli.archive.dataset import written_to
from voipbin_cli.archive.queries import tables_of
from voipbin_cli.errors import UsageError


@pytest.mark.parametrize(
    "sql",
    [
        "FROM read_text('/etc/passwd')",
        "COPY streams TO '/tmp/streams.csv'",
        "ATTACH '/tmp/some.db'",
        "SET enable_external_access = true",
        "INSTALL httpfs",
        "SET threads = 1",
        "selec",
        "SELECT none FROM streams",
    ],
)
def test_what_is_no_query_of_the_dataset_is_refused(spool: Spool, sql: str) -> None:
    with tables_of(spool.dataset) as tables, pytest.raises(UsageError, match="the query failed"):
        tables.ask(sql)


def test_a_dataset_of_nothing_has_the_same_columns(spool: Spool, tmp_path: Path) -> None:
    with written_to(tmp_path / "none", resume=False, with_numbers=False):
        pass
    for name in TABLES:
        described = []
        for root in (tmp_path / "none", spool.dataset):
            with tables_of(root) as tables:
                rows = tables.ask(f"DESCRIBE {name}").rows
            described.append([(row[0], row[1]) for row in rows])
        assert described[0] == described[1]


def test_an_answer_is_a_table(spool: Spool) -> None:
    sql = "SELECT file_id, mos, frames FROM streams ORDER BY frames DESC LIMIT 1"
    done = here("archive", "query", spool.dataset, sql, cwd=spool.files)
    head, row = done.stdout.decode().splitlines()
    assert head.split() == ["file_id", "mos", "frames"]
    assert row.split()[1:] == ["4.4093", "100"]


def test_what_is_no_dataset_is_refused(tmp_path: Path) -> None:
    done = here("archive", "query", tmp_path, "FROM streams", cwd=tmp_path)
    assert (done.status, "is no dataset" in done.stderr) == (2, True)
