"""The entry point: answers `--version` and TAB before `main` is imported, then hands over to it."""

from __future__ import annotations

import os
import sys


def run() -> int:
    """Run the command line and return its exit status."""
    is_closed = sys.stdout is None
    if is_closed:
        _stand_in_for_stdout()
    if sys.argv[1:] in (["--version"], ["-V"]) and not is_closed:
        from voipbin_cli import __version__

        sys.stdout.write(f"voipbin {__version__}\n")
        return 0
    from voipbin_cli.environment import keep_secrets

    keep_secrets()
    if kind := os.environ.get("_VOIPBIN_COMPLETE"):
        from voipbin_cli.shell.tab import answer_and_exit

        answer_and_exit(kind, sys.argv[1:])
    from voipbin_cli.main import main

    return main()


def _stand_in_for_stdout() -> None:
    """Take the place of a closed stdout, so that no socket or file of ours does.

    It can be read only: who has nothing to say there runs as ever, who has is told.
    """
    descriptor = os.open(os.devnull, os.O_RDONLY)
    if descriptor != 1:
        os.dup2(descriptor, 1)
        os.close(descriptor)
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115


if __name__ == "__main__":
    sys.exit(run())
