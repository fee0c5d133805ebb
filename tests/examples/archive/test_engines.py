"""The examples for other engines, where one is installed (none comes with the tests)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.archive.spool import leg

HERE = Path(__file__).parent


@pytest.mark.parametrize("engine", ["ray", "pyspark"])
def test_an_engine_gives_a_row_a_stream(engine: str, tmp_path: Path) -> None:
    pytest.importorskip(engine)
    for number in range(3):
        (tmp_path / f"{number}.pcap").write_bytes(leg(number))
    script = HERE / f"with_{engine.removeprefix('py')}.py"
    done = subprocess.run([sys.executable, script, tmp_path], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    rows = [line for line in done.stdout.splitlines() if str(tmp_path) in line]
    assert len(rows) == 3
    assert all("ok" in row for row in rows)
