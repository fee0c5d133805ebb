"""Standard input, output and error as this program wants them, whatever it was started with."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import select
import stat
import sys

# What stands where a descriptor is closed. Nothing can be written to that of standard output: who
# has nothing to say there runs as ever, who has is told.
_STAND_INS = ((0, os.O_RDONLY), (1, os.O_RDONLY), (2, os.O_WRONLY))

# A reader that takes nothing for so long is taken for none.
_PATIENCE_MS = 10_000
# POSIX: what polls as writable takes so much (PIPE_BUF) without blocking, on any system.
_PIECE_BYTES = 512


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
    elif _has_reader(1):
        out, raw = sys.stdout, _Patient(1, "w", closefd=False)
        sys.stdout = io.TextIOWrapper(
            io.BufferedWriter(raw),
            out.encoding,
            out.errors,
            write_through=getattr(out, "write_through", False),
        )
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


def bound_waits() -> None:
    """Have a run end in time, whoever does not read its output: wait 10 s for that from now on.

    Where one of the standard streams is a terminal somebody reads page by page, or presses Ctrl-C.
    """
    is_watched = any(os.isatty(number) for number in (0, 1, 2))
    _Patient.is_bounded = hasattr(select, "poll") and not is_watched


def _has_reader(number: int) -> bool:
    """Whether it is a pipe or a socket, with somebody at its other end."""
    mode = os.fstat(number).st_mode
    return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)


class _Patient(io.FileIO):
    """Waits for its reader, once that is asked for no longer than `_PATIENCE_MS` at a time."""

    is_bounded = False
    patience_ms = _PATIENCE_MS

    def write(self, data: bytes, /) -> int:  # type: ignore[override]
        """Write some of it. Raises TimeoutError where nobody reads."""
        if not _Patient.is_bounded or not _has_reader(self.fileno()):
            return super().write(data) or 0
        poll = select.poll()
        poll.register(self.fileno(), select.POLLOUT)
        if not poll.poll(self.patience_ms):
            self.patience_ms = 0  # it is not waited for once more
            words = f"nobody read it for {_PATIENCE_MS // 1000} s, and the rest is lost"
            raise TimeoutError(errno.ETIMEDOUT, words)
        return super().write(data[:_PIECE_BYTES]) or 0


class _Forgiving(_Patient):
    """Passes over what its reader, or a full disk, does not take: words, and no audio."""

    def write(self, data: bytes, /) -> int:  # type: ignore[override]
        with contextlib.suppress(OSError):
            return super().write(data)
        return len(data)


def open_stdin() -> io.BufferedReader:
    """Return standard input's bytes for a thread that may still wait for them when the run is over.

    `sys.stdin` is closed at the exit of Python, which aborts where a thread is reading from it.
    """
    return open(0, "rb", closefd=False)
