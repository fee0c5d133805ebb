"""`voipbin archive`: thousands of captures and recordings."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from voipbin_cli.commands.options import OUTPUT, JsonOption, OutputOptions
from voipbin_cli.commands.values import choice, parse_duration

if TYPE_CHECKING:
    from collections.abc import Iterator

    from voipbin_cli.archive.items import Item

ENGINE = "Engine"
READING = "Reading"


class FailOn(StrEnum):
    """What makes a run end with status 6."""

    NEVER = "never"
    ERROR = "error"
    """A stream has a finding of severity error."""
    WARNING = "warning"
    """Or one of severity warning."""


DatasetArgument = Annotated[
    str,
    typer.Argument(metavar="DATASET", help="The directory that `archive diagnose` wrote."),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveDiagnoseOptions:
    """What is diagnosed, by what, and where the rows go."""

    paths: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="PATH...",
            help="Captures and recordings, directories of them, globs, archives (tar, zip), URLs "
            "(https, s3, gs).",
            show_default=False,
        ),
    ] = None
    output: Annotated[
        str,
        typer.Option(
            "--output",
            "-o",
            help="The dataset: a directory of Parquet files.",
            metavar="DIRECTORY",
            rich_help_panel=OUTPUT,
            show_default=False,
        ),
    ]
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            help="Go on with a dataset: what it has the rows of, by its content, is passed over.",
            rich_help_panel=OUTPUT,
        ),
    ] = False
    with_numbers: Annotated[
        bool,
        typer.Option(
            "--with-numbers",
            help="Keep addresses as they are; else they are hashed, the same ones alike.",
            rich_help_panel=OUTPUT,
        ),
    ] = False
    fail_on: Annotated[
        FailOn,
        choice(
            "--fail-on",
            among=FailOn,
            help="Exit with 6 where a stream has a finding of this severity or a graver one.",
            rich_help_panel=OUTPUT,
        ),
    ] = FailOn.NEVER
    files_from: Annotated[
        str | None,
        typer.Option(
            help="Read names from this list, one a line; - is standard input.",
            metavar="FILE",
            rich_help_panel=READING,
            show_default=False,
        ),
    ] = None
    limit: Annotated[
        float,
        typer.Option(
            "--file-limit",
            help="How long a file may take; then its row says so.",
            metavar="DURATION",
            parser=parse_duration,
            rich_help_panel=READING,
        ),
    ] = 300.0
    workers: Annotated[
        int,
        typer.Option(
            help="So many files at once on this machine; 0 is one a core.",
            metavar="N",
            min=0,
            max=1024,
            rich_help_panel=ENGINE,
        ),
    ] = 0
    scheduler: Annotated[
        str | None,
        typer.Option(
            help="Use a Dask cluster that is there; its workers have this package, and see the "
            "same paths.",
            metavar="ADDRESS",
            rich_help_panel=ENGINE,
            show_default=False,
        ),
    ] = None
    out: OutputOptions = field(default_factory=OutputOptions)


def diagnose_archive(options: ArchiveDiagnoseOptions) -> None:
    """Diagnose thousands of captures and recordings: a row a stream, in Parquet.

    The dataset has three tables: streams, findings, and files, which says of each one that could
    not be read why. What crashes a reader or takes for ever costs its own row and nothing else. A
    kill leaves the dataset whole, and --resume goes on.

    Examples:

        voipbin archive diagnose /var/spool/captures -o calls

        voipbin archive diagnose 'day-*/*.pcap.gz' -o calls --resume

        voipbin archive diagnose captures.tar.gz -o calls --fail-on error --json
    """
    import sys
    from pathlib import Path

    from voipbin_cli.analysis.severity import Severity
    from voipbin_cli.archive.dataset import written_to
    from voipbin_cli.archive.engine import Engine
    from voipbin_cli.archive.run import diagnose_archive as run
    from voipbin_cli.errors import ExitStatus, UsageError
    from voipbin_cli.render.archiving import Archiving

    if not options.paths and options.files_from is None:
        raise UsageError("nothing to diagnose", hint="name files, directories, globs or URLs")
    if options.scheduler is not None and options.workers:
        raise UsageError(
            "--workers is of this machine", hint="a cluster has as many as its owner gave it"
        )
    engine = Engine(options.scheduler, options.workers, options.limit)
    with written_to(
        Path(options.output), resume=options.resume, with_numbers=options.with_numbers
    ) as dataset:
        out = options.out
        shown = Archiving(
            options.output,
            lambda: _bytes_of(options),
            as_json=out.json,
            is_chatty=out.is_chatty,
        )
        with shown:
            totals = run(_items(options), dataset, engine, shown.tell)
        shown.finish(totals)
    if options.fail_on is not FailOn.NEVER and totals.has(Severity(options.fail_on.value)):
        sys.exit(ExitStatus.FOUND)


def _items(options: ArchiveDiagnoseOptions) -> Iterator[Item]:
    from voipbin_cli.archive.items import items, listed

    yield from items(options.paths or [])
    if options.files_from is not None:
        yield from items(listed(options.files_from))


def _bytes_of(options: ArchiveDiagnoseOptions) -> int | None:
    """How much there is to read; None where that cannot be known beforehand."""
    sizes = [] if options.files_from == "-" else [item.bytes for item in _items(options)]
    return sum(filter(None, sizes)) if sizes and None not in sizes else None


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveReportOptions:
    """Of which dataset, and where the report goes."""

    dataset: DatasetArgument
    report: Annotated[
        str | None,
        typer.Option(
            help="Write all of it into one HTML file: plots and tables.",
            metavar="FILE",
            rich_help_panel=OUTPUT,
            show_default=False,
        ),
    ] = None
    json: JsonOption = False


def report_archive(options: ArchiveReportOptions) -> None:
    """Say what the rows of a dataset say: how bad, of what, since when, on which trunk.

    The share of bad streams of the last seven days is held against that of the four weeks before,
    with the uncertainty that follows from how much days differ from each other.

    Examples:

        voipbin archive report calls

        voipbin archive report calls --report week.html

        voipbin archive report calls --json
    """
    from pathlib import Path

    from voipbin_cli.archive.queries import tables_of
    from voipbin_cli.archive.report import archive_report
    from voipbin_cli.render.archive_report import show_archive_report, write_archive_report
    from voipbin_cli.render.jsonl import emit
    from voipbin_cli.render.problems import say
    from voipbin_cli.render.report import check_report

    if options.report is not None:
        check_report(options.report)
    with tables_of(Path(options.dataset)) as tables:
        report = archive_report(tables)
    if options.report is not None:
        write_archive_report(options.report, report, options.dataset)
    if options.json:
        emit("summary", {"dataset": options.dataset, **report.as_fields()})
        return
    show_archive_report(report)
    if options.report is not None:
        say(f"report: {options.report}")


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryOptions:
    """What is asked of a dataset."""

    dataset: DatasetArgument
    sql: Annotated[
        str, typer.Argument(metavar="SQL", help="A query: tables streams, findings, files.")
    ]
    json: JsonOption = False


def query(options: QueryOptions) -> None:
    """Ask a dataset in SQL: the tables are streams, findings and files.

    It reads the dataset and nothing else of this machine.

    Examples:

        voipbin archive query calls "SELECT verdict, count(*) FROM streams GROUP BY verdict"

        voipbin archive query calls "DESCRIBE streams"

        voipbin archive query calls "FROM files WHERE why IS NOT NULL" --json
    """
    from pathlib import Path

    from voipbin_cli.archive.queries import tables_of
    from voipbin_cli.render.archiving import show_answer

    with tables_of(Path(options.dataset)) as tables:
        answer = tables.ask(options.sql)
    show_answer(answer, as_json=options.json)
