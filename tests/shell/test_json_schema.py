"""What `voipbin schema` prints: a schema that validators take, and that says what it should."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator as Validator

from tests.support.cli import here
from tests.support.json_lines import command_of, problem, strict
from voipbin_cli.events import json_line
from voipbin_cli.shell.command_tree import command_tree
from voipbin_cli.shell.json_schema.document import COMMANDS, EVENTS, document
from voipbin_cli.shell.json_schema.rows import COUNT, Key, each, keys_of, or_null

OPEN = {"event": "open", "schema": 1, "time": "2026-11-29T07:00:00.000Z", "connection": 1}


def test_it_is_a_schema_and_each_part_that_it_names_is_there() -> None:
    made = document()
    Validator.check_schema(made)
    named = {part for part in json.dumps(made).split('"') if part.startswith("#/$defs/")}
    assert {f"#/$defs/{name}" for name in made["$defs"]} == named


def test_every_command_has_rows_and_one_of_them_is_a_summary() -> None:
    leaves = {" ".join(c.path) for c in command_tree().walk() if not c.commands}
    assert set(COMMANDS) == leaves
    for command in leaves:
        assert "summary" in {event.name for event in EVENTS if event.is_of(command)}


@pytest.mark.parametrize(
    ("words", "names"),
    [
        ("stream record", {"open", "summary", "error"}),
        ("logout", {"summary", "error"}),
        ("violation", {"violation"}),
    ],
)
def test_it_can_be_asked_of_a_command_or_an_event(
    words: str, names: set[str], tmp_path: Path
) -> None:
    printed = json.loads(here("schema", *words.split(), cwd=tmp_path).stdout)
    assert names <= set(printed["properties"]["event"]["enum"])
    assert here("schema", *words.split(), "--json", cwd=tmp_path).summary["document"] == printed


def test_a_short_form_of_a_command_is_that_command(tmp_path: Path) -> None:
    long, short = (here("schema", *w, cwd=tmp_path) for w in (("stream", "tap"), ("tap",)))
    assert long.stdout == short.stdout


def test_a_word_that_is_none_is_told_of(tmp_path: Path) -> None:
    told = here("schema", "violaton", cwd=tmp_path)
    assert (told.status, told.stdout) == (2, b"")
    assert "did you mean violation?" in told.stderr


def test_readers_are_allowed_keys_that_are_new_and_tests_are_not() -> None:
    line = {**OPEN, "colour": "red"}
    assert Validator(document()).is_valid(line)
    assert problem("stream record", OPEN) is None
    assert "colour" in str(problem("stream record", line))


@pytest.mark.parametrize(
    "wrong",
    [{"connection": "1"}, {"schema": 2}, {"time": "07:00"}, {"connection": None}, {"event": "no"}],
)
def test_what_is_not_as_promised_is_told_in_both(wrong: dict[str, object]) -> None:
    assert problem("stream record", OPEN | wrong)
    assert not Validator(document()).is_valid(OPEN | wrong)


def test_a_line_of_another_command_is_none_of_this_one() -> None:
    assert "no row" in str(problem("logout", OPEN))


def test_a_line_as_it_is_made_is_one() -> None:
    assert problem("stream record", json.loads(json_line("open", {"connection": 1}))) is None


def test_an_object_within_a_list_or_a_null_is_closed_as_well() -> None:
    shape = strict(keys_of([Key("rows", each(or_null(keys_of([Key("n", COUNT)]))))]))
    assert Validator(shape).is_valid({"rows": [None, {"n": 1}]})
    assert not Validator(shape).is_valid({"rows": [{"n": 1, "m": 2}]})


@pytest.mark.parametrize(
    ("args", "command"),
    [
        (["-v", "--json", "record", "sim"], "stream record"),
        (["calls", "list"], "calls list"),
        (["stream", "diagnose", "help"], "stream diagnose"),
        (["--version"], None),
    ],
)
def test_the_command_of_a_line_is_told_from_its_words(args: list[str], command: str) -> None:
    assert command_of(args) == command
