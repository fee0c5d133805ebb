"""Many simulated calls in one process: each is asked for in a line, and answered in one.

A request is JSON: `{"open": {"scenario", "options", "caller" (TOML or null), "capture" (a path or
null)}}`, answered as a simulator describes itself, or `{"close": PORT}`, answered by `{}`. What
cannot be is answered by an error, as the process's first line has it.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

from voipbin_cli.errors import VoipbinError
from voipbin_cli.simulator.caller.toml_text import parse_script
from voipbin_cli.simulator.catalog import find_scenario
from voipbin_cli.simulator.server import Simulator


def error_line(error: VoipbinError) -> dict[str, Any]:
    """Return what is said of what cannot be."""
    details = {"status": int(error.status), "message": error.message, "hint": error.hint}
    return {"event": "error", **details}


class Host:
    """The calls of one process, by their ports."""

    def __init__(self) -> None:
        self._calls: dict[int, Simulator] = {}

    async def answer(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Do what is asked; return what to say."""
        try:
            if "open" in request:
                return await self._open(request["open"])
            await self._calls.pop(request["close"]).close()
            return {}
        except VoipbinError as error:
            return error_line(error)

    async def _open(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        scenario = find_scenario(asked["scenario"], asked["options"])
        if asked["caller"] is not None:
            scenario = replace(scenario, caller=parse_script(asked["caller"]))
        capture = None if asked["capture"] is None else Path(asked["capture"])
        call = Simulator(scenario, keeps_heard=True, capture_path=capture)
        await call.start()
        self._calls[call.port] = call
        return call.describe()

    async def close(self) -> None:
        """End every call."""
        for call in self._calls.values():
            await call.close()
        self._calls.clear()


async def host_calls(input_: BinaryIO, output: BinaryIO) -> None:
    """Answer the requests of `input_` until it ends: the parent has ended, however it did."""
    loop = asyncio.get_running_loop()
    lines: asyncio.Queue[bytes] = asyncio.Queue()

    def read() -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended first
            while True:
                line = input_.readline()
                loop.call_soon_threadsafe(lines.put_nowait, line)
                if not line:
                    return

    # A thread, because not every system can watch a pipe and sockets in one event loop.
    threading.Thread(target=read, daemon=True).start()
    host = Host()
    try:
        while line := await lines.get():
            answer = await host.answer(json.loads(line))
            output.write(json.dumps(answer).encode() + b"\n")
            output.flush()
    finally:
        await host.close()
