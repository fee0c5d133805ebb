"""A whole run: every file has a row, every stream the figures that `diagnose` has."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.archive.conftest import Spool
from tests.archive.spool import leg
from tests.support.cli import here
from voipbin_cli.archive.columns import STREAMS, taken


def asked(spool: Spool, sql: str) -> list[dict[str, object]]:
    done = here("archive", "query", spool.dataset, sql, "--json", cwd=spool.files)
    assert (done.status, done.stderr) == (0, "")
    return [event["values"] for event in done.events[:-1]]


def test_each_file_has_a_row_that_says_what_became_of_it(spool: Spool) -> None:
    rows = asked(spool, "SELECT file, status, streams, is_cut FROM files ORDER BY file")
    by_name = {str(row["file"]).removeprefix(f"{spool.files}/"): row for row in rows}
    statuses = {name: row["status"] for name, row in by_name.items()}
    assert {statuses.pop("day-0.pcap"), statuses.pop("same.pcap")} == {"diagnosed", "copy"}
    assert statuses == {
        "day-1.pcap": "diagnosed",
        "day-2.pcap": "diagnosed",
        "hour.tar!10.pcap": "diagnosed",
        "hour.tar!11.pcap": "empty",
        "notes.txt": "unread",
        "tail.pcap": "diagnosed",
        "tone.wav": "diagnosed",
    }
    assert by_name["tail.pcap"]["is_cut"] is True


@pytest.mark.parametrize("name", ["day-1.pcap", "day-2.pcap", "tail.pcap", "tone.wav"])
def test_a_row_says_what_diagnose_says(spool: Spool, name: str) -> None:
    path = spool.files / name
    (row,) = asked(spool, f"FROM streams WHERE file = '{path}'")
    summary = here("stream", "diagnose", path, "--json", cwd=spool.files).summary
    expected = taken(STREAMS, summary)
    assert {name: row[name] for name in expected} == expected
    found = asked(spool, f"FROM findings WHERE file = '{path}'")
    assert [
        (each["finding"], each["severity"], each["confidence"], json.loads(str(each["evidence"])))
        for each in found
    ] == [
        (each["id"], each["severity"], each["confidence"], each["evidence"])
        for each in summary["findings"]
    ]


def test_streams_stand_under_their_day_with_their_ends_hashed(spool: Spool) -> None:
    days = asked(spool, "SELECT day, count(*) AS n FROM streams GROUP BY day ORDER BY day")
    assert [row["n"] for row in days] == [3, 1, 1, 1]
    assert days[-1]["day"] == "unknown"
    (ends,) = asked(
        spool, "SELECT DISTINCT source, source_host FROM streams WHERE day != 'unknown'"
    )
    assert ends["source"] == f"{ends['source_host']}:5006"
    assert "192.0.2.1" not in json.dumps(asked(spool, "FROM streams"))


def test_the_run_says_each_file_and_what_all_came_to(spool: Spool) -> None:
    assert spool.run.status == 0
    events = spool.run.events
    assert [event["event"] for event in events] == ["file"] * 9 + ["summary"]
    summary = spool.run.summary
    assert (summary["files"], summary["streams"]) == (9, 6)
    assert summary["status"] == {"diagnosed": 6, "empty": 1, "unread": 1, "copy": 1}
    assert sum(summary["verdicts"].values()) == 6


def test_going_on_reads_only_what_is_new(spool: Spool, tmp_path: Path) -> None:
    """By content: a renamed file is no new one. What was known and is bad does not fail a run."""
    for name in ("day-2.pcap", "tone.wav"):
        (tmp_path / f"renamed-{name}").write_bytes((spool.files / name).read_bytes())
    out = ("-o", "calls", "--json", "--workers", "1")
    first = here("archive", "diagnose", tmp_path, *out, "--fail-on", "warning", cwd=tmp_path)
    (tmp_path / "new.txt").write_text("a text\n" * 9)
    (tmp_path / "list").write_text("renamed-day-2.pcap\nrenamed-tone.wav\nnew.txt\n")
    more = ("--resume", "--fail-on", "error", "--files-from", "list")
    again = here("archive", "diagnose", *out, *more, cwd=tmp_path)
    assert first.status == 6
    assert (again.status, again.summary["status"]) == (0, {"known": 2, "unread": 1})


def test_words_end_with_the_verdicts(spool: Spool, tmp_path: Path) -> None:
    names = (spool.files / "notes.txt", spool.files / "day-2.pcap")
    done = here("archive", "diagnose", *names, "-o", tmp_path / "calls", cwd=tmp_path)
    assert done.status == 0
    *_, counted, often, verdicts = done.stdout.decode().splitlines()
    assert counted.endswith(", 1 not read")
    assert often.startswith("most often: ")
    assert verdicts == "1 stream: 0 ok, 0 degraded, 1 bad"
    assert "notes.txt: is text" in done.stdout.decode()


def test_a_cluster_that_does_not_answer_is_said(tmp_path: Path) -> None:
    (tmp_path / "a.pcap").write_bytes(leg())
    done = here(
        *("archive", "diagnose", "a.pcap", "-o", "calls", "--scheduler", "nonsense"), cwd=tmp_path
    )
    assert done.status == 3
    assert "no scheduler answers at nonsense" in done.stderr
