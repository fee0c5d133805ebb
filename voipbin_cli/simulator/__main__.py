"""The child process behind `sim:` targets.

`python -m voipbin_cli.simulator [SCENARIO] [KEY=VALUE ...] [--port N] [--heard FILE]` prints one
JSON line when it is ready (or why it is not) and ends when its standard input does.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
import threading
from pathlib import Path

from voipbin_cli.errors import UsageError, VoipbinError
from voipbin_cli.simulator.catalog import find_scenario
from voipbin_cli.simulator.scenario import Scenario
from voipbin_cli.simulator.server import Simulator


def parse_arguments(arguments: list[str]) -> tuple[Scenario, int, Path | None]:
    """Return scenario, port and the file for what is heard. Raises UsageError."""
    name, options = "clean", {}
    flags = {"--port": "0", "--heard": ""}
    rest = iter(arguments)
    for argument in rest:
        if argument in flags:
            flags[argument] = next(rest, "")
        elif "=" in argument:
            key, _, value = argument.partition("=")
            options[key] = value
        else:
            name = argument
    if not flags["--port"].isdecimal():
        raise UsageError(f"--port {flags['--port']}: not a number", hint="0 takes a free one")
    heard = Path(flags["--heard"]) if flags["--heard"] else None
    return find_scenario(name, options), int(flags["--port"]), heard


def _say(line: dict[str, object]) -> None:
    print(json.dumps(line), flush=True)


async def _wait_for_end_of_input() -> None:
    """Return when standard input is closed: the parent has ended, however it did."""
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()

    def read() -> None:
        with contextlib.suppress(OSError):
            while os.read(0, 4096):
                pass
        with contextlib.suppress(RuntimeError):  # the loop has ended first
            loop.call_soon_threadsafe(ended.set)

    # A thread, because not every system can watch a pipe and sockets in one event loop.
    threading.Thread(target=read, daemon=True).start()
    await ended.wait()


async def _serve(scenario: Scenario, port: int, heard: Path | None) -> None:
    async with Simulator(scenario, port=port, heard_path=heard) as simulator:
        _say(simulator.describe())
        await _wait_for_end_of_input()


def run(arguments: list[str]) -> int:
    """Serve until standard input ends; the exit status."""
    try:
        asyncio.run(_serve(*parse_arguments(arguments)))
    except VoipbinError as error:
        details = {"status": int(error.status), "message": error.message, "hint": error.hint}
        _say({"event": "error", **details})
        return error.status
    return 0


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
