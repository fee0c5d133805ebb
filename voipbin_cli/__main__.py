"""The entry point: answers `--version` before anything is imported, then hands over to `main`."""

from __future__ import annotations

import sys


def run() -> int:
    """Run the command line and return its exit status."""
    if sys.argv[1:] in (["--version"], ["-V"]):
        from voipbin_cli import __version__

        sys.stdout.write(f"voipbin {__version__}\n")
        return 0
    from voipbin_cli.main import main

    return main()


if __name__ == "__main__":
    sys.exit(run())
