"""Real shells, asked what they would offer on TAB."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.support.needs import need

COMPLETIONS = Path("completions").resolve()
# zsh's own engine, made to print what it would show: https://github.com/Valodim's idea, in short.
_ZSH_CAPTURE = r"""
autoload -U compinit
fpath=({completions} $fpath)
compinit -u -D
zstyle ':completion:*' list-grouped false
compadd () {{
    # Calls that only compute, into arrays, are none of what is shown.
    if [[ ${{@[1,(i)(-|--)]}} == *-(O|A|D)\ * ]]; then
        builtin compadd "$@"
        return $?
    fi
    local -a shown
    local hit
    builtin compadd -A shown "$@"
    for hit in $shown; do print -r -- "offer $IPREFIX$hit"; done
}}
capture () {{
    print -r -- "
=begin="
    _main_complete
    print -r -- "=end="
    exit
}}
zle -C capture complete-word capture
bindkey '^I' capture
print '=ready='
"""

# Nothing is put in zsh's place: what a user sees, messages of errors and all.
_ZSH_TYPED = r"""
autoload -U compinit
fpath=({completions} $fpath)
compinit -u -D
zstyle ':completion:*' group-name ''
zstyle ':completion:*' format '%d'
shown () {{
    zle -I
    print -r -- "=shown="
    BUFFER=
}}
zle -N shown
bindkey '^Xx' shown
print '=ready='
"""


def install(directory: Path) -> str:
    """Put a `voipbin` of this Python into `directory`; return a PATH that begins with it.

    It answers TAB however busy the machine is; that it gives up in time is test_tab's to show.
    """
    directory.mkdir(exist_ok=True)
    script = directory / "voipbin"
    root = Path(sys.modules["voipbin_cli"].__file__ or "").parents[1]
    boot = (
        "import sys; sys.path.append(sys.argv.pop(1)); "
        "from voipbin_cli.shell import command_line; command_line.LIMIT_S = 20.0; "
        "from voipbin_cli.__main__ import run; "
    )
    script.write_text(
        f"#!/bin/sh\nexec '{sys.executable}' -P -c '{boot}sys.exit(run())' '{root}' \"$@\"\n"
    )
    script.chmod(0o755)
    return f"{directory}:/usr/local/bin:/usr/bin:/bin"


def bash(line: str, env: Mapping[str, str], cwd: Path) -> list[str]:
    """What bash would put in place of the last word, or of what follows its last colon."""
    ask = f"""
source {COMPLETIONS}/voipbin.bash
COMP_LINE=$1 COMP_POINT=${{#1}}
_voipbin voipbin
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
    return _run([need("bash"), "--norc", "-c", ask, "bash", line], env, cwd)


def fish(line: str, env: Mapping[str, str], cwd: Path) -> list[str]:
    """The words that fish would offer."""
    ask = f"source {COMPLETIONS}/voipbin.fish; complete -C $argv[1]"
    lines = _run([need("fish"), "--no-config", "-c", ask, line], env, cwd)
    return [offer.partition("\t")[0] for offer in lines]


def zsh(line: str, env: Mapping[str, str], cwd: Path) -> list[str]:
    """The words that zsh would offer."""
    from tests.support.terminal import Terminal

    setup = cwd / "capture.zsh"
    setup.write_text(_ZSH_CAPTURE.format(completions=COMPLETIONS))
    with Terminal(need("zsh"), "-f", "-i", cwd=cwd, env=env, columns=500) as terminal:
        terminal.type(f"source {setup}\n")
        terminal.wait_for("=ready=")
        terminal.type(f"{line}\t")
        terminal.wait_for("=begin=")
        shown = terminal.wait_for("=end=")
    return [row.removeprefix("offer ") for row in shown.splitlines() if row.startswith("offer ")]


def _run(command: list[str], env: Mapping[str, str], cwd: Path) -> list[str]:
    done = subprocess.run(command, env=dict(env), cwd=cwd, capture_output=True, timeout=60)
    assert done.stderr == b"", done.stderr
    return [line for line in done.stdout.decode().split("\n") if line]


def zsh_as_typed(lines: Sequence[str], env: Mapping[str, str], cwd: Path) -> list[str]:
    """What one zsh shows on TAB behind each of the lines in turn, as it comes to a user."""
    from tests.support.terminal import Terminal

    setup = cwd / "typed.zsh"
    setup.write_text(_ZSH_TYPED.format(completions=COMPLETIONS))
    with Terminal(need("zsh"), "-f", "-i", cwd=cwd, env=env, columns=200) as terminal:
        terminal.type(f"source {setup}\n")
        terminal.wait_for("=ready=")
        shown = []
        for line in lines:
            # The keys behind TAB are read when all that it offers is shown.
            terminal.type(f"{line}\t\x18x")
            shown.append(terminal.wait_for("=shown="))
        return shown
