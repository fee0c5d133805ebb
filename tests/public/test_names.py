"""What `import voipbin_cli` offers, what it costs, and that its examples are true."""

from __future__ import annotations

import doctest
import inspect
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest

import voipbin_cli
from voipbin_cli import UsageError
from voipbin_cli.commands.options import SendOptions
from voipbin_cli.public.connecting import Connecting, chosen

DOCUMENTED = {
    value.__name__: value
    for value in map(voipbin_cli.__getattr__, (n for n in voipbin_cli.__all__ if n[0] != "_"))
    if ">>> " in (inspect.getdoc(value) or "")
}
# The plain functions have the docstring of their coroutines.
EXAMPLES = sorted(set(DOCUMENTED) - {"record_stream", "play_stream"})


def test_an_import_loads_nothing_but_the_package_itself() -> None:
    script = (
        "import sys; before = set(sys.modules); import voipbin_cli; "
        "new = set(sys.modules) - before; sys.exit(new - {'__future__'} != {'voipbin_cli'})"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


def test_every_name_is_there_and_is_documented() -> None:
    for name in voipbin_cli.__all__:
        value = getattr(voipbin_cli, name)
        assert name.startswith("__") or inspect.getdoc(value), name
        assert name in dir(voipbin_cli)
    with pytest.raises(AttributeError, match="'recrod'"):
        voipbin_cli.recrod  # noqa: B018


def test_every_name_is_seen_by_a_type_checker() -> None:
    source = Path(voipbin_cli.__file__).read_text(encoding="utf-8")
    seen, _, _ = source.partition("__version__ = ")
    homes = {name for names in voipbin_cli._HOMES.values() for name in names}
    assert homes == {name for name in voipbin_cli.__all__ if name[0] != "_"}
    for name in homes:
        assert seen.count(f" {name},") + seen.count(f" {name}\n") == 1, name


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_examples_of_a_docstring_run(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    value = DOCUMENTED[name]
    finder, runner = doctest.DocTestFinder(recurse=False), doctest.DocTestRunner(verbose=False)
    (test,) = [t for t in finder.find(value, name, module=False, globs={}) if t.examples]
    told: list[str] = []
    assert runner.run(test, out=told.append).failed == 0, "".join(told)


def test_words_that_are_none_are_refused_with_those_that_there_are() -> None:
    with pytest.raises(UsageError, match="encapsulation='mp3'") as caught:
        chosen(encapsulation="mp3")
    assert caught.value.hint == "one of rtp, sln, audiosocket"
    with pytest.raises(UsageError, match="both given"):
        chosen(token="a", accesskey="b")
    with pytest.raises(TypeError, match="tokn"):
        chosen(tokn="a")  # type: ignore[call-arg]


def test_a_credential_that_is_given_comes_before_every_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("VOIPBIN_TOKEN", "the environment's")
    environ = chosen(accesskey="mine").environ
    assert environ is not None
    assert (environ["VOIPBIN_TOKEN"], environ["VOIPBIN_ACCESSKEY"]) == ("", "mine")


def test_what_every_live_function_takes_is_documented() -> None:
    for name in Connecting.__annotations__:
        assert f"{name}: " in (inspect.getdoc(Connecting) or ""), name


@pytest.mark.parametrize("verb", [voipbin_cli.play, voipbin_cli.open_stream])
def test_what_is_sent_leads_as_the_command_does(verb: object) -> None:
    (due,) = [field.default for field in fields(SendOptions) if field.name == "lead"]
    assert inspect.signature(verb).parameters["lead_ms"].default == due
