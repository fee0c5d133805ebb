"""The entry point: answers `--version` and TAB before `main` is imported, then hands over to it."""

from __future__ import annotations

import os
import sys


def run() -> int:
    """Run the command line and return its exit status."""
    if sys.argv[1:] in (["--version"], ["-V"]):
        from voipbin_cli import __version__

        sys.stdout.write(f"voipbin {__version__}\n")
        return 0
    if kind := os.environ.get("_VOIPBIN_COMPLETE"):
        from voipbin_cli.shell.tab import answer_and_exit

        answer_and_exit(kind, sys.argv[1:])
    from voipbin_cli.main import main

    return main()


if __name__ == "__main__":
    sys.exit(run())
