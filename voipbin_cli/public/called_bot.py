"""Calls for a bot under test: a process that plays the platform, and one call of it at a time."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeAlias

from voipbin_cli.errors import (
    ConnectionFailed,
    ExitStatus,
    MachineError,
    NothingToJudge,
    Refused,
    UsageError,
    VoipbinError,
)
from voipbin_cli.public.call_result import CAPTURE, CallResult
from voipbin_cli.simulator.caller.outcome import outcome_from
from voipbin_cli.simulator.caller.script import (
    CallerScript,
    HangUp,
    Row,
    Say,
    WaitForEnd,
)
from voipbin_cli.simulator.caller.toml_text import format_script, read_script
from voipbin_cli.simulator.embedded import child_command
from voipbin_cli.transport.targets import parse_target

Script: TypeAlias = CallerScript | Sequence[Row] | str | os.PathLike[str]

TWO_TURNS = CallerScript((Say(), WaitForEnd(5.0), Say(), WaitForEnd(5.0), HangUp()))
"""What a caller does where nobody says: he speaks twice, and waits for an answer each time."""

_POLL_S = 0.02
_KINDS: dict[int, type[VoipbinError]] = {
    ExitStatus.USAGE: UsageError,
    ExitStatus.CONNECTION: ConnectionFailed,
    ExitStatus.REFUSED: Refused,
    ExitStatus.MACHINE: MachineError,
}


class CallHost:
    """A process that plays the platform for many calls, each with a caller who follows a script.

    `with` in a script, `async with` in asyncio. `call` opens a call; the bot connects to its `url`.

    Args:
        directory: where the captures of calls lie; None is a temporary one, which goes at the end.

    Example:
        >>> from voipbin_cli import CallHost, HangUp, Say, open_stream
        >>> with CallHost() as host:
        ...     call = host.call(script=[Say(seconds=0.3), HangUp()])
        ...     with open_stream(call.url(), reconnect=False) as bot:
        ...         frame = bot.receive()
        ...         result = call.wait()
        >>> result.outcome.ended_by, result.response_ms
        ('caller', ())
    """

    def __init__(self, directory: str | os.PathLike[str] | None = None) -> None:
        self._asked = directory
        self._calls = 0
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        self._temporary = tempfile.TemporaryDirectory(prefix="voipbin-calls-")
        self.directory = Path(self._temporary.name if self._asked is None else self._asked)
        self._process = subprocess.Popen(
            child_command("--calls-on-stdin"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=sys.platform != "win32",  # Ctrl-C is for the parent
        )
        return self

    def call(
        self,
        *,
        script: Script = TWO_TURNS,
        scenario: str = "clean",
        dialect: str | None = None,
        encapsulation: str = "rtp",
        dial: str | None = None,
        is_asterisk: bool = False,
        directory: str | os.PathLike[str] | None = None,
        **options: object,
    ) -> BotCall:
        """Open a call, which begins when the bot connects to it, or at once where it is dialed.

        Args:
            script: what the caller does: rows, a `CallerScript`, or a TOML file.
            scenario: what goes wrong meanwhile: `jitter`, `jitter,strength=80`, …
            dialect: documented, deployed, linear or legacy; None is the scenario's.
            encapsulation: of the call's `url`: rtp, sln or audiosocket.
            dial: connect to the bot's server as the platform does: ws://…, or tcp://HOST:PORT for
                AudioSocket over TCP.
            is_asterisk: dial as Asterisk's chan_websocket does.
            directory: where its capture lies, None is one of the host's.
            options: further ones of the scenario.

        Raises:
            UsageError: no such scenario, option or script.
            MachineError: the process is gone.
        """
        named = parse_target(f"sim:{scenario}")
        given = {key.replace("_", "-"): str(value) for key, value in options.items()}
        if dialect is not None:
            given["dialect"] = dialect
        self._calls += 1
        place = Path(directory or self.directory / f"call-{self._calls}").resolve()
        place.mkdir(parents=True, exist_ok=True)
        asked = {
            "scenario": named.value,
            "options": {**named.options, **given},
            "caller": format_script(_script(script)),
            "capture": str(place / CAPTURE),
            "dial": None
            if dial is None
            else {"url": dial, "encapsulation": encapsulation, "is_asterisk": is_asterisk},
        }
        ready = self._ask({"open": asked})
        return BotCall(self, ready, place, encapsulation)

    def _ask(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Return the process's answer. Raises what it says, and MachineError where it is gone."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        with self._lock:
            try:
                stdin.write(json.dumps(request).encode() + b"\n")
                stdin.flush()
                answer: dict[str, Any] = json.loads(stdout.readline())
            except (OSError, ValueError):
                raise MachineError("the process that plays the platform is gone") from None
        if answer.get("event") == "error":
            raise _KINDS.get(answer["status"], VoipbinError)(answer["message"], hint=answer["hint"])
        return answer

    def close(self) -> None:
        """End every call, and the process. Twice is no error."""
        if self._process.poll() is None:
            assert self._process.stdin is not None
            self._process.stdin.close()
            try:
                self._process.wait(5.0)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._temporary.cleanup()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await asyncio.to_thread(self.close)


def _script(given: Script) -> CallerScript:
    if isinstance(given, CallerScript):
        return given
    if isinstance(given, (str, os.PathLike)):
        return read_script(Path(given))
    return CallerScript(tuple(given))


class BotCall:
    """One call for a bot to take part in.

    `env` is what the bot's process needs to find it by this API: VOIPBIN_API_URL, VOIPBIN_TOKEN,
    and VOIPBIN_CALL_ID and VOIPBIN_STREAM_URL beside them. `directory` holds its capture.
    """

    def __init__(
        self, host: CallHost, ready: Mapping[str, Any], directory: Path, encapsulation: str
    ) -> None:
        self.directory = directory
        self.api_url: str = ready["api_url"]
        self.token: str = ready["token"]
        self.id: str = ready["target_id"]
        self.target = f"{ready['kind']}/{self.id}"
        self._host = host
        self._number: int = ready["number"]
        self._encapsulation = encapsulation
        self._result: CallResult | None = None
        self.is_closed = False

    def url(self, encapsulation: str | None = None) -> str:
        """Return the address of its media stream, the credential in it."""
        kind, _, call_id = self.target.partition("/")
        base = self.api_url.replace("http", "ws", 1)
        query = f"encapsulation={encapsulation or self._encapsulation}&token={self.token}"
        return f"{base}/{kind}s/{call_id}/media_stream?{query}"

    @property
    def env(self) -> dict[str, str]:
        """The variables for a bot's process; put them over `os.environ`."""
        return {
            "VOIPBIN_API_URL": self.api_url,
            "VOIPBIN_TOKEN": self.token,
            "VOIPBIN_CALL_ID": self.id,
            "VOIPBIN_STREAM_URL": self.url(),
        }

    @property
    def is_over(self) -> bool:
        """Whether the caller has hung up, or the call was ended.

        Raises ConnectionFailed and Refused where the bot's server could not be dialed.
        """
        return self._result is not None or bool(self._ask("look")["is_over"])

    def hang_up(self) -> None:
        """End the call as the platform does."""
        if self._result is None:
            self._ask("hang_up")

    def close(self) -> None:
        """End the call, and forget it: without `result` before, what it came to is lost."""
        if not self.is_closed:
            self.is_closed = True
            self._ask("close")

    def wait(self, timeout_s: float = 60.0) -> CallResult:
        """Return what the call came to, once the caller has hung up.

        Raises TimeoutError where it goes on longer, NothingToJudge where no bot ever came.
        """
        until = time.monotonic() + timeout_s
        while not self.is_over:
            if time.monotonic() > until:
                raise TimeoutError(f"the call goes on after {timeout_s:g} s")
            time.sleep(_POLL_S)
        return self.result()

    async def finished(self, timeout_s: float = 60.0) -> CallResult:
        """The same for asyncio: `result = await call.finished()`."""
        return await asyncio.to_thread(self.wait, timeout_s)

    def result(self) -> CallResult:
        """End the call where it goes on, and return what it came to.

        Raises NothingToJudge where no bot ever came.
        """
        if self._result is None:
            if self.is_closed:
                raise NothingToJudge("no bot connected to the call before it was closed")
            self.hang_up()
            record = self._ask("result")["result"]
            self.close()
            if record is None:
                where = f"it has to connect to {self.url()}" if self.api_url else ""
                raise NothingToJudge("no bot ever took part in the call", hint=where)
            self._result = CallResult(outcome_from(record), self.directory / CAPTURE)
        return self._result

    def _ask(self, what: str) -> dict[str, Any]:
        return self._host._ask({what: self._number})
