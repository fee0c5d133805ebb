"""What a test needs of this machine: without it the test skips, and where CI has it all, it fails.

VOIPBIN_MUST_RUN=1 says that every witness of debian-packages.txt is here and that namespaces and
mounts are allowed: what would skip then is a mistake that nobody would see.
"""

from __future__ import annotations

import os
import shutil
from typing import NoReturn

import pytest

MUST_RUN = os.environ.get("VOIPBIN_MUST_RUN") == "1"


def unavailable(reason: str) -> NoReturn:
    """End the test that runs: skipped, or failed."""
    if MUST_RUN:
        pytest.fail(f"{reason}, and VOIPBIN_MUST_RUN is set", pytrace=False)
    pytest.skip(reason)


def need(program: str) -> str:
    """Return where a program is."""
    path = shutil.which(program)
    if path is None:
        unavailable(f"{program} is not installed")
    return path


def needs(program: str) -> pytest.MarkDecorator:
    """The mark of a test that starts a program; where it has to run it fails by itself."""
    is_missing = shutil.which(program) is None and not MUST_RUN
    return pytest.mark.skipif(is_missing, reason=f"{program} is not installed")


def need_root() -> None:
    """For namespaces and mounts."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        unavailable("only root can make a network namespace or mount a small disk")
