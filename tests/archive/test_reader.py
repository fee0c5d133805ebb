"""Files that end what reads them, or never end themselves."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.archive.spool import leg
from tests.archive.test_items import tar
from tests.support.cli import wait_until
from voipbin_cli.archive.items import Item
from voipbin_cli.archive.reader import Reader
from voipbin_cli.archive.rows import Status


@pytest.fixture
def reader() -> Iterator[Reader]:
    with closing(Reader(None, frozenset(), 3)) as reader:
        yield reader


def fifo(path: Path) -> Item:
    """A file that gives nothing, and has no end."""
    os.mkfifo(path)
    return Item(str(path))


def test_a_file_that_never_ends_costs_its_row_alone(tmp_path: Path, reader: Reader) -> None:
    (tmp_path / "a.pcap").write_bytes(leg())
    (late,) = reader.read(fifo(tmp_path / "endless"))
    assert (late.status, late.file["why"]) == (Status.ENDLESS, "it took more than 3 s")
    (after,) = reader.read(Item(str(tmp_path / "a.pcap")))
    assert after.status is Status.DIAGNOSED


def test_a_file_that_kills_its_reader_costs_its_row_alone(tmp_path: Path) -> None:
    with closing(Reader(None, frozenset(), 60)) as reader:

        def kill() -> None:
            wait_until(lambda: reader.pid is not None)
            os.kill(reader.pid or 0, signal.SIGSEGV)

        killer = threading.Timer(0.3, kill)
        killer.start()
        (died,) = reader.read(fifo(tmp_path / "deadly"))
        killer.join()
        assert (died.status, died.file["why"]) == (Status.DIED, "what read it ended with signal 11")
        assert died.file["file"] == str(tmp_path / "deadly")
        (tmp_path / "a.pcap").write_bytes(leg())
        (after,) = reader.read(Item(str(tmp_path / "a.pcap")))
        assert after.status is Status.DIAGNOSED


def test_the_members_behind_a_deadly_one_are_read(tmp_path: Path) -> None:
    """The reader is killed at the second of three; the next one goes on behind it."""
    path = tmp_path / "a.tar"
    path.write_bytes(tar({f"{n}.pcap": leg(n, frames=1500 if n == 1 else 50) for n in range(3)}))
    with closing(Reader(None, frozenset(), 60)) as reader:
        rows = []
        for each in reader.read(Item(str(path))):
            rows.append((each.file["file"].rpartition("!")[2], each.status))
            if len(rows) == 1:
                os.kill(reader.pid or 0, signal.SIGKILL)
        # What was on its way when it died may be there: then nothing is lost.
        assert rows[0] == ("0.pcap", Status.DIAGNOSED)
        assert [name for name, _ in rows[:3]] == ["0.pcap", "1.pcap", "2.pcap"]
        assert rows[1][1] in (Status.DIED, Status.DIAGNOSED)
        assert rows[2] == ("2.pcap", Status.DIAGNOSED)


def test_what_cannot_be_opened_is_said(tmp_path: Path, reader: Reader) -> None:
    (none,) = reader.read(Item(str(tmp_path / "none")))
    assert (none.status, none.file["why"]) == (
        Status.UNREAD,
        "cannot read it: No such file or directory",
    )
