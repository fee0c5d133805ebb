"""A program on a terminal of its own: what it shows, and what someone types."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

PATIENCE_S = 30.0
_ESCAPES = re.compile(r"\x1b(\[[0-9;?<>=]*[ -/]*[@-~]|\][^\x07\x1b]*(\x07|\x1b\\)|[()][0-9A-B]|.)")


class Terminal:
    """Runs `command` with stdin, stdout and stderr on one pseudo-terminal."""

    def __init__(
        self,
        *command: str,
        cwd: Path,
        env: Mapping[str, str],
        columns: int = 120,
        rows: int = 50,
    ) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self._process = subprocess.Popen(
            command,
            cwd=cwd,
            env={**env, "TERM": "xterm"},
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            preexec_fn=_take_terminal,
        )
        os.close(slave)
        self._seen = ""
        self._waited_to = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._master)

    @property
    def screen(self) -> str:
        """All that was shown so far, without escape sequences."""
        return _ESCAPES.sub("", self._seen).replace("\r", "")

    @property
    def raw(self) -> str:
        """All that was shown so far, as it came."""
        return self._seen

    def type(self, keys: str) -> None:
        """Type."""
        os.write(self._master, keys.encode())

    def wait_for(self, text: str, timeout: float = PATIENCE_S) -> str:
        """Return what was shown up to `text`, which must come after what was waited for before."""
        deadline = time.monotonic() + timeout
        while (at := self.screen.find(text, self._waited_to)) < 0:
            if not self._read(deadline):
                raise AssertionError(f"{text!r} was never shown, but {self.screen!r}")
        start, self._waited_to = self._waited_to, at + len(text)
        return self.screen[start : self._waited_to]

    def finish(self, timeout: float = PATIENCE_S) -> int:
        """Wait for the program's end and return its exit status."""
        deadline = time.monotonic() + timeout
        while self._read(deadline):
            pass
        return self._process.wait(max(0.1, deadline - time.monotonic()))

    def _read(self, deadline: float) -> bool:
        ready, _, _ = select.select([self._master], [], [], max(0.0, deadline - time.monotonic()))
        if not ready:
            return False
        chunk = b""
        # EIO: the program has closed its side.
        with contextlib.suppress(OSError):
            chunk = os.read(self._master, 65536)
        self._seen += chunk.decode(errors="replace")
        return bool(chunk)


def _take_terminal() -> None:
    """Make stdin the controlling terminal, so that Ctrl-C and /dev/tty work."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    # A shell's background job, as these tests may be, ignores Ctrl-C, and hands that down.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
