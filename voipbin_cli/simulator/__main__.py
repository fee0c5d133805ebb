"""The child process behind `sim:` targets.

`python -m voipbin_cli.simulator [SCENARIO] [KEY=VALUE ...] [--port N] [--heard FILE]
[--keep-heard] [--caller-on-stdin]` prints one JSON line when it is ready (or why it is not) and
ends when its standard input does. `--calls-on-stdin` alone serves the calls that
`hosting` is asked for there.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
import threading
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO, NamedTuple, cast

from voipbin_cli.errors import UsageError, VoipbinError
from voipbin_cli.simulator.caller.script import CallerScript
from voipbin_cli.simulator.caller.toml_text import parse_script
from voipbin_cli.simulator.catalog import find_scenario
from voipbin_cli.simulator.hosting import error_line, host_calls
from voipbin_cli.simulator.scenario import Scenario
from voipbin_cli.simulator.server import Simulator


class Served(NamedTuple):
    """What is served: `heard` is the file for what the phone hears."""

    scenario: Scenario
    port: int
    heard: Path | None
    keeps_heard: bool = False


def parse_arguments(arguments: list[str], input_: BinaryIO | None = None) -> Served:
    """Return what is asked for; a caller's script comes on `input_`. Raises UsageError."""
    name, options = "clean", {}
    flags = {"--port": "0", "--heard": ""}
    switches = {"--keep-heard", "--caller-on-stdin"}
    rest = iter(arguments)
    for argument in rest:
        if argument in flags:
            flags[argument] = next(rest, "")
        elif argument in switches:
            continue
        elif "=" in argument:
            key, _, value = argument.partition("=")
            options[key] = value
        else:
            name = argument
    if not flags["--port"].isdecimal():
        raise UsageError(f"--port {flags['--port']}: not a number", hint="0 takes a free one")
    heard = Path(flags["--heard"]) if flags["--heard"] else None
    scenario = find_scenario(name, options)
    if "--caller-on-stdin" in arguments and input_ is not None:
        scenario = replace(scenario, caller=_script_on(input_))
    return Served(scenario, int(flags["--port"]), heard, "--keep-heard" in arguments)


def _script_on(input_: BinaryIO) -> CallerScript:
    """Read a line that says how many bytes follow, and those: a pipe gives them in pieces."""
    text, size = b"", int(input_.readline())
    while len(text) < size and (piece := input_.read(size - len(text))):
        text += piece
    return parse_script(text.decode())


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


async def _serve(served: Served) -> None:
    async with Simulator(
        served.scenario,
        port=served.port,
        heard_path=served.heard,
        keeps_heard=served.keeps_heard,
    ) as simulator:
        _say(simulator.describe())
        await _wait_for_end_of_input()


def run(arguments: list[str]) -> int:
    """Serve until standard input ends; the exit status."""
    if arguments == ["--calls-on-stdin"]:
        asyncio.run(host_calls(sys.stdin.buffer, sys.stdout.buffer))
        return 0
    try:
        # Without a buffer: what comes behind a script is looked for by its descriptor.
        with open(0, "rb", buffering=0, closefd=False) as input_:
            served = parse_arguments(arguments, cast(BinaryIO, input_))
        asyncio.run(_serve(served))
    except VoipbinError as error:
        _say(error_line(error))
        return error.status
    return 0


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
