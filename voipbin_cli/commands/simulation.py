"""What `voipbin simulate` does once its options are read."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Mapping
from pathlib import Path

from voipbin_cli.render.jsonl import emit
from voipbin_cli.render.simulation import scenario_table, welcome
from voipbin_cli.simulator.catalog import SCENARIOS, find_scenario
from voipbin_cli.simulator.scenario import Scenario
from voipbin_cli.simulator.server import Simulator
from voipbin_cli.transport.targets import parse_target


def list_scenarios(*, as_json: bool) -> None:
    """Print every scenario, with what a diagnosis should find in it."""
    if not as_json:
        scenario_table(SCENARIOS.values())
        return
    for row in SCENARIOS.values():
        emit("scenario", {"name": row.name, "summary": row.summary, "finding": row.finding})


def serve(
    scenario: str,
    options: Mapping[str, str],
    *,
    host: str,
    port: int,
    heard: str | None,
    as_json: bool,
) -> None:
    """Serve until SIGINT or SIGTERM. Raises UsageError and MachineError as the simulator does."""
    named = parse_target(f"sim:{scenario}")
    row = find_scenario(named.value, {**named.options, **options})
    path = Path(heard) if heard else None
    asyncio.run(_serve(row, host, port, path, as_json=as_json))


async def _serve(row: Scenario, host: str, port: int, heard: Path | None, *, as_json: bool) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in ("SIGINT", "SIGTERM"):
        number = getattr(signal, name)
        signal.signal(number, lambda *_: loop.call_soon_threadsafe(stopped.set))
    async with Simulator(row, host=host, port=port, heard_path=heard) as simulator:
        if as_json:
            emit("ready", {k: v for k, v in simulator.describe().items() if k != "event"})
        else:
            welcome(simulator.describe())
        with contextlib.suppress(asyncio.CancelledError):
            await stopped.wait()
        report = simulator.report()
    if as_json:
        emit("summary", report)
