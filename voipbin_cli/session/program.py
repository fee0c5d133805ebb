"""A child process whose stdin hears, whose stdout speaks, and who is told what happens."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable, Sequence
from typing import Any

from voipbin_cli.errors import MachineError, UsageError
from voipbin_cli.events import json_line
from voipbin_cli.session.child_errors import ChildErrors

READ_BYTES = 4096
# What it may be behind in reading, before what it hears is dropped.
UNREAD_LIMIT_BYTES = 256 * 1024
# How long it may take to end after its input has, and then after it was asked to.
END_PATIENCE_S = 5.0
KILL_PATIENCE_S = 2.0


def start_hint(error: Exception) -> str:
    """Say what to do about a program that cannot be started."""
    if isinstance(error, FileNotFoundError):
        return "check its name, and that it is in a directory of PATH; of a file here give ./NAME"
    if isinstance(error, PermissionError):
        return "it has to be a program that you may run: chmod +x makes a script one"
    return "the program and its arguments stand after --, as in a shell"


class Program:
    """Runs `command`; `events_fd` is the descriptor on which it reads JSON Lines, if any.

    `said` gets what it writes to its stderr, which else is ours.
    """

    def __init__(
        self,
        command: Sequence[str],
        events_fd: int | None = None,
        said: Callable[[str], None] | None = None,
    ) -> None:
        self.command = command
        self.dropped_bytes = 0
        self._events_fd = events_fd
        self._early = bytearray()
        self._events: int | None = None
        self._said = said
        self._errors: ChildErrors | None = None
        self._process: asyncio.subprocess.Process | None = None

    @property
    def name(self) -> str:
        """What it was called by."""
        return self.command[0]

    @property
    def returncode(self) -> int | None:
        """Its exit status, negative where a signal ended it; None while it runs."""
        return self._process.returncode if self._process else None

    async def start(self) -> None:
        """Start it. Raises UsageError when there is no such program."""
        ends = os.pipe() if self._events_fd is not None else None
        errors = ChildErrors(self._said) if self._said is not None else None
        try:
            self._process = await asyncio.create_subprocess_exec(
                *self.command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=errors.write_end if errors else None,
                **self._giving(ends[0] if ends else None),
            )
        except (OSError, ValueError) as error:
            if errors:
                errors.failed()
            reason = getattr(error, "strerror", None) or str(error)
            raise UsageError(f"cannot run {self.name}: {reason}", hint=start_hint(error)) from error
        finally:
            if ends:
                os.close(ends[0])
        if errors:
            errors.started()
            self._errors = errors
        if ends:
            self._events = ends[1]
            os.set_blocking(ends[1], False)
        self.hear(bytes(self._early))

    def _giving(self, read_end: int | None) -> dict[str, Any]:
        """Return what lets the child have `read_end` under the number that was asked for."""
        target = self._events_fd
        if read_end is None or target is None:
            return {}
        source: int = read_end
        # Python's own descriptors are not inherited (PEP 446), so that nothing else is.
        return {"close_fds": False, "preexec_fn": lambda: _hand_over(source, target)}

    # What it hears and reads

    def hear(self, pcm: bytes) -> None:
        """Write to its stdin; what it does not read in time is counted and dropped."""
        if self._process is None:
            self._early += pcm
            return
        stdin = self._process.stdin
        if not pcm or stdin is None or stdin.is_closing():
            return
        if stdin.transport.get_write_buffer_size() > UNREAD_LIMIT_BYTES:
            self.dropped_bytes += len(pcm)
        else:
            stdin.write(pcm)

    def tell(self, event: str, fields: dict[str, Any]) -> None:
        """Write a line to its events; one that it has no room for is left out."""
        if self._events is None:
            return
        with contextlib.suppress(BlockingIOError, BrokenPipeError):
            os.write(self._events, f"{json_line(event, fields)}\n".encode())

    # What it says

    async def read(self) -> bytes:
        """Return what it has written to stdout, empty once it has closed it."""
        assert self._process is not None
        assert self._process.stdout is not None
        return await self._process.stdout.read(READ_BYTES)

    async def wait(self) -> int:
        """Return its exit status once it has ended."""
        assert self._process is not None
        return await self._process.wait()

    # The end

    async def end(self, drain: Callable[[], Any]) -> None:
        """Close its input, let it finish, and end it where it does not.

        `drain()` reads on meanwhile what it still writes: it may be blocked in that.
        """
        if self._process is None:
            return
        reading = asyncio.ensure_future(drain())
        self._close_inputs()
        if not await self._ends_within(END_PATIENCE_S):
            self._stop(self._process.terminate)
            if not await self._ends_within(KILL_PATIENCE_S):
                self._stop(self._process.kill)
                await self._process.wait()
        reading.cancel()
        await asyncio.wait([reading])
        if self._errors is not None:
            self._errors.finish()

    def _close_inputs(self) -> None:
        assert self._process is not None
        if self._process.stdin is not None:
            self._process.stdin.close()
        if self._events is not None:
            os.close(self._events)
            self._events = None

    async def _ends_within(self, patience_s: float) -> bool:
        assert self._process is not None
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._process.wait(), patience_s)
        return self._process.returncode is not None

    def _stop(self, how: Callable[[], None]) -> None:
        with contextlib.suppress(ProcessLookupError):
            how()

    def problem(self) -> MachineError | None:
        """Return what it died of, None where it ended well or not at all."""
        status = self.returncode
        if not status:
            return None
        if status > 0:
            return MachineError(
                f"{self.name} ended with status {status}",
                hint="what it wrote to stderr says more",
                program_status=status,
            )
        return MachineError(
            f"{self.name} was ended by {_signal_name(-status)}",
            hint="what it wrote to stderr may say why",
            program_status=status,
        )


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # most of the real-time signals have no name
        return f"signal {number}"


def _hand_over(source: int, target: int) -> None:
    """In the child: let it have `source` as `target`."""
    os.dup2(source, target)
    os.set_inheritable(target, True)
