"""The completion scripts: fresh, whole, and at work in real shells."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests.shell.conftest import User
from tests.shell.shells import COMPLETIONS, bash, fish, zsh, zsh_as_typed
from tests.support.needs import need, unavailable
from tests.support.spread import LONG
from tests.support.terminal import Terminal
from voipbin_cli.render.tree import Command
from voipbin_cli.shell.command_tree import typed_tree
from voipbin_cli.shell.completions import scripts
from voipbin_cli.shell.generated import stale_files
from voipbin_cli.simulator.catalog import SCENARIOS

Shell = Callable[[str, Mapping[str, str], Path], list[str]]
SHELLS = [bash, zsh, fish]


def offers(shell: Shell, line: str, user: User) -> set[str]:
    return set(shell(line, user.env, user.home))


def test_the_committed_scripts_are_what_would_be_generated_now() -> None:
    assert stale_files(COMPLETIONS, scripts()) == []


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("voipbin si", {"simulate"}),
        ("voipbin stream rec", {"record"}),
        ("voipbin rec", {"record"}),
        ("voipbin record -e s", {"sln"}),
        ("voipbin calls ", {"list", "show"}),
        ("voipbin stream record -e ", {"rtp", "sln", "audiosocket"}),
        ("voipbin stream record --encapsulation ", {"rtp", "sln", "audiosocket"}),
        ("voipbin stream record --json -e s", {"sln"}),
        ("voipbin stream record --no-k", {"--no-keepalive"}),
        ("voipbin simulate --scenario stal", {"stall"}),
        ("voipbin calls list --status pro", {"progressing"}),
        ("voipbin stream record -d ", set()),
        ("voipbin stream record --api-url ", set()),
    ],
)
def test_words_are_offered_where_they_fit(
    shell: Shell, line: str, expected: set[str], user: User
) -> None:
    assert offers(shell, line, user) == expected


@pytest.mark.parametrize("shell", SHELLS)
def test_commands_and_options_are_all_offered(shell: Shell, tree: Command, user: User) -> None:
    """By each shell those of a third of the commands: one table of them makes all the scripts."""
    commands = list(tree.walk())
    for command in commands if LONG else commands[SHELLS.index(shell) :: len(SHELLS)]:
        long = {n for o in command.options for n in o.all_names if n.startswith("--")}
        assert offers(shell, f"{command.name} --", user) == long
        if command.commands:
            typed = command if command.path else typed_tree()
            names = {child.path[-1] for child in typed.commands}
            assert offers(shell, f"{command.name} ", user) == names


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize(
    "line",
    [
        "voipbin stream record ",
        # The value of an option is not the command's argument, and not a command.
        "voipbin stream record -d 5 -o list ",
        "voipbin stream record --encapsulation=sln --json ",
    ],
)
def test_what_is_in_progress_is_offered(shell: Shell, line: str, user: User) -> None:
    conferences = {f"conference/{name}" for name in user.simulator.conference_ids}
    assert offers(shell, line, user) == {user.simulator.call_id, *conferences, "sim", "sim:"}


def test_a_zsh_offers_what_is_in_progress_on_every_tab_and_complains_of_nothing(user: User) -> None:
    lines = ["voipbin stream record ", "voipbin stream record ", "voipbin stream diagnose "]
    for shown in zsh_as_typed(lines, user.env, user.home):
        assert user.simulator.call_id in shown
        assert "bad option" not in shown
        assert "not found" not in shown


@pytest.mark.parametrize("shell", SHELLS)
def test_ids_alone_where_a_command_wants_an_id(shell: Shell, user: User) -> None:
    assert offers(shell, "voipbin calls show ", user) == {user.simulator.call_id}
    conferences = set(user.simulator.conference_ids)
    assert offers(shell, "voipbin conferences show ", user) == conferences


@pytest.mark.parametrize("shell", SHELLS)
def test_scenarios_follow_sim_and_a_colon(shell: Shell, user: User) -> None:
    # bash replaces what follows the colon, the others the whole word.
    start = "" if shell is bash else "sim:"
    assert offers(shell, "voipbin stream record sim:jit", user) == {f"{start}jitter"}
    everything = offers(shell, "voipbin stream record sim:", user) - {"sim:"}
    assert everything == {f"{start}{name}" for name in SCENARIOS}


@pytest.mark.parametrize("shell", SHELLS)
def test_a_value_after_an_equals_sign(shell: Shell, user: User) -> None:
    start = "" if shell is bash else "--encapsulation="
    line = "voipbin stream record --encapsulation=au"
    assert offers(shell, line, user) == {f"{start}audiosocket"}


@pytest.mark.parametrize("shell", [zsh, fish])
def test_files_are_offered_where_a_file_is_wanted(shell: Shell, user: User) -> None:
    assert "call.wav" in offers(shell, "voipbin stream record -o call", user)
    assert "call.wav" in offers(shell, "voipbin stream play sim call", user)
    assert "call.wav" in offers(shell, "voipbin stream play sim x.wav y.wav call", user)
    assert offers(shell, "voipbin stream record call", user) == set()


@pytest.mark.parametrize("shell", SHELLS)
def test_profiles_are_offered(shell: Shell, user: User, tmp_path: Path) -> None:
    (tmp_path / "profiles.json").write_text(
        '{"current": "live", "profiles": {"live": {"kind": "token"}, "lab": {"kind": "token"}}}'
    )
    env = {**user.env, "VOIPBIN_CONFIG_DIR": str(tmp_path)}
    assert set(shell("voipbin calls list --profile l", env, user.home)) == {"live", "lab"}


@pytest.mark.parametrize("shell", SHELLS)
def test_a_platform_out_of_reach_is_silence(shell: Shell, user: User) -> None:
    env = {**user.env, "VOIPBIN_API_URL": "http://127.0.0.1:1/v1.0"}
    assert set(shell("voipbin stream record ", env, user.home)) == {"sim", "sim:"}


def test_bash_completes_on_tab(user: User) -> None:
    with Terminal(need("bash"), "--norc", "-i", cwd=user.home, env=user.env) as terminal:
        terminal.type(f"source {COMPLETIONS}/voipbin.bash; PS1='ready: '\n")
        terminal.wait_for("\nready: ")
        terminal.type("voipbin stre\trec\tsim:upstr\t--capt\tx --fi\t-o tw\t# end\x05")
        command = (
            "voipbin stream record sim:upstream-loss --capture x --fill -o two\\ words.wav # end"
        )
        terminal.wait_for(command)


def test_bash_finds_the_script_where_the_wheel_puts_it(user: User, tmp_path: Path) -> None:
    loader = Path("/usr/share/bash-completion/bash_completion")
    if not loader.exists():
        unavailable("bash-completion is not installed")
    place = tmp_path / "bash-completion" / "completions"
    place.mkdir(parents=True)
    (place / "voipbin").write_bytes((COMPLETIONS / "voipbin.bash").read_bytes())
    env = {**user.env, "XDG_DATA_DIRS": f"{tmp_path}:/usr/share"}
    with Terminal(need("bash"), "--norc", "-i", cwd=user.home, env=env) as terminal:
        terminal.type(f"source {loader}; PS1='ready: '\n")
        terminal.wait_for("\nready: ")
        terminal.type("voipbin stre\t# end")
        terminal.wait_for("voipbin stream # end")


def test_fish_finds_the_script_where_the_wheel_puts_it(user: User, tmp_path: Path) -> None:
    place = tmp_path / "fish" / "vendor_completions.d"
    place.mkdir(parents=True)
    (place / "voipbin.fish").write_bytes((COMPLETIONS / "voipbin.fish").read_bytes())
    env = {**user.env, "XDG_DATA_DIRS": f"{tmp_path}:/usr/share"}
    done = subprocess.run(
        [need("fish"), "-c", "complete -C 'voipbin stre'"],
        env=env,
        capture_output=True,
        timeout=60,
    )
    assert done.stdout.decode().startswith("stream\t")


@pytest.mark.parametrize("program", ["bash", "zsh", "fish"])
def test_a_shell_finds_no_fault_in_its_script(program: str) -> None:
    names = {"bash": "voipbin.bash", "zsh": "_voipbin", "fish": "voipbin.fish"}
    done = subprocess.run(
        [need(program), "-n", str(COMPLETIONS / names[program])], capture_output=True, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, b"")


# No package of Debian has it.
@pytest.mark.skipif(shutil.which("pwsh") is None, reason="pwsh is not installed")
def test_powershell_reads_its_script() -> None:
    check = (
        "$errors = $null; [System.Management.Automation.Language.Parser]::ParseFile("
        f"'{COMPLETIONS / 'voipbin.ps1'}', [ref]$null, [ref]$errors) | Out-Null; $errors; "
        f". '{COMPLETIONS / 'voipbin.ps1'}'; "
        "(TabExpansion2 'voipbin stream rec' 18).CompletionMatches.CompletionText"
    )
    done = subprocess.run(
        ["pwsh", "-NoProfile", "-Command", check], capture_output=True, timeout=60
    )
    assert done.stdout.decode().split() == ["record"]


def test_the_powershell_script_holds_every_option(tree: Command) -> None:
    script = scripts()["voipbin.ps1"]
    for command in tree.walk():
        table = script.index("$options = @{")
        start = script.index(f"\n        '{' '.join(command.path)}' = @(", table)
        block = script[start : script.index(")\n", start)]
        for option in command.options:
            assert all(f"@('{name}', '" in block for name in option.all_names), command.name


def test_check_tells_what_is_stale(tmp_path: Path) -> None:
    (tmp_path / "completions").mkdir()
    for name, text in scripts().items():
        (tmp_path / "completions" / name).write_text(text)
    (tmp_path / "completions" / "voipbin.fish").write_text("# old\n")
    (tmp_path / "completions" / "of-nobody").touch()
    module = "voipbin_cli.shell.completions"
    env = {**os.environ, "PYTHONPATH": str(Path(scripts.__code__.co_filename).parents[2])}

    def run(*args: str) -> subprocess.CompletedProcess[bytes]:
        command = [sys.executable, "-m", module, *args]
        return subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, timeout=60)

    checked = run("--check")
    assert checked.returncode == 1
    assert b"voipbin.fish is stale" in checked.stderr
    assert b"of-nobody is stale" in checked.stderr
    assert run().returncode == 0
    assert run("--check").returncode == 0
