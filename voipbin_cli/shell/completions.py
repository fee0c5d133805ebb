"""`python -m voipbin_cli.shell.completions [--check]`: the scripts in completions/."""

from __future__ import annotations

import sys
from pathlib import Path

from voipbin_cli.shell.bash import bash_script
from voipbin_cli.shell.command_tree import command_tree
from voipbin_cli.shell.fish import fish_script
from voipbin_cli.shell.generated import main
from voipbin_cli.shell.powershell import powershell_script
from voipbin_cli.shell.values import known_values
from voipbin_cli.shell.zsh import zsh_script

DIRECTORY = Path("completions")


def scripts() -> dict[str, str]:
    """Return every script by the name of its file."""
    root, known = command_tree(), known_values()
    return {
        "voipbin.bash": bash_script(root, known),
        "_voipbin": zsh_script(root, known),
        "voipbin.fish": fish_script(root, known),
        "voipbin.ps1": powershell_script(root, known),
    }


if __name__ == "__main__":
    sys.exit(main("voipbin_cli.shell.completions", DIRECTORY, scripts(), sys.argv[1:]))
