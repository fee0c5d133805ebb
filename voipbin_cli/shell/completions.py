"""`python -m voipbin_cli.shell.completions [--check]`: the scripts in completions/."""

from __future__ import annotations

import sys
from pathlib import Path

from voipbin_cli.shell.bash import bash_script
from voipbin_cli.shell.command_tree import typed_tree
from voipbin_cli.shell.fish import fish_script
from voipbin_cli.shell.generated import main
from voipbin_cli.shell.powershell import powershell_script
from voipbin_cli.shell.values import known_values
from voipbin_cli.shell.zsh import zsh_script

DIRECTORY = Path("completions")


# By the shell that they are of.
SCRIPTS = {
    "bash": "voipbin.bash",
    "zsh": "_voipbin",
    "fish": "voipbin.fish",
    "pwsh": "voipbin.ps1",
}


def scripts() -> dict[str, str]:
    """Return every script by the name of its file."""
    root, known = typed_tree(), known_values()
    made = {
        "bash": bash_script,
        "zsh": zsh_script,
        "fish": fish_script,
        "pwsh": powershell_script,
    }
    return {SCRIPTS[shell]: script(root, known) for shell, script in made.items()}


if __name__ == "__main__":
    sys.exit(main("voipbin_cli.shell.completions", DIRECTORY, scripts(), sys.argv[1:]))
