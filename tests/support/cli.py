"""The command line as a user runs it: a child process, its output and its exit status."""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from unittest.mock import patch

from tests.support.needs import MUST_RUN
from voipbin_cli.main import main

# -P: the working directory is no place to import from.
VOIPBIN = (sys.executable, "-P", "-m", "voipbin_cli")


@dataclass(frozen=True)
class Result:
    """What a finished command said."""

    status: int
    stdout: bytes
    stderr: str
    args: tuple[str, ...] = ()

    @cached_property
    def events(self) -> list[dict[str, Any]]:
        """The JSON Lines on stdout, each as the schema says."""
        events = [json.loads(line) for line in self.stdout.splitlines()]
        if MUST_RUN or find_spec("jsonschema"):
            from tests.support import json_lines

            json_lines.check(self.args, events)
        return events

    @property
    def summary(self) -> dict[str, Any]:
        """The summary event, which is the last line unless an error follows it."""
        (found,) = [event for event in self.events if event["event"] == "summary"]
        return found


def environment(home: Path, extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of a user who has nothing configured, whatever terminal this runs in."""
    ours = ("VOIPBIN_", "VN_", "XDG_", "COLUMNS", "LINES")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    plain = {"HOME": str(home), "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring"}
    return kept | plain | dict(extra or {})


def start(*args: str, cwd: Path, env: Mapping[str, str] | None = None) -> subprocess.Popen[bytes]:
    """Start `voipbin args` in `cwd` and leave it running."""
    return subprocess.Popen(
        [*VOIPBIN, *args],
        cwd=cwd,
        env=environment(cwd, env),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        bufsize=0,  # a line is read and no more: the rest is finish()'s, which knows no buffer
    )


def finish(process: subprocess.Popen[bytes], timeout: float = 60.0) -> Result:
    """Wait for the end of a started command."""
    try:
        stdout, stderr = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        process.kill()
        stdout, stderr = process.communicate()
        raise AssertionError(f"still running; it said: {stderr.decode()}") from None
    args = tuple(map(str, process.args[len(VOIPBIN) :]))
    return Result(process.returncode, stdout, stderr.decode(), args)


def voipbin(
    *args: str, cwd: Path, env: Mapping[str, str] | None = None, timeout: float = 60.0
) -> Result:
    """Run `voipbin args` in `cwd` to its end."""
    return finish(start(*args, cwd=cwd, env=env), timeout)


def here(*args: str | Path, cwd: Path, env: Mapping[str, str] | None = None) -> Result:
    """The same in this process, which has loaded already what a new one would load.

    For what a command says, where how processes start, end and are interrupted is no question.
    """
    stdout, stderr = io.TextIOWrapper(io.BytesIO(), "utf-8"), io.StringIO()
    with (
        contextlib.chdir(cwd),
        patch.dict(os.environ, environment(cwd, env), clear=True),
        contextlib.redirect_stdout(stdout),
        contextlib.redirect_stderr(stderr),
    ):
        try:
            status = main([*map(str, args)])
        except SystemExit as ended:
            status = ended.code
        stdout.flush()
    return Result(status, stdout.buffer.getvalue(), stderr.getvalue(), tuple(map(str, args)))


def wait_until(condition: Callable[[], object], timeout: float = 60.0) -> None:
    """Return once `condition()` holds; AssertionError when it does not come true."""
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.01)
