"""A lock on an open file, where its file system has locks."""

from __future__ import annotations

import sys


def try_lock(descriptor: int) -> None:
    """Lock a file for this process, until it is closed.

    Raises BlockingIOError (POSIX) or PermissionError (Windows) where another one has it, and
    OSError where the file system has no locks.
    """
    if sys.platform == "win32":
        import msvcrt

        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
