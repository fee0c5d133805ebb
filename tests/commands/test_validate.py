"""`voipbin stream validate` as a user runs it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import pytest
from websockets.sync.client import connect

from tests.support.cli import VOIPBIN, environment, finish, here, start, voipbin
from tests.support.hextext import vector
from voipbin_cli.analysis.validation.rules import RULES

PACKET = "80600001000000a000000000" + "ff" * 160


def piped(text: bytes, *args: str, cwd: Path) -> subprocess.CompletedProcess[bytes]:
    """Run `voipbin stream validate args` with something on standard input."""
    return subprocess.run(
        [*VOIPBIN, "stream", "validate", *args],
        cwd=cwd,
        env=environment(cwd),
        input=text,
        capture_output=True,
        timeout=60,
    )


def bad_dump(directory: Path) -> Path:
    """Fifty AudioSocket frames, of which number 20 ends the stream."""
    frames = vector("audiosocket-linear")
    frames = [*frames[:20], b"\x10\x00\x00", *frames[20:]]
    path = directory / "dump.audiosocket"
    path.write_bytes(b"".join(frames))
    return path


# Live


@pytest.mark.parametrize("dialect", ["documented", "deployed", "linear", "legacy"])
@pytest.mark.parametrize("encapsulation", ["rtp", "sln", "audiosocket"])
def test_a_healthy_stream_passes_and_its_capture_says_the_same(
    tmp_path: Path, encapsulation: str, dialect: str
) -> None:
    target = f"sim:clean,dialect={dialect}"
    live = voipbin(
        "stream", "validate", target, "-e", encapsulation, "-d", "1.5", "--json",
        "--capture", "c.pcapng", cwd=tmp_path,
    )  # fmt: skip
    assert live.status == 0, live.stderr
    assert live.summary["result"] == "pass"
    assert {v["severity"] for v in live.summary["violations"]} <= {"info"}
    assert live.summary["frames_received"] >= 60
    assert live.events[-1]["event"] == "summary"
    again = here("stream", "validate", "c.pcapng", "--json", cwd=tmp_path)
    assert again.status == 0, again.stderr
    assert again.summary == live.summary


def test_a_faulty_stream_exits_with_6_and_tells_every_frame(tmp_path: Path) -> None:
    done = voipbin("stream", "validate", "sim:codec-mismatch", "-d", "2", "--json", cwd=tmp_path)
    assert done.status == 6
    assert done.summary["result"] == "fail"
    (rule,) = [v for v in done.summary["violations"] if v["severity"] == "error"]
    assert rule["rule"] == "audio-alaw"
    told = [e for e in done.events if e["event"] == "violation" and e["rule"] == "audio-alaw"]
    assert len(told) == rule["count"]
    assert told[0]["frame"] == rule["first_frame"]
    assert {"frame", "direction", "rule", "severity", "message"} <= set(told[0])


def test_the_report_names_the_frame_the_clause_and_the_consequence(tmp_path: Path) -> None:
    done = voipbin("stream", "validate", "sim:payload-label", "-d", "1", cwd=tmp_path)
    assert done.status == 0, done.stderr
    words = done.stdout.decode()
    assert "rtp-payload-type-unknown" in words
    assert "payload type 8 (PCMA) is neither 0 nor 96" in words
    assert "RFC 3551 6" in words
    assert "80[08]" in words
    assert words.splitlines()[-1].startswith("pass: ")


def test_a_call_that_is_not_there_is_refused_and_nothing_is_reported(tmp_path: Path) -> None:
    done = voipbin("stream", "validate", "sim:not-found", cwd=tmp_path)
    assert done.status == 4
    assert done.stdout == b""


# Files


def test_a_dump_is_judged_and_its_result_is_the_exit_status(tmp_path: Path) -> None:
    path = bad_dump(tmp_path)
    done = voipbin("stream", "validate", path.name, "--direction", "out", cwd=tmp_path)
    assert done.status == 6
    words = done.stdout.decode()
    assert "audiosocket-empty  sent, frame 20: audio of length 0" in words
    assert "fail: 51 frames of audiosocket" in words
    quiet = here("stream", "validate", path.name, "-q", cwd=tmp_path)
    assert (quiet.status, quiet.stdout) == (6, b"")


def test_standard_input_is_a_dump(tmp_path: Path) -> None:
    data = b"".join(vector("sln-linear"))
    done = piped(data, "-", "-e", "sln", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1])["frames"] == 50


def test_a_broken_pipe_is_silent(tmp_path: Path) -> None:
    path = tmp_path / "dump"
    path.write_bytes(b"\x10\x00\x00" * 200_000)
    process = start("stream", "validate", "dump", "-e", "audiosocket", "--json", cwd=tmp_path)
    assert process.stdout is not None
    process.stdout.readline()
    process.stdout.close()
    process.wait(30)
    assert process.stderr is not None
    assert process.stderr.read() == b""


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["nowhere.pcap"], "neither a file nor a TARGET"),
        (["dump", "--spec", "strict"], "strict"),
        (["dump", "--direction", "up"], "up"),
        (["dump", "--format", "html"], "html"),
        (["dump", "--json", "--format", "sarif"], "both want stdout"),
        (["--explain", "rtp-payload"], "did you mean"),
        ([], "TARGET is missing"),
    ],
)
def test_wrong_usage_is_told_in_two_lines(tmp_path: Path, args: list[str], says: str) -> None:
    (tmp_path / "dump").write_bytes(bytes(640))
    done = here("stream", "validate", *args, cwd=tmp_path)
    assert done.status == 2
    assert says in done.stderr
    assert "Traceback" not in done.stderr


# Hex text


def test_a_frame_pasted_from_a_log_is_explained_field_by_field(tmp_path: Path) -> None:
    done = piped(PACKET.encode(), "-", "-e", "rtp", "--hex", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    lines = [line.split() for line in done.stdout.decode().splitlines()]
    assert ["0", "80", "version", "2", "RTP"] in lines
    assert ["2", "00", "01", "sequence", "number", "1"] in lines
    assert any(line[:5] == ["1", "60", "payload", "type", "96"] for line in lines)


def test_a_bad_frame_in_hex_exits_with_6(tmp_path: Path) -> None:
    done = piped(b"10 4001" + b"00" * 320, "-", "-e", "audiosocket", "--hex", cwd=tmp_path)
    assert done.returncode == 6
    assert b"audiosocket-length-order" in done.stdout
    assert b"10[40 01]" in done.stdout


def test_hex_text_for_scripts(tmp_path: Path) -> None:
    text = f"{PACKET}\n8060 0002\n".encode()
    done = piped(text, "-", "--hex", "--json", cwd=tmp_path)
    events = [json.loads(line) for line in done.stdout.splitlines()]
    frames = [event for event in events if event["event"] == "frame"]
    assert [frame["frame"] for frame in frames] == [0, 1]
    assert {"name": "payload_type", "offset": 1, "bytes": 1, "value": "96",
            "meaning": "dynamic; the platform's bridge"} in frames[0]["fields"]  # fmt: skip
    assert events[-1]["event"] == "summary"
    assert done.returncode == 6


def test_text_that_is_no_hex_is_wrong_usage(tmp_path: Path) -> None:
    done = piped(b"hello there", "-", "--hex", cwd=tmp_path)
    assert done.returncode == 2
    assert b"line 1 is no hex text" in done.stderr


# Rules


def test_every_rule_is_listed_and_explained(tmp_path: Path) -> None:
    listed = here("stream", "validate", "--list-rules", "--json", cwd=tmp_path)
    *rules, summary = listed.events
    assert [event["rule"] for event in rules] == list(RULES)
    assert {event["severity"] for event in rules} == {"info", "warning", "error"}
    assert (summary["event"], summary["count"]) == ("summary", len(RULES))
    words = here("stream", "validate", "--list-rules", cwd=tmp_path).stdout.decode()
    assert len(words.splitlines()) == 1 + len(RULES)
    done = here("stream", "validate", "--explain", "pacing-lead", cwd=tmp_path)
    assert done.status == 0
    assert "conference flushes its whole queue" in done.stdout.decode()


# For CI


def test_junit_counts_broken_errors_as_failures(tmp_path: Path) -> None:
    path = bad_dump(tmp_path)
    done = here("stream", "validate", path.name, "--format", "junit", cwd=tmp_path)
    assert done.status == 6
    (suite,) = ElementTree.fromstring(done.stdout)
    cases = {case.get("name"): case for case in suite}
    assert suite.get("failures") == "1"
    assert int(suite.get("tests", "0")) == len(cases) > 10
    (failure,) = cases["audiosocket-empty"]
    assert failure.tag == "failure"
    assert "frame 20" in failure.get("message", "")


def test_sarif_names_rule_level_and_file(tmp_path: Path) -> None:
    path = bad_dump(tmp_path)
    done = here("stream", "validate", path.name, "--format", "sarif", cwd=tmp_path)
    assert done.status == 6
    log = json.loads(done.stdout)
    assert log["version"] == "2.1.0"
    (run,) = log["runs"]
    (result,) = run["results"]
    assert (result["ruleId"], result["level"]) == ("audiosocket-empty", "error")
    assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == "audiosocket-empty"
    place = result["locations"][0]["physicalLocation"]["artifactLocation"]
    assert place == {"uri": "dump.audiosocket"}


# The proxy

BOT = """
import sys
from websockets.sync.client import connect
with connect(sys.argv[1], compression=None) as client:
    for _ in range(60):
        client.recv()
        client.send(bytes.fromhex(sys.argv[2]))
