"""Commands that are loaded when they are called, and dataclasses whose fields are flags."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from enum import StrEnum
from types import ModuleType
from typing import Annotated

import pytest
import typer

from voipbin_cli.commands.group import CommandGroup, HelpShown, LazyCommand
from voipbin_cli.commands.values import choice
from voipbin_cli.render.tree import describe


class Leaf(StrEnum):
    BLACK = "black"
    GREEN = "green"


@dataclass(frozen=True, kw_only=True)
class Water:
    degrees: Annotated[int, typer.Option(help="How hot.")] = 100
    soft: Annotated[bool, typer.Option("--soft", help="Without chalk.")] = False


@dataclass(frozen=True, kw_only=True)
class Tea:
    cups: Annotated[int, typer.Argument(help="How many.")]
    leaf: Annotated[Leaf, choice("--leaf", "-l", among=Leaf, help="Which.")] = Leaf.BLACK
    water: Water = field(default_factory=Water)


made: list[Tea] = []


def brew(options: Tea) -> None:
    """Makes tea."""
    made.append(options)


@pytest.fixture
def kitchen(monkeypatch: pytest.MonkeyPatch) -> CommandGroup:
    """A group whose command lies in a module that nobody has imported."""
    module = ModuleType("voipbin_cli.commands.kitchen")
    module.brew = brew  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    made.clear()
    return CommandGroup("A kitchen.", {"brew": LazyCommand("kitchen.brew", "Makes tea.")})


def run(group: CommandGroup, *args: str) -> None:
    group.main(list(args), prog_name="kitchen", standalone_mode=False)


def test_each_field_is_a_flag_and_a_dataclass_stands_for_its_own(kitchen: CommandGroup) -> None:
    run(kitchen, "brew", "2", "-l", "GREEN", "--degrees", "80", "--soft")
    assert made == [Tea(cups=2, leaf=Leaf.GREEN, water=Water(degrees=80, soft=True))]
    assert made[0].leaf is Leaf.GREEN


def test_what_is_left_out_is_as_the_dataclass_has_it(kitchen: CommandGroup) -> None:
    run(kitchen, "brew", "1")
    assert made == [Tea(cups=1)]
    assert made[0].leaf is Leaf.BLACK


def test_a_field_without_a_default_has_to_be_given(kitchen: CommandGroup) -> None:
    with pytest.raises(typer.TyperException) as caught:
        run(kitchen, "brew")
    assert "cups" in str(caught.value)


def test_a_group_knows_a_command_without_importing_it() -> None:
    group = CommandGroup("A kitchen.", {"bake": LazyCommand("nowhere.bake", "Bakes.")})
    (command,) = describe(group).commands
    assert (command.name, command.summary) == ("voipbin bake", "Bakes.")
    with pytest.raises(ModuleNotFoundError):
        run(group, "bake")


def test_a_loaded_group_has_the_options_of_its_commands(kitchen: CommandGroup) -> None:
    (command,) = describe(kitchen.loaded()).commands
    shown = [(option.long, option.metavar, option.default) for option in command.options]
    assert shown == [
        ("--leaf", "black|green", "black"),
        ("--degrees", "INT", "100"),
        ("--soft", "", ""),
        ("--help", "", ""),
    ]
    assert [argument.metavar for argument in command.arguments] == ["CUPS"]


def test_no_command_at_all_shows_the_help(
    kitchen: CommandGroup, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(HelpShown):
        run(kitchen)
    assert "brew           Makes tea." in capsys.readouterr().err


def test_two_fields_of_one_name_are_a_mistake_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    @dataclass(frozen=True, kw_only=True)
    class Twice:
        degrees: int = 1
        water: Water = field(default_factory=Water)

    def boil(options: Twice) -> None:
        """Boils."""

    boil.__annotations__["options"] = Twice
    Twice.__annotations__.update(degrees=int, water=Water)
    module = ModuleType("voipbin_cli.commands.stove")
    module.boil = boil  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    with pytest.raises(ValueError, match="duplicate parameter name: 'degrees'"):
        run(CommandGroup("A stove.", {"boil": LazyCommand("stove.boil", "Boils.")}), "boil")
