"""Output that never waits for whoever reads it: media go through the same loop.

A pipe whose reader stalls, or a terminal that is stopped (Ctrl-S), blocks whoever writes to it.
What is not taken at once waits here, bounded; what does not fit is counted, and said at the end.
"""

from __future__ import annotations

import select
import sys
import threading
from collections import deque
from typing import Any, TextIO, cast

from voipbin_cli.events import json_line
from voipbin_cli.render.problems import say
from voipbin_cli.text import printable

# POSIX: a pipe that polls as writable takes so much without blocking (PIPE_BUF, 512 at least; Linux
# and macOS take 4096 and 512). Longer pieces go in parts, each after a look of its own.
_PIECE_CHARS = 500
_MOST_LINES = 2000


def is_writable(stream: TextIO) -> bool:
    """Whether its reader takes something now; of what cannot be looked at it is hoped for."""
    try:
        poll = select.poll()
        poll.register(stream.fileno(), select.POLLOUT)
    except (AttributeError, OSError, ValueError):
        return True  # no such look here, or no file
    return bool(poll.poll(0))


class Outlet:
    """Lines for a stream, in order, that are written as far as its reader takes them.

    `skipped` counts those for which there was no room. A reader that is gone takes the rest with
    it, without a word, until `finish`.
    """

    def __init__(self, stream: TextIO, most: int = _MOST_LINES) -> None:
        self.skipped = 0
        self._stream = stream
        self._lock = threading.Lock()  # those who judge and those who relay say something, too
        self._most = most
        self._waiting: deque[str] = deque()
        self._gone: OSError | None = None

    def emit(self, event: str, fields: dict[str, Any]) -> None:
        """Take a JSON line."""
        self._take(json_line(event, fields) + "\n")

    def say(self, text: str) -> None:
        """Take a line about what happened."""
        self.write_line(f"voipbin: {printable(text)}")

    def write_line(self, line: str) -> None:
        """Take a line that is fit to be printed."""
        self._take(line + "\n")

    def put(self, text: str) -> None:
        """Take text as it is."""
        self._take(text)

    def _take(self, line: str) -> None:
        with self._lock:
            if len(self._waiting) < self._most:
                self._waiting.append(line)
            else:
                self.skipped += 1
            self._pass_on()

    def pass_on(self) -> None:
        """Write what the reader takes now."""
        with self._lock:
            self._pass_on()

    def _pass_on(self) -> None:
        while self._waiting and self._gone is None and is_writable(self._stream):
            line = self._waiting.popleft()
            if len(line) > _PIECE_CHARS:
                self._waiting.appendleft(line[_PIECE_CHARS:])
            self._write(line[:_PIECE_CHARS])

    def _write(self, text: str) -> None:
        try:
            self._stream.write(text)
            self._stream.flush()
        except OSError as error:
            self._gone = error
            self._waiting.clear()

    def finish(self) -> None:
        """Write the rest, however long that takes: the media are over.

        Raises what writing raised: BrokenPipeError where the reader is gone.
        """
        while self._waiting and self._gone is None:
            self._write(self._waiting.popleft())
        if self._gone is not None:
            raise self._gone


def finish_output(*outlets: Outlet) -> None:
    """Finish them all, and say how much nobody took in time."""
    skipped = sum(outlet.skipped for outlet in outlets)
    for outlet in outlets:
        outlet.finish()
    if skipped:
        say(
            f"warning: {skipped} lines were left out, as the reader of the output was too slow; "
            "the summary counts them"
        )


class _Standard:
    """A standard stream as it is called at the time: a view writes lines of others above itself."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, of_stream: str) -> Any:
        return getattr(getattr(sys, self._name), of_stream)


def standard_outlets() -> tuple[Outlet, Outlet]:
    """Return outlets for stdout and stderr."""
    return Outlet(cast(TextIO, _Standard("stdout"))), Outlet(cast(TextIO, _Standard("stderr")))
