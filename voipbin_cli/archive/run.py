"""A whole run: items in, rows into a dataset, and what they came to."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from voipbin_cli.analysis.severity import Severity
from voipbin_cli.archive.dataset import Dataset
from voipbin_cli.archive.engine import Engine, diagnosed
from voipbin_cli.archive.items import Item
from voipbin_cli.archive.rows import FileRows, Status

# A kill costs what was read since the last batch; a batch is a file of each table.
_BATCH_FILES, _BATCH_S = 2000, 15.0


@dataclass(slots=True)
class Totals:
    """What a run has come to so far."""

    bytes: int = 0
    streams: int = 0
    status: Counter[Status] = field(default_factory=Counter)
    verdicts: Counter[str] = field(default_factory=Counter)
    findings: Counter[str] = field(default_factory=Counter)
    severities: Counter[Severity] = field(default_factory=Counter)

    def add(self, rows: FileRows) -> None:
        """Count the rows of a file."""
        self.status[rows.status] += 1
        self.bytes += rows.file["bytes"] or 0
        self.streams += len(rows.streams)
        self.verdicts.update(row["verdict"] for row in rows.streams)
        self.findings.update(row["finding"] for row in rows.streams if row["finding"])
        self.severities.update(Severity(row["severity"]) for row in rows.findings)

    @property
    def files(self) -> int:
        """All that were looked at."""
        return self.status.total()

    @property
    def troubles(self) -> int:
        """Those that somebody should look at."""
        return sum(count for status, count in self.status.items() if status.is_trouble)

    def has(self, severity: Severity) -> bool:
        """Whether a stream has a finding so grave, or graver."""
        return any(self.severities[each] for each in Severity if each.rank >= severity.rank)

    def as_fields(self) -> dict[str, Any]:
        """The fields of the summary."""
        return {
            "files": self.files,
            "bytes": self.bytes,
            "streams": self.streams,
            "status": {each.value: count for each, count in self.status.most_common()},
            "verdicts": dict(self.verdicts.most_common()),
            "findings": dict(self.findings.most_common()),
        }


def diagnose_archive(
    items: Iterable[Item],
    dataset: Dataset,
    engine: Engine,
    tell: Callable[[FileRows, Totals], None],
) -> Totals:
    """Diagnose all items into a dataset; `tell` hears of each file, once it is in a batch.

    Of several files with the same content one has the rows. Raises MachineError where the dataset
    cannot be written, and what `engine.diagnosed` raises; what was written before is whole.
    """
    known = dataset.known()
    totals = Totals()
    batch: list[FileRows] = []
    written_s = time.monotonic()
    try:
        for rows in diagnosed(items, dataset.key, frozenset(known), engine):
            if rows.id in known and rows.status is not Status.KNOWN:
                rows = rows.as_copy()
            known |= {rows.id} - {""}
            totals.add(rows)
            tell(rows, totals)
            batch += [rows] * (rows.status is not Status.KNOWN)
            if len(batch) >= _BATCH_FILES or time.monotonic() - written_s > _BATCH_S:
                dataset.write(batch)
                batch, written_s = [], time.monotonic()
    finally:
        dataset.write(batch)
    return totals