"""


def test_a_reader_that_stalls_costs_the_call_nothing(tmp_path: Path) -> None:
    """Each frame breaks rules, and nobody reads what is told of them: 64 KiB fill the pipe."""
    process = start("stream", "validate", "sim", "-e", "sln", "--proxy", "0", "--json",
                    "--max-violations", "100000", cwd=tmp_path)  # fmt: skip
    assert process.stdout is not None
    listening = json.loads(process.stdout.readline())
    received: list[float] = []
    with connect(listening["address"], compression=None) as client:
        for _ in range(100):
            client.recv()
            received.append(time.monotonic())
            for _ in range(40):
                client.send("no audio")
    gaps = [later - sooner for sooner, later in pairwise(received)]
    assert max(gaps) < 0.3
    process.send_signal(signal.SIGINT)
    done = finish(process)
    assert done.summary["frames_sent"] == 4000
    told = sum(event["event"] == "violation" for event in done.events)
    assert 2000 < told < 4000
    assert "the reader of the output was too slow" in done.stderr


@pytest.mark.parametrize("form", [["--json"], ["--format", "junit"], ["--format", "sarif"], []])
def test_no_client_is_nothing_to_judge_in_every_format(tmp_path: Path, form: list[str]) -> None:
    done = voipbin("stream", "validate", "sim", "--proxy", "0", "-d", "0.2", *form, cwd=tmp_path)
    assert done.status == 3
    assert "no client connected" in done.stderr
    if form == ["--format", "junit"]:
        (suite,) = ElementTree.fromstring(done.stdout)
        assert suite.get("errors") == "1"
    if form == ["--format", "sarif"]:
        (run,) = json.loads(done.stdout)["runs"]
        assert run["invocations"][0]["executionSuccessful"] is False
    if form == ["--json"]:
        assert json.loads(done.stdout.splitlines()[-1])["event"] == "error"


def test_a_bot_behind_the_proxy_learns_why_nobody_hears_it(tmp_path: Path) -> None:
    process = start("stream", "validate", "sim", "--proxy", "0", "-v", "--json", cwd=tmp_path)
    assert process.stdout is not None
    listening = json.loads(process.stdout.readline())
    assert listening["event"] == "listening"
    packet = "80000007000004d21a2b3c4d" + vector("sln-deployed")[5].hex()
    subprocess.run([sys.executable, "-c", BOT, listening["address"], packet], check=True)
    process.send_signal(signal.SIGINT)
    done = finish(process)
    assert done.status == 6
    broken = {v["rule"]: v for v in done.summary["violations"]}
    assert broken["rtp-payload-type-refused"]["direction"] == "out"
    assert broken["rtp-payload-type-refused"]["severity"] == "error"
    assert done.summary["frames_sent"] == 60
    assert "Traceback" not in done.stderr


def test_the_clients_of_a_proxy_are_told_apart(tmp_path: Path) -> None:
    process = start("stream", "validate", "sim", "--proxy", "0", cwd=tmp_path)
    assert process.stderr is not None
    address = process.stderr.readline().split()[5].decode().rstrip(";")
    form = {"good": "80600007000004d21a2b3c4d" + "00" * 320, "bad": "80000007" + "00" * 168}
    for packet in (form["good"], form["bad"]):
        with connect(address, compression=None) as client:
            for _ in range(3):
                client.recv()
                client.send(bytes.fromhex(packet))
    process.send_signal(signal.SIGINT)
    done = finish(process)
    lines = done.stdout.decode().splitlines()
    assert lines[0].split() == ["client", "frames", "result", "rules"]
    assert lines[1].startswith("1 ")
    assert "rtp-payload-type-refused" in lines[1]
    assert lines[2].startswith("0 ")
    assert "rtp-payload-type-refused" not in lines[2]
    assert "client 1" in lines
    assert lines[-1].startswith("fail: 6 frames")
