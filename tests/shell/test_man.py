"""The man pages: fresh, faultless to groff and mandoc, and as true as the help they come from."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

import voipbin_cli
from tests.support.needs import need
from voipbin_cli import __version__
from voipbin_cli.analysis.findings import ROWS
from voipbin_cli.errors import ExitStatus
from voipbin_cli.render.tree import Command
from voipbin_cli.shell.command_tree import command_tree
from voipbin_cli.shell.common_sections import STATUSES
from voipbin_cli.shell.generated import stale_files
from voipbin_cli.shell.json_schema.document import EVENTS
from voipbin_cli.shell.json_schema.measured import METRICS
from voipbin_cli.shell.judged_sections import TOPICS
from voipbin_cli.shell.man import pages, text

MAN = Path("man/man1").resolve()
COMMANDS = {"-".join(("voipbin", *c.path)): c for c in command_tree().walk()}
LEAVES = [name for name, command in COMMANDS.items() if not command.commands]


def shown(program: str, title: str) -> str:
    """The page as a terminal shows it, without backspaces, on lines too long to be broken."""
    wide = ["-O", "width=400"] if program == "mandoc" else ["-rLL=400n"]
    command = [need(program), "-man", "-Tutf8", *wide, str(MAN / f"{title}.1")]
    env = {"PATH": os.environ["PATH"], "GROFF_NO_SGR": "1"}
    done = subprocess.run(command, capture_output=True, timeout=60, env=env)
    assert (done.returncode, done.stderr) == (0, b"")
    return re.sub(r".\x08", "", done.stdout.decode())


def test_the_committed_pages_are_what_would_be_generated_now() -> None:
    assert stale_files(MAN, pages()) == []


def test_there_is_a_page_for_every_command() -> None:
    titles = (*COMMANDS, *TOPICS, "voipbin-python")
    assert {path.name for path in MAN.iterdir()} == {f"{title}.1" for title in titles}


def test_groff_has_no_complaint() -> None:
    for path in sorted(MAN.iterdir()):
        command = [need("groff"), "-man", "-Tutf8", "-ww", "-z", str(path)]
        done = subprocess.run(command, capture_output=True, timeout=60)
        assert (done.returncode, done.stderr) == (0, b""), path


def test_mandoc_has_no_complaint() -> None:
    for path in sorted(MAN.iterdir()):
        command = [need("mandoc"), "-T", "lint", "-W", "warning", str(path)]
        done = subprocess.run(command, capture_output=True, timeout=60)
        assert (done.returncode, done.stdout + done.stderr) == (0, b""), path


@pytest.mark.parametrize("program", ["groff", "mandoc"])
@pytest.mark.parametrize("title", LEAVES)
def test_a_page_tells_all_that_the_help_does(program: str, title: str) -> None:
    page = " ".join(shown(program, title).split())
    command: Command = COMMANDS[title]
    for option in command.options:
        assert all(name in page for name in option.all_names)
        assert " ".join(option.help.replace("`", "").replace("…", "...").split()) in page
    for paragraph in command.paragraphs:
        assert paragraph.replace("`", "").replace("…", "...") in page
    assert f"voipbin {__version__}" in page


@pytest.mark.parametrize("program", ["groff", "mandoc"])
@pytest.mark.parametrize("title", LEAVES)
def test_examples_can_be_copied_off_the_screen(program: str, title: str) -> None:
    lines = [line.strip() for line in shown(program, title).splitlines()]
    assert set(COMMANDS[title].examples) <= set(lines)


@pytest.mark.parametrize("title", LEAVES)
def test_a_page_has_the_sections_that_people_look_for(title: str) -> None:
    page = (MAN / f"{title}.1").read_text()
    wanted = ["NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "EXIT STATUS", "ENVIRONMENT"]
    found = re.findall(r"^\.SH (.+)$", page, re.MULTILINE)
    assert [name for name in found if name in wanted] == wanted
    assert found[-2:] == ["EXAMPLES", "SEE ALSO"]


def test_every_finding_is_told_with_its_remedy() -> None:
    page = " ".join(shown("groff", "voipbin-findings").split())
    for row in ROWS:
        assert row.id.value in page
        assert " ".join(row.remedy.replace("`", "").replace("…", "...").split()) in page


def test_every_event_and_key_stands_on_the_page_for_scripts() -> None:
    words = set(re.findall(r"[\w-]+", shown("groff", "voipbin-json")))
    for event in EVENTS:
        assert {event.name, *(key.name for key in event.keys)} <= words
    assert {key.name for key in METRICS} <= words


@pytest.mark.parametrize("title", LEAVES)
def test_a_page_names_the_keys_of_what_its_command_prints(title: str) -> None:
    words = set(re.findall(r"[\w-]+", shown("groff", title)))
    own = [event for event in EVENTS if event.is_of(" ".join(COMMANDS[title].path))]
    assert own, "a command without a row in json_schema"
    for event in own[:-1]:
        assert {event.name, *(key.name for key in event.keys)} <= words


def test_see_also_names_pages_that_exist() -> None:
    for path in MAN.iterdir():
        for name in re.findall(r"^\.BR (\S+) \(1\)", path.read_text(), re.MULTILINE):
            assert name.replace("\\-", "-") in {*COMMANDS, *TOPICS, "voipbin-python"}


def test_every_exit_status_has_its_words() -> None:
    assert [int(entry.term) for entry in STATUSES] == [int(status) for status in ExitStatus]


def test_man_finds_the_pages_where_the_wheel_puts_them(tmp_path: Path) -> None:
    (tmp_path / "share" / "man").mkdir(parents=True)
    (tmp_path / "share" / "man" / "man1").symlink_to(MAN)
    env = {"PATH": os.environ["PATH"], "MANPATH": str(tmp_path / "share" / "man")}
    command = [need("man"), "--warnings", "voipbin-stream-record"]
    done = subprocess.run(command, capture_output=True, timeout=60, env=env)
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"record a call or conference to a file" in done.stdout


@pytest.mark.parametrize(
    ("words", "roff"),
    [
        ("a-b", r"a\-b"),
        (r"C:\new", r"C:\enew"),
        (".hidden", r"\&.hidden"),
        ("'quoted'", r"\(aqquoted\(aq"),
        ("run `voipbin login`", r"run \fBvoipbin login\fR"),
        ("more…", "more..."),
        ("20 → 30", r"20 \(-> 30"),
        ("é", r"\[u00E9]"),
        ("~/x ^", r"\(ti/x \(ha"),
    ],
)
def test_every_character_is_shown_as_itself(words: str, roff: str) -> None:
    assert text(words) == roff


def test_the_page_of_the_library_tells_of_every_name() -> None:
    page = shown("mandoc", "voipbin-python")
    for name in set(voipbin_cli.__all__) - {"__version__"}:
        assert re.search(rf"^ +(await )?{re.escape(name)}\b", page, re.MULTILINE), name
    assert "duration_s" in page
    assert ">>> from voipbin_cli import record" in page
    assert "voipbin_call" in page.partition("PYTEST")[2]
