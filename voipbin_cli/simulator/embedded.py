"""The simulator as a child process, so that its timing does not share our interpreter's lock."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, TYPE_CHECKING, Any, Self

from voipbin_cli.errors import ExitStatus, MachineError, UsageError, VoipbinError

if TYPE_CHECKING:
    from voipbin_cli.simulator.caller.outcome import CallOutcome
    from voipbin_cli.simulator.caller.script import CallerScript

START_PATIENCE_S = 20.0
_END_PATIENCE_S = 3.0
# As `python -m voipbin_cli.simulator`, but with this very package, wherever it lies, and without
# the working directory, in which anything may lie, on the module path.
_BOOT = (
    "import sys; sys.path.append(sys.argv[1]); "
    "from voipbin_cli.simulator.__main__ import run; sys.exit(run(sys.argv[2:]))"
)
_PACKAGE_ROOT = Path(__file__).resolve().parents[2]


def child_command(*arguments: str) -> list[str]:
    """Return the command that runs this package's simulator as a process of its own."""
    return [sys.executable, "-P", "-c", _BOOT, str(_PACKAGE_ROOT), *arguments]


class EmbeddedSimulator:
    """A simulated platform for as long as the `with` block lasts.

    The child ends when its standard input closes, so it cannot outlive this process, however
    this one ends.

    `caller` talks by a script, and `result` is what comes of it; `keeps_heard`: with what the phone
    heard in it.

    Attributes (inside the block): `port`, `origin`, `api_url`, `token`, `access_key`, `kind`
    ("call" or "conference"), `target_id` (of that kind), `call_id`, `conference_ids` (the last
    has one member).

    Raises (on entry):
        UsageError: no such scenario or option.
        MachineError: the child did not start.
    """

    def __init__(
        self,
        scenario: str = "clean",
        options: Mapping[str, str] | None = None,
        *,
        heard_path: Path | None = None,
        caller: CallerScript | None = None,
        keeps_heard: bool = False,
        port: int = 0,
    ) -> None:
        self._arguments = [scenario, *(f"{key}={value}" for key, value in (options or {}).items())]
        self._arguments += ["--port", str(port)]
        self._caller = caller
        if caller is not None:
            self._arguments.append("--caller-on-stdin")
        if keeps_heard:
            self._arguments.append("--keep-heard")
        if heard_path is not None:
            self._arguments += ["--heard", str(heard_path)]
        self.port = 0
        self.api_url = self.token = self.access_key = self.kind = ""
        self.target_id = self.call_id = ""
        self.conference_ids: list[str] = []

    def __enter__(self) -> Self:
        self._errors: IO[bytes] = tempfile.TemporaryFile()
        self._process = subprocess.Popen(
            child_command(*self._arguments),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            start_new_session=True,  # Ctrl-C is for the parent, which still needs the child
        )
        try:
            if self._caller is not None:
                self._hand_over(self._caller)
            self._take(self._read_line())
        except BaseException:
            self._stop()
            raise
        return self

    def _hand_over(self, caller: CallerScript) -> None:
        """Write the script to the child's standard input, whose first line says how long it is."""
        from voipbin_cli.simulator.caller.toml_text import format_script

        assert self._process.stdin is not None
        text = format_script(caller).encode()
        self._process.stdin.write(f"{len(text)}\n".encode() + text)
        self._process.stdin.flush()

    def _read_line(self) -> dict[str, Any]:
        """The child's one line: what it serves, or why it does not."""
        assert self._process.stdout is not None
        watchdog = threading.Timer(START_PATIENCE_S, self._process.kill)
        watchdog.start()
        try:
            line = self._process.stdout.readline()
        finally:
            watchdog.cancel()
        if not line.endswith(b"\n"):
            raise MachineError("the simulator did not start", hint=self._last_error())
        content: dict[str, Any] = json.loads(line)
        return content

    def _last_error(self) -> str:
        self._errors.seek(0)
        lines = self._errors.read(64 * 1024).decode(errors="replace").split("\n")
        return next((line for line in reversed(lines) if line.strip()), "")[:300]

    def _take(self, ready: Mapping[str, Any]) -> None:
        if ready["event"] == "error":
            kinds: dict[int, type[VoipbinError]] = {
                ExitStatus.USAGE: UsageError,
                ExitStatus.MACHINE: MachineError,
            }
            raise kinds.get(ready["status"], VoipbinError)(ready["message"], hint=ready["hint"])
        self.port = ready["port"]
        self.api_url, self.token = ready["api_url"], ready["token"]
        self.access_key, self.kind = ready["access_key"], ready["kind"]
        self.target_id, self.call_id = ready["target_id"], ready["call_id"]
        self.conference_ids = ready["conference_ids"]

    @property
    def origin(self) -> str:
        """Scheme, host and port, without a path."""
        return self.api_url.removesuffix("/v1.0")

    def report(self) -> dict[str, Any]:
        """What has happened so far: frames sent and received, ms heard and lost, violations."""
        return self._control("GET", "/simulator")

    def result(self) -> CallOutcome | None:
        """What the scripted caller's call has come to so far; None before a stream joined it.

        It is complete once its `ended_by` says something.
        """
        from voipbin_cli.simulator.caller.outcome import outcome_from

        record = self._control("GET", "/simulator/result")["result"]
        return None if record is None else outcome_from(record)

    def hang_up(self) -> None:
        """End the call."""
        self._control("POST", "/simulator/hang-up")

    def drop(self) -> None:
        """Lose every connection; the call goes on."""
        self._control("POST", "/simulator/drop")

    def _control(self, method: str, path: str) -> dict[str, Any]:
        from http.client import HTTPConnection

        connection = HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request(method, path, headers={"Authorization": f"Bearer {self.token}"})
            answer: dict[str, Any] = json.loads(connection.getresponse().read())
        finally:
            connection.close()
        return answer

    def _stop(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        try:
            self._process.wait(_END_PATIENCE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()
        self._errors.close()

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self._stop()
