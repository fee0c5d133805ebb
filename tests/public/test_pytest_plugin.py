"""The pytest plugin: what it costs, what a failed test shows, what is kept."""

from __future__ import annotations

import json
import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from tests.capture import frames as f
from voipbin_cli import diagnose, pytest_plugin

pytest_plugins = ["pytester"]

SUITE = """
from contextlib import suppress
import pytest
from voipbin_cli import ConnectionFailed, HangUp, SayNothing, open_stream

@pytest.mark.voipbin(encapsulation="sln", script=[SayNothing(seconds=0.3), HangUp()])
def test_bot(voipbin_call):
    call = voipbin_call()
    assert "encapsulation=sln" in call.url()
    with open_stream(call.url(), reconnect=False) as stream, suppress(ConnectionFailed):
        for frame in stream:
            stream.send(frame.pcm)
    assert call.wait().outcome.ended_by == "the bot"

def test_no_bot(voipbin_call):
    voipbin_call()
    assert False
"""


def test_a_suite_that_does_not_use_it_loads_the_module_alone() -> None:
    script = (
        "import sys, pytest; before = set(sys.modules); import voipbin_cli.pytest_plugin; "
        "print(sorted(set(sys.modules) - before))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    assert done.stdout.decode().strip() == "['voipbin_cli', 'voipbin_cli.pytest_plugin']"


def test_a_failed_test_shows_the_verdict_and_keeps_its_calls(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(SUITE)
    done = pytester.runpytest_subprocess("-p", "no:cacheprovider", "--voipbin-report", "kept")
    done.assert_outcomes(failed=2)
    done.stdout.fnmatch_lines(
        ["*- voipbin call 1 -*", "*in 0.3 s it heard*", "kept in *", "no bot took part in call *"]
    )
    (report,) = pytester.path.glob("kept/*test_bot/call-1/report.html")
    names = {path.name for path in report.parent.iterdir()}
    assert names == {"call.pcapng", "heard.wav", "report.html", "result.json"}


def test_a_way_that_there_is_not_is_refused(pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\nvoipbin_unreliable = maybe\n")
    done = pytester.runpytest_subprocess("-p", "no:cacheprovider")
    done.stderr.fnmatch_lines(["*voipbin_unreliable is one of note, skip, fail*"])


@pytest.mark.parametrize(
    ("way", "outcome", "is_reliable", "expected"),
    [
        ("note", "passed", False, "passed"),
        ("skip", "failed", False, "skipped"),
        ("skip", "failed", True, "failed"),
        ("fail", "passed", False, "failed"),
        ("fail", "passed", True, "passed"),
        ("fail", "skipped", False, "skipped"),
    ],
)
def test_a_busy_machine_skips_or_fails_by_choice(
    way: str, outcome: str, is_reliable: bool, expected: str
) -> None:
    item: Any = SimpleNamespace(
        config=SimpleNamespace(getini=lambda name: way), reportinfo=lambda: ("test_bot.py", 3, "")
    )
    report = pytest.TestReport("id", ("", 0, ""), {}, outcome, None, "call")  # type: ignore[arg-type]
    results: Any = [SimpleNamespace(is_reliable=True), SimpleNamespace(is_reliable=is_reliable)]
    pytest_plugin._judge_machine(item, report, results)
    assert report.outcome == expected


BASELINE = """
import pytest
from types import SimpleNamespace
from voipbin_cli import pytest_plugin

class Result(SimpleNamespace):
    is_reliable = True
    diagnosis = SimpleNamespace(to_dict=lambda: FIELDS)
    verdict_lines = lambda self: ["told"]
    keep = lambda self, directory: None

def test_bot(request):
    call = SimpleNamespace(result=Result, is_closed=True, directory="here", id="1")
    request.node.stash[pytest_plugin._calls_key] = [call]
"""


def test_what_is_worse_than_the_last_run_that_passed_fails(pytester: pytest.Pytester) -> None:
    """Half of the frames are lost in the second run; the third is compared with the first again."""
    ended: list[int] = []
    lost: list[bool] = [False, False, True, False]
    for is_lost in lost:
        fields = _diagnosed(pytester, is_lost=is_lost)
        suite = BASELINE.replace("FIELDS", f"eval({str(fields)!r})")
        pytester.makepyfile(test_it=suite)
        done = pytester.runpytest_inprocess(
            "-p", "no:cacheprovider", "--voipbin-baseline", "base.json"
        )
        ended.append(int(done.ret))
        if is_lost:
            done.stdout.fnmatch_lines(["*beside the baseline: worse: *"])
    assert ended == [0, 0, 1, 0]
    assert list(json.loads((pytester.path / "base.json").read_text())) == [
        "test_it.py::test_bot call 1"
    ]


def _diagnosed(pytester: pytest.Pytester, *, is_lost: bool) -> dict[str, Any]:
    """Of 20 s, in which nothing or every second half second was lost."""
    path = pytester.path / "call.pcap"
    kept = [n for n in range(1000) if not (is_lost and n // 25 % 2)]
    rtp = [bytes.fromhex(f"8000{n:04x}{n * 160:08x}00000007") + bytes(range(160)) for n in kept]
    packets = [
        (n * 20_000_000, f.ethernet(f.ipv4(f.udp(r)))) for n, r in zip(kept, rtp, strict=True)
    ]
    path.write_bytes(f.pcap(packets))
    return diagnose(path).to_dict()


def test_a_baseline_that_is_none_is_refused(pytester: pytest.Pytester) -> None:
    pytester.makefile(".json", base="no json")
    done = pytester.runpytest_inprocess("-p", "no:cacheprovider", "--voipbin-baseline", "base.json")
    done.stderr.fnmatch_lines(["*base.json is no baseline*"])
