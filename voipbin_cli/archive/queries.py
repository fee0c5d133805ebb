"""SQL over the rows of a dataset, by DuckDB."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from voipbin_cli.archive.columns import TABLES, Column, ColumnType
from voipbin_cli.archive.dataset import opened
from voipbin_cli.errors import UsageError

_TYPES = {
    ColumnType.TEXT: "VARCHAR",
    ColumnType.COUNT: "BIGINT",
    ColumnType.NUMBER: "DOUBLE",
    ColumnType.FLAG: "BOOLEAN",
    ColumnType.TIME: "TIMESTAMP",
}
_PARTITIONED = ("streams", "findings")


@dataclass(frozen=True, slots=True)
class QueryResult:
    """The columns of a query's result, and its rows."""

    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]

    def as_fields(self) -> Iterator[dict[str, Any]]:
        """Each row by the names of its columns."""
        return (dict(zip(self.columns, row, strict=True)) for row in self.rows)


class Tables:
    """An open dataset's tables: `streams`, `findings`, `files`."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def ask(self, sql: str, *values: object) -> QueryResult:
        """What a query gives. Raises UsageError where it is none, or goes wrong."""
        import duckdb

        try:
            result = self._connection.execute(sql, values)
            names = tuple(column[0] for column in result.description or ())
            return QueryResult(names, result.fetchall())
        except duckdb.Error as error:
            first = str(error).strip().splitlines()
            raise UsageError(
                f"the query failed: {first[0] if first else error}",
                hint="the tables are streams, findings and files; `DESCRIBE streams` has columns",
            ) from error


@contextmanager
def tables_of(root: Path) -> Iterator[Tables]:
    """Open the tables of a dataset; queries may read it and nothing else of this machine.

    Raises UsageError where it is no dataset, or DuckDB is not installed.
    """
    try:
        import duckdb
    except ImportError as error:
        raise UsageError(
            "this wants DuckDB, which is not installed", hint="pip install 'voipbin[archive]'"
        ) from error
    opened(root)
    with duckdb.connect(":memory:") as connection:
        for name, columns in TABLES.items():
            connection.execute(_view(root, name, columns))
        connection.execute(f"SET allowed_directories = [{_quoted(str(root.resolve()))}]")
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
        yield Tables(connection)


def _view(root: Path, name: str, columns: tuple[Column, ...]) -> str:
    if any((root / name).glob("**/*.parquet")):
        pattern = _quoted(str(root.resolve() / name / "**" / "*.parquet"))
        options = "hive_partitioning = true, hive_types_autocast = false, union_by_name = true"
        return f"CREATE VIEW {name} AS SELECT * FROM read_parquet({pattern}, {options})"
    # Nothing of it has been written: an empty table with the same columns.
    typed = [f'"{column.name}" {_TYPES[column.type]}' for column in columns]
    typed += ["day VARCHAR"] * (name in _PARTITIONED)
    return f"CREATE TABLE {name} ({', '.join(typed)})"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
