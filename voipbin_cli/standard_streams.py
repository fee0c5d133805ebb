"""Standard input, output and error as this program wants them, whatever it was started with."""

from __future__ import annotations

import contextlib
import io
import os
import sys

# What stands where a descriptor is closed. Nothing can be written to that of standard output: who
# has nothing to say there runs as ever, who has is told.
_STAND_INS = ((0, os.O_RDONLY), (1, os.O_RDONLY), (2, os.O_WRONLY))


def complete() -> None:
    """Fill the places of closed streams, and let no message about a run be the end of it.

    A closed standard input is empty, a closed standard error takes everything. Without something in
    their places the next sockets or files of ours would be opened there.
    """
    is_closed = [stream is None for stream in (sys.stdin, sys.stdout, sys.stderr)]
    for (number, flags), closed in zip(_STAND_INS, is_closed, strict=True):
        if closed:
            _occupy(number, flags)
    if sys.stdin is None:
        sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    if sys.stdout is None:
        sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    encoding = "utf-8" if sys.stderr is None else sys.stderr.encoding
    sys.stderr = io.TextIOWrapper(
        io.BufferedWriter(_Forgiving(2, "w", closefd=False)),
        encoding,
        "backslashreplace",
        line_buffering=True,
    )


def _occupy(number: int, flags: int) -> None:
    descriptor = os.open(os.devnull, flags)
    if descriptor != number:
        os.dup2(descriptor, number)
        os.close(descriptor)


class _Forgiving(io.FileIO):
    """Passes over what its reader, or a full disk, does not take: words, and no audio."""

    def write(self, data: bytes, /) -> int:  # type: ignore[override]
        with contextlib.suppress(OSError):
            return super().write(data) or 0
        return len(data)


def open_stdin() -> io.BufferedReader:
    """Return standard input's bytes for a thread that may still wait for them when the run is over.

    `sys.stdin` is closed at the exit of Python, which aborts where a thread is reading from it.
    """
    return open(0, "rb", closefd=False)
