"""Every example of every command, pasted into a shell beside a running `voipbin simulate`."""

from __future__ import annotations

import gzip
import os
import re
import shutil
import signal
import socket
import subprocess
import tarfile
import wave
from pathlib import Path

import pytest

from tests.archive.spool import leg
from tests.shell.conftest import User
from tests.support.certificates import Authority
from tests.support.cli import here
from tests.support.needs import need
from tests.support.terminal import Terminal
from voipbin_cli.errors import ExitStatus
from voipbin_cli.events import json_line
from voipbin_cli.shell.command_tree import command_tree

EXAMPLES = list(dict.fromkeys(e for command in command_tree().walk() for e in command.examples))
PROGRAMS = ("sox",)
# Commands that run until Ctrl-C get it after so long, or once they say that they listen.
PATIENCE_S = 6.0
LISTENS = re.compile(r"simulate --(scenario|caller(?!.* --dial))|stream serve|--proxy (?!.* -d)")
# Of the seconds that an example asks for so many show what it finds.
SECONDS = "4"
NO_LOUDSPEAKER = 5


@pytest.fixture
def desk(user: User, tmp_path: Path) -> Path:
    """A directory with the files that the examples name."""
    for name in ("welcome.wav", "music.wav"):
        with wave.open(str(tmp_path / name), "wb") as file:
            file.setparams((1, 2, 8000, 0, "NONE", ""))
            file.writeframes(b"\x00\x10" * 8000)
    made = Authority(tmp_path).self_signed("made")
    made.cert.rename(tmp_path / "chain.pem")
    made.key.rename(tmp_path / "key.pem")
    (tmp_path / "order.toml").write_text('caller = [{ do = "say" }, { do = "wait-for-end" }]')
    (tmp_path / "before.json").write_text(json_line("summary", {"metrics": {}}))
    (tmp_path / "token.txt").write_text(f"{user.simulator.token}\n")
    return tmp_path


@pytest.fixture(scope="module")
def archived(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with the captures that the examples of an archive name, and their dataset."""
    root = tmp_path_factory.mktemp("archived")
    for name in ("captures", "day-1"):
        (root / name).mkdir()
    (root / "captures" / "a.pcap").write_bytes(leg())
    (root / "day-1" / "a.pcap.gz").write_bytes(gzip.compress(leg(1)))
    with tarfile.open(root / "captures.tar.gz", "w:gz") as tar:
        tar.add(root / "captures", "captures")
    assert here("archive", "diagnose", "captures", "-o", "calls", cwd=root).status == 0
    return root


def ended(process: subprocess.Popen[bytes], example: str) -> tuple[int, str]:
    """The exit status, after Ctrl-C if that is what ends it, and all that was said."""
    assert process.stdout is not None
    said = process.stdout.readline() if LISTENS.search(example) else b""
    try:
        patience_s = 0.0 if said else PATIENCE_S + int(SECONDS)
        output, _ = process.communicate(timeout=patience_s)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGINT)
        output, _ = process.communicate(timeout=30)
    return process.returncode, (said + output).decode(errors="replace")


@pytest.mark.parametrize(
    "example", [e for e in EXAMPLES if not re.match("voipbin login(?!.*<)", e)]
)
def test_an_example_does_what_it_shows(
    example: str, user: User, desk: Path, request: pytest.FixtureRequest
) -> None:
    if " archive " in example:
        is_made = " archive diagnose " in example  # by the example itself
        left_out = shutil.ignore_patterns("calls" if is_made else "")
        made = request.getfixturevalue("archived")
        shutil.copytree(made, desk, ignore=left_out, dirs_exist_ok=True)
        example = example.replace("/var/spool/captures", "captures")
    for program in PROGRAMS:
        if re.search(rf"\b{program} ", example):
            need(program)
    with socket.create_server(("127.0.0.1", 0)) as probe:
        free = str(probe.getsockname()[1])
    line = re.sub(r"\b(8080|9092)\b", free, example)
    # No client comes, however long it is waited for; and nobody has a bot there to be called.
    is_alone = " --proxy " in example or " --dial " in example
    line = re.sub(r"-d \d+", "-d 1" if is_alone else f"-d {SECONDS}", line)
    env = {**user.env, "VOIPBIN_CONFIG_DIR": str(desk / "config")}
    if example.startswith("voipbin logout --profile"):
        stored = '{"current": "lab", "profiles": {"lab": {"kind": "token", "secret": "x"}}}'
        (desk / "config").mkdir()
        (desk / "config" / "profiles.json").write_text(stored)
    process = subprocess.Popen(
        ["bash", "-c", line],
        cwd=desk,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    status, output = ended(process, line)
    if " tap " in example and status == NO_LOUDSPEAKER:
        pytest.skip("there is no loudspeaker here")
    assert status == (ExitStatus.CONNECTION if is_alone else 0), output


@pytest.mark.parametrize("example", [e for e in EXAMPLES if re.match("voipbin login(?!.*<)", e)])
def test_an_example_that_asks_gets_an_answer(example: str, user: User, desk: Path) -> None:
    line = re.sub(r"http://127.0.0.1:8080/v1.0", user.simulator.api_url, example)
    env = {**user.env, "VOIPBIN_CONFIG_DIR": str(desk / "config")}
    with Terminal("bash", "-c", line, cwd=desk, env=env) as terminal:
        terminal.wait_for("Which [1]: ")
        terminal.type("\n")
        terminal.wait_for("Token (not shown): ")
        terminal.type(f"{user.simulator.token}\n")
        terminal.wait_for("now the current one")
        assert terminal.finish() == 0


def test_ids_in_examples_are_the_simulators(user: User) -> None:
    ids = {user.simulator.call_id, *user.simulator.conference_ids}
    named = set(re.findall(r"[0-9a-f]{8}-[0-9a-f-]{27}", " ".join(EXAMPLES)))
    assert named
    assert named <= ids
