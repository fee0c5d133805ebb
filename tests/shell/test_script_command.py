"""`voipbin completion`: the script printed, or put where the shell looks."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.shell.shells import COMPLETIONS
from voipbin_cli.main import main
from voipbin_cli.shell.completions import SCRIPTS


@pytest.mark.parametrize("shell", SCRIPTS)
def test_the_script_is_the_one_that_is_installed(
    shell: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["completion", shell]) == 0
    assert capsys.readouterr().out == (COMPLETIONS / SCRIPTS[shell]).read_text(encoding="utf-8")


def test_it_goes_where_the_shell_looks_and_nowhere_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(os.environ, "XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setitem(os.environ, "SHELL", "/usr/bin/fish")
    assert main(["completion", "--install", "--json"]) == 0
    place = tmp_path / "fish/vendor_completions.d/voipbin.fish"
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [place]
    told = json.loads(capsys.readouterr().out)
    assert (told["event"], told["installed"]) == ("summary", str(place))
    assert place.read_text(encoding="utf-8") == told["script"]


def test_a_place_that_cannot_be_written_is_this_machines_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setitem(os.environ, "XDG_DATA_HOME", str(tmp_path / "file"))
    assert main(["completion", "bash", "--install"]) == 5
    assert "cannot write" in capsys.readouterr().err
