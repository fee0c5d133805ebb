"""Many simulated calls in one process: each is asked for in a line, and answered in one.

A request is JSON. `{"open": {"scenario", "options", "caller" (TOML), "capture" (a path), "dial"
(an address, or null)}}` is answered as a simulator describes itself, with the call's `number`;
`{"look": NUMBER}` by `is_over`, `{"hang_up": NUMBER}` by `{}`, `{"result": NUMBER}` by the
`result`, null where no bot took part; `{"close": NUMBER}` forgets the call. What cannot be is
answered by an error, as the process's first line has it.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from voipbin_cli.codec.encapsulation import Encapsulation
from voipbin_cli.errors import VoipbinError
from voipbin_cli.simulator.caller.outcome import CallOutcome, outcome_record
from voipbin_cli.simulator.caller.toml_text import parse_script
from voipbin_cli.simulator.catalog import find_scenario
from voipbin_cli.simulator.dialing import BotAddress, Dialer
from voipbin_cli.simulator.scenario import Scenario
from voipbin_cli.simulator.server import Simulator


def error_line(error: VoipbinError) -> dict[str, Any]:
    """Return what is said of what cannot be."""
    details = {"status": int(error.status), "message": error.message, "hint": error.hint}
    return {"event": "error", **details}


class HostedCall(Protocol):
    """One call, whoever connects to whom."""

    def describe(self) -> dict[str, Any]:
        """What the bot has to know."""

    @property
    def is_over(self) -> bool:
        """Whether it has ended. Raises VoipbinError where it never began."""

    async def hang_up(self) -> None:
        """End it as the platform does."""

    def result(self) -> CallOutcome | None:
        """What it has come to; None where no bot took part."""

    async def close(self) -> None:
        """Finish its files."""


class ServedCall:
    """The bot connects to us."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator

    def describe(self) -> dict[str, Any]:
        """As the simulator does."""
        return self._simulator.describe()

    @property
    def is_over(self) -> bool:
        """Whether the caller has hung up, or the call was ended."""
        return self._simulator.exchange.target.is_over

    async def hang_up(self) -> None:
        """End it as the platform does."""
        if not self.is_over:
            self._simulator.exchange.hang_up()

    def result(self) -> CallOutcome | None:
        """What it has come to; None where no bot connected."""
        return self._simulator.result()

    async def close(self) -> None:
        """Cut its connections."""
        await self._simulator.close()


class DialedCall:
    """We connect to the bot's server."""

    def __init__(self, dialer: Dialer) -> None:
        self._dialer = dialer
        self._call = asyncio.ensure_future(dialer.call())

    def describe(self) -> dict[str, Any]:
        """The same, as far as a server has to know it: which call of a simulated account it is."""
        room = self._dialer.exchange.target
        return {"event": "ready", "kind": "call", "target_id": room.id, "api_url": "", "token": ""}

    @property
    def is_over(self) -> bool:
        """Whether it has ended. Raises ConnectionFailed and Refused as `Dialer.call` does."""
        if self._call.done():
            self._call.result()
        return self._call.done()

    async def hang_up(self) -> None:
        """End it as the platform does, and wait until that is known."""
        self._dialer.hang_up_all()
        await asyncio.wait([self._call], timeout=1.0)

    def result(self) -> CallOutcome | None:
        """What it has come to. Raises as `is_over` does."""
        return self._call.result() if self._call.done() else None

    async def close(self) -> None:
        """Cut its connection."""
        await self.hang_up()
        self._call.cancel()
        self._dialer.close()


class Host:
    """The calls of one process, by their numbers."""

    def __init__(self) -> None:
        self._calls: dict[int, HostedCall] = {}
        self._opened = 0

    async def answer(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Do what is asked; return what to say."""
        ((what, given),) = request.items()
        try:
            if what == "open":
                return await self._open(given)
            if what == "close":
                await self._calls.pop(given).close()
                return {}
            return await self._of_call(what, self._calls[given])
        except VoipbinError as error:
            return error_line(error)

    async def _open(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        scenario = find_scenario(asked["scenario"], asked["options"])
        scenario = replace(scenario, caller=parse_script(asked["caller"]))
        self._opened += 1
        self._calls[self._opened] = call = await _begun(
            scenario, Path(asked["capture"]), asked["dial"]
        )
        return {**call.describe(), "number": self._opened}

    async def _of_call(self, what: str, call: HostedCall) -> dict[str, Any]:
        if what == "look":
            return {"is_over": call.is_over}
        if what == "hang_up":
            await call.hang_up()
            return {}
        outcome = call.result()
        return {"result": None if outcome is None else outcome_record(outcome)}

    async def close(self) -> None:
        """End every call."""
        for call in self._calls.values():
            await call.close()
        self._calls.clear()


async def _begun(scenario: Scenario, capture: Path, dial: Mapping[str, Any] | None) -> HostedCall:
    if dial is None:
        simulator = Simulator(scenario, keeps_heard=True, capture_path=capture)
        await simulator.start()
        return ServedCall(simulator)
    address = BotAddress(
        dial["url"], Encapsulation(dial["encapsulation"]), is_asterisk=dial["is_asterisk"]
    )
    return DialedCall(Dialer(scenario, address, keeps_heard=True, capture_path=capture))


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
