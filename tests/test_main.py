"""What the command line does however a command ends."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.support.cli import VOIPBIN, environment, voipbin
from voipbin_cli.commands.options import OutputOptions
from voipbin_cli.main import STREAM, app, main
from voipbin_cli.render.tree import describe
from voipbin_cli.shell.command_tree import command_tree

TALKERS = [
    ("simulate", "--list"),
    ("stream", "validate", "--list-rules"),
    ("stream", "diagnose", "--list-findings"),
    ("stream", "record", "sim", "-d", "1", "-o", "-"),
    ("stream", "record", "sim", "-d", "1", "--json"),
]


@pytest.mark.parametrize("args", TALKERS, ids=" ".join)
def test_a_broken_pipe_is_silent(args: tuple[str, ...], tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run(
            [*VOIPBIN, *args],
            stdin=subprocess.DEVNULL,
            stdout=writing,
            stderr=subprocess.PIPE,
            cwd=tmp_path,
            env=environment(tmp_path),
            timeout=60,
        )
    finally:
        os.close(writing)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize("args", [(), ("stream",), ("calls",)])
def test_nothing_asked_shows_the_help(args: tuple[str, ...], tmp_path: Path) -> None:
    result = voipbin(*args, cwd=tmp_path)
    assert "Commands" in (result.stdout.decode() + result.stderr)
    assert "Traceback" not in result.stderr


def test_wrong_usage_is_two_lines_and_status_two(tmp_path: Path) -> None:
    result = voipbin("stream", "recrod", "sim", cwd=tmp_path)
    assert result.status == 2
    what, hint = result.stderr.splitlines()
    assert what.startswith("voipbin: ")
    assert "record" in what + hint
    assert hint.startswith("hint: ")


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("stream", "serve", "--port", "abc"), "--port takes a whole number from 0 to 65535"),
        (("stream", "serve", "--port", "70000"), "--port takes a whole number from 0 to 65535"),
        (
            ("stream", "play", "sim", "a", "--loop", "-3"),
            "--loop takes a whole number of 0 or more",
        ),
        (("stream", "play", "sim", "a", "--gain", "z"), "--gain takes a number from -100 to 100"),
        (("calls", "list", "--limit", "\x1b is not a valid int"), "--limit takes a whole number"),
    ],
)
def test_a_number_that_is_none_is_told_with_those_that_are(
    args: tuple[str, ...], said: str, tmp_path: Path
) -> None:
    result = voipbin(*args, cwd=tmp_path)
    assert result.status == 2
    assert result.stderr.startswith(f"voipbin: {said}")
    assert result.stderr.splitlines()[0].endswith(f", not '{args[-1]}'".replace("\x1b", r"\x1b"))


def test_what_a_group_says_of_a_command_is_what_the_command_says_of_itself() -> None:
    known = {command.name: command.summary for command in describe(app).leaves}
    told = {command.name: command.summary for command in command_tree().leaves}
    assert known == told
    assert len(known) == 21


def test_what_the_phone_heard_replaces_no_file_unasked(tmp_path: Path) -> None:
    heard = tmp_path / "heard.wav"
    heard.write_bytes(b"kept")
    result = voipbin("simulate", "--port", "0", "--heard", "heard.wav", cwd=tmp_path)
    assert (result.status, heard.read_bytes()) == (2, b"kept")
    assert "heard.wav exists already" in result.stderr


@pytest.mark.parametrize("name", STREAM.commands)
def test_a_stream_command_needs_no_stream_before_it(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([name, "--help"]) == 0
    short = capsys.readouterr().out
    assert main(["stream", name, "--help"]) == 0
    long = capsys.readouterr().out
    assert short.partition("\n")[2] == long.partition("\n")[2]
    assert short.startswith(f"Usage: voipbin {name} ")


def test_a_short_form_stands_for_nothing_else() -> None:
    assert not set(app.short_forms) & set(app.commands)


@pytest.mark.parametrize(
    "args",
    [
        ["--json", "stream", "diagnose", "--explain", "jitter"],
        ["stream", "--json", "-v", "diagnose", "--explain", "jitter"],
        ["-qv", "--json", "diagnose", "--explain", "jitter"],
    ],
    ids=" ".join,
)
def test_what_every_command_takes_may_stand_before_it(
    args: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(args) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[0])["id"] == "jitter"


def test_the_options_before_a_command_are_those_that_commands_share() -> None:
    before = {option.long.lstrip("-") for option in describe(app).options} - {"version", "help"}
    assert before == {field.name for field in dataclasses.fields(OutputOptions)}


def test_nothing_but_such_options_shows_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["-v"]) == 2
    assert "Commands" in capsys.readouterr().err
