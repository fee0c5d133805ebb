"""What `--help` prints: the sentence, examples that can be pasted, options in groups."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.cli import VOIPBIN, environment, voipbin
from tests.support.terminal import Terminal
from voipbin_cli.render.help import help_text
from voipbin_cli.render.tree import Argument, Command, CommandOption
from voipbin_cli.shell.command_tree import command_tree

COMMANDS = list(command_tree().walk())

HELP = """\
Makes tea.

It takes care of the water, too.

Examples:

    voipbin tea --leaves "as many as there are, however long the line may become" | cup
"""
TEA = Command(
    path=("tea",),
    help=HELP,
    options=(
        CommandOption(("--leaves", "-l"), (), "N", "How many leaves.", "7", "LEAVES", "Pot"),
        CommandOption(("--milk",), ("--no-milk",), "", "Pour it in first.", "milk", "", "Cup"),
        CommandOption(("--a-very-long-name-indeed",), (), "FILE", "Where to.", "", "", "Cup"),
        CommandOption(("--help", "-h"), (), "", "Show this.", "", "", ""),
    ),
    arguments=(
        Argument("POT", "Which pot.", required=True, many=False),
        Argument("CUP", "Which cups.", required=False, many=True),
    ),
    commands=(),
)


def test_the_whole_screen() -> None:
    assert (
        help_text(TEA, 50)
        == """\
Usage: voipbin tea [OPTION ...] POT [CUP ...]

Makes tea.

It takes care of the water, too.

Examples:
  voipbin tea --leaves "as many as there are, however long the line may become" | cup

Arguments:
  POT                    Which pot.
  CUP                    Which cups.

Pot:
  -l, --leaves N         How many leaves.
                         [default: 7] [env:
                         LEAVES]

Cup:
      --milk, --no-milk  Pour it in first.
                         [default: milk]
      --a-very-long-name-indeed FILE
                         Where to.

Others:
  -h, --help             Show this.
"""
    )


@pytest.mark.parametrize("width", [40, 80, 100])
@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_every_command_fits_and_says_everything(command: Command, width: int) -> None:
    text = help_text(command, width)
    words = text.split()
    # A word or a term longer than the terminal is wide cannot be helped.
    longest = max(map(len, [*words, *command.examples]))
    limit = max(width, longest + 35)
    assert all(len(line) <= limit for line in text.splitlines())
    running = " ".join(words)
    for option in command.options:
        assert option.meaning in running
        assert all(name in words or f"{name}," in words for name in option.all_names)
    for example in command.examples:
        assert f"\n  {example}\n" in text


def test_eighty_columns_are_enough() -> None:
    for command in COMMANDS:
        lines = help_text(command, 80).splitlines()
        told = {f"  {example}" for example in command.examples}
        assert max(len(line) for line in lines if line not in told) <= 80


def test_no_command_at_all_shows_what_there_is(tmp_path: Path) -> None:
    for args in ((), ("stream",), ("calls",)):
        result = voipbin(*args, cwd=tmp_path)
        assert (result.status, result.stdout) == (2, b"")
        assert result.stderr.startswith(f"Usage: {' '.join(('voipbin', *args))} COMMAND")
        assert "hint" not in result.stderr


def test_help_is_plain_in_a_pipe_and_bold_on_a_terminal(tmp_path: Path) -> None:
    assert b"\x1b" not in voipbin("stream", "record", "-h", cwd=tmp_path).stdout
    command = (*VOIPBIN, "stream", "record", "-h")
    for extra, is_bold in (({}, True), ({"NO_COLOR": "1"}, False)):
        with Terminal(*command, cwd=tmp_path, env=environment(tmp_path, extra)) as terminal:
            assert terminal.finish() == 0
            assert ("\x1b[1mExamples:" in terminal.raw) is is_bold


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("stream", "recrod"), "did you mean voipbin stream record?"),
        (("stream", "record", "--duratoin", "3"), "did you mean --duration?"),
        (("stream", "record", "sim", "-e", "rpt"), "did you mean rtp?"),
        (("stream", "record", "sim:jittr"), "did you mean jitter?"),
        (("login", "--access-key-stdin"), "did you mean --accesskey-stdin"),
    ],
)
def test_what_was_meant_is_named(tmp_path: Path, args: tuple[str, ...], words: str) -> None:
    result = voipbin(*args, cwd=tmp_path)
    assert result.status == 2
    assert words in result.stderr
    assert len(result.stderr.splitlines()) == 2
