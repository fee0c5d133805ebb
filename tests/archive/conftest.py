"""A dataset that one run made, for all who only look at it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.archive.spool import DAY_NS, NOON_NS, leg, recording
from tests.archive.test_items import tar
from tests.support.cli import Result, here


class Spool(NamedTuple):
    """Files, the dataset of them, and what the run said."""

    files: Path
    dataset: Path
    run: Result


@pytest.fixture(scope="session")
def spool(tmp_path_factory: pytest.TempPathFactory) -> Spool:
    root = tmp_path_factory.mktemp("archive")
    files, dataset = root / "spool", root / "calls"
    files.mkdir()
    for day in range(3):
        path = files / f"day-{day}.pcap"
        path.write_bytes(leg(day, lost=20 * day, at_ns=NOON_NS + day * DAY_NS))
    shutil.copy(files / "day-0.pcap", files / "same.pcap")
    (files / "notes.txt").write_text("no capture\n" * 20)
    (files / "tail.pcap").write_bytes(leg(3)[:-77])
    (files / "hour.tar").write_bytes(tar({"10.pcap": leg(10), "11.pcap": b""}))
    recording(files / "tone.wav")
    run = here("archive", "diagnose", files, "-o", dataset, "--json", cwd=root)
    return Spool(files, dataset, run)
