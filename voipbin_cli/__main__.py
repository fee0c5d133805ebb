"""The entry point: answers `--version` and TAB before `main` is imported, then hands over to it."""

# Ctrl-C before `run` has Python print where it was. So nothing is loaded here that Python has not
# loaded by then: `signal` alone would take longer than all else, and `_signal` is a part of Python.
import _signal  # type: ignore[import-not-found]  # typeshed does without it
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def run() -> int:
    """Run the command line and return its exit status."""
    # Ctrl-C while modules are loaded, or at the exit, ends this process as it ends any other:
    # Python would print where it was.
    _let_ctrl_c(_signal.SIG_DFL)
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

    sys.unraisablehook = _never_lost
    try:
        _let_ctrl_c(_signal.default_int_handler)
        return main()
    except KeyboardInterrupt:
        return 130  # pressed once more, after `main` had answered to it
    finally:
        _let_ctrl_c(_signal.SIG_DFL)


def _let_ctrl_c(do: "Any") -> None:
    """Set what Ctrl-C does, unless whoever started us had it ignored."""
    if _signal.getsignal(_signal.SIGINT) is not _signal.SIG_IGN:
        _signal.signal(_signal.SIGINT, do)


def _never_lost(passed_over: "Any") -> None:
    """Let Ctrl-C end this process where Python would pass over it: in a callback of its own.

    Each module that is loaded has one, for its lock.
    """
    if passed_over.exc_type is KeyboardInterrupt:
        _let_ctrl_c(_signal.SIG_DFL)
        _signal.raise_signal(_signal.SIGINT)
    sys.__unraisablehook__(passed_over)


if __name__ == "__main__":
    sys.exit(run())
