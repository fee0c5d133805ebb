from __future__ import annotations

import subprocess
import time
from pathlib import Path

import pytest

from tests.support.cli import VOIPBIN, environment
from tests.support.needs import need, need_root
from voipbin_cli.clock import now_ns


@pytest.mark.skipif(not hasattr(time, "CLOCK_BOOTTIME"), reason="a clock of Linux")
def test_it_counts_from_the_start_of_the_machine_its_suspensions_included() -> None:
    before = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    assert before <= now_ns() <= time.clock_gettime_ns(time.CLOCK_BOOTTIME)


def test_a_machine_that_was_suspended_for_a_day_before_records_as_any_other(tmp_path: Path) -> None:
    # Here the two clocks are a day apart: whoever mixed them would wait for it, or miss it.
    apart = ["unshare", "--time", "--boottime", "86400", "--fork"]
    need("unshare")
    need_root()
    if subprocess.run([*apart, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this kernel has no namespaces of time")
    line = "stream record sim -q -d 0.3 -o a.wav --capture a.pcapng"
    ended = subprocess.run(
        [*apart, *VOIPBIN, *line.split()],
        cwd=tmp_path,
        env=environment(tmp_path),
        capture_output=True,
        timeout=60,
    )
    assert (ended.returncode, ended.stderr) == (0, b"")
    sound = (tmp_path / "a.wav").read_bytes()[80:]
    assert len(sound) == 4800
    assert any(sound)
