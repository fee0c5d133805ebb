"""The entry point: answers `--version` and TAB before `main` is imported, then hands over to it."""

from __future__ import annotations

import os
import signal
import sys

# The type is for a checker alone: typing, when loaded, takes longer than all else before `run`, and
# Ctrl-C in that time has Python print where it was.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def run() -> int:
    """Run the command line and return its exit status."""
    # Ctrl-C while modules are loaded, or at the exit, ends this process as it ends any other:
    # Python would print where it was.
    _let_ctrl_c(signal.SIG_DFL)
    if sys.argv[1:] in (["--version"], ["-V"]) and sys.stdout is not None:
        from voipbin_cli import __version__

        try:
            sys.stdout.write(f"voipbin {__version__}\n")
            sys.stdout.flush()
            return 0
        except OSError:
            pass  # `main` meets it again, and says so
    from voipbin_cli.environment import keep_secrets
    from voipbin_cli.standard_streams import complete

    complete()
    keep_secrets()
    if kind := os.environ.get("_VOIPBIN_COMPLETE"):
        from voipbin_cli.shell.tab import answer_and_exit

        answer_and_exit(kind, sys.argv[1:])
    from voipbin_cli.main import main

    try:
        _let_ctrl_c(signal.default_int_handler)
        return main()
    finally:
        _let_ctrl_c(signal.SIG_DFL)


def _let_ctrl_c(do: Any) -> None:
    """Set what Ctrl-C does, unless whoever started us had it ignored."""
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, do)


if __name__ == "__main__":
    sys.exit(run())
