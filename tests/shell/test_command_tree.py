"""What every command must be like to be learnt from its help alone."""

from __future__ import annotations

import re

import pytest

from voipbin_cli.render.tree import Command
from voipbin_cli.shell.command_tree import command_tree
from voipbin_cli.shell.values import values_of

COMMANDS = list(command_tree().walk())
LEAVES = [command for command in COMMANDS if not command.commands]
OPTIONS = [(command, option) for command in COMMANDS for option in command.options]


def by_name(command: Command) -> str:
    return command.name


@pytest.mark.parametrize("command", COMMANDS, ids=by_name)
def test_a_command_says_what_it_does_in_one_sentence(command: Command) -> None:
    assert re.fullmatch(r"[A-Z].*\.", command.summary), command.summary
    assert len(command.summary) <= 90
    # The wish is a sentence, at most one more paragraph, and examples.
    assert len(command.paragraphs) <= 3


@pytest.mark.parametrize("command", LEAVES, ids=by_name)
def test_a_command_has_examples_of_itself(command: Command) -> None:
    assert command.examples
    assert all(command.name in example for example in command.examples)


@pytest.mark.parametrize("command", COMMANDS, ids=by_name)
def test_an_option_says_what_it_is_for(command: Command) -> None:
    for option in command.options:
        assert re.fullmatch(r"\S.*[.…]", option.help), option.help
        assert option.long.startswith("--")


@pytest.mark.parametrize("command", COMMANDS, ids=by_name)
def test_a_metavar_says_what_the_value_is(command: Command) -> None:
    for option in command.options:
        assert not values_of(option.metavar).strange, f"name {option.metavar} in shell/values.py"


@pytest.mark.parametrize("command", COMMANDS, ids=by_name)
def test_an_argument_says_what_it_is(command: Command) -> None:
    for argument in command.arguments:
        assert not values_of(argument.metavar).strange
        assert argument.help


def test_one_name_means_one_thing_in_all_commands() -> None:
    meanings: dict[str, set[str]] = {}
    for _, option in OPTIONS:
        for name in option.names:
            meanings.setdefault(name, set()).add(option.metavar)
    # Choices may differ (a call's states are not a conference's); flag or value may not.
    mixed = {name: found for name, found in meanings.items() if "" in found and len(found) > 1}
    assert not mixed


def test_groups_take_no_values() -> None:
    # The scripts find the command in a line by its words, and rely on that.
    groups = [command for command in COMMANDS if command.commands]
    assert not [option for group in groups for option in group.options if option.metavar]


def test_the_contracts_commands_are_there() -> None:
    wanted = {"record", "play", "tap", "diagnose", "validate", "serve", "pipe"}
    names = {command.name for command in COMMANDS}
    assert {"voipbin simulate", "voipbin login", "voipbin logout"} <= names
    assert {
        f"voipbin {kind} {verb}" for kind in ("calls", "conferences") for verb in ("list", "show")
    } <= names
    missing = wanted - {name.removeprefix("voipbin stream ") for name in names}
    assert not missing
