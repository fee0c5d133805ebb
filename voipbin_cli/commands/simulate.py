"""`voipbin simulate`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from voipbin_cli.codec.fingerprint import Dialect
from voipbin_cli.commands.options import SERVING, JsonOption, PortOption, overwrite_option
from voipbin_cli.commands.values import choice

if TYPE_CHECKING:
    from pathlib import Path

    from voipbin_cli.simulator.scenario import Scenario

SIMULATION = "Simulation"
DIALECTS = {str(dialect): dialect for dialect in Dialect if dialect is not Dialect.UNKNOWN}


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulateOptions:
    """What goes wrong in the simulated stream, and where it is served."""

    host: Annotated[
        str, typer.Option(help="A loopback address.", metavar="ADDRESS", rich_help_panel=SERVING)
    ] = "127.0.0.1"
    port: PortOption = 8080
    scenario: Annotated[
        str,
        typer.Option(
            help="What goes wrong: jitter, stall+clipping, or jitter,strength=80,seed=2.",
            metavar="SCENARIO",
            rich_help_panel=SIMULATION,
        ),
    ] = "clean"
    dialect: Annotated[
        Dialect | None,
        choice(
            "--dialect",
            among=DIALECTS,
            help="What the far end speaks.",
            rich_help_panel=SIMULATION,
            show_default="the scenario's, mostly deployed",
        ),
    ] = None
    caller: Annotated[
        str | None,
        typer.Option(
            help="The caller's script (TOML): what is said, waited for, pressed. Ends with it.",
            metavar="FILE",
            rich_help_panel=SIMULATION,
            show_default=False,
        ),
    ] = None
    heard: Annotated[
        str | None,
        typer.Option(
            help="Write what the phone hears (WAV).",
            metavar="FILE",
            rich_help_panel=SIMULATION,
            show_default=False,
        ),
    ] = None
    overwrite: Annotated[bool, overwrite_option(SIMULATION)] = False
    list_: Annotated[
        bool, typer.Option("--list", help="Name the scenarios.", rich_help_panel=SIMULATION)
    ] = False
    json: JsonOption = False


def simulate(options: SimulateOptions) -> None:
    """Run a local VoIPBIN media stream, healthy or faulty, until Ctrl-C.

    It serves the REST API and the WebSocket streams of one call and two conferences, prints how
    to reach them, and needs no account. A TARGET of sim:SCENARIO starts one for a single command.

    Examples:

        voipbin simulate --list

        voipbin simulate --scenario jitter,strength=80 --port 8080 --heard heard.wav

        voipbin simulate --caller order.toml --json
    """
    import asyncio
    from pathlib import Path

    from voipbin_cli.errors import UsageError
    from voipbin_cli.media.audio_writer import check_output
    from voipbin_cli.render.simulation import show_scenarios
    from voipbin_cli.simulator.catalog import SCENARIOS, find_scenario
    from voipbin_cli.standard_streams import bound_waits
    from voipbin_cli.transport.targets import parse_target

    if options.overwrite and options.heard is None:
        raise UsageError("--overwrite is of a file", hint="--heard FILE writes one")
    if options.list_:
        return show_scenarios(SCENARIOS.values(), as_json=options.json)
    named = parse_target(f"sim:{options.scenario}")
    dialect = {"dialect": str(options.dialect)} if options.dialect else {}
    caller = {"caller": options.caller} if options.caller else {}
    scenario = find_scenario(named.value, {**named.options, **dialect, **caller})
    heard = Path(options.heard) if options.heard else None
    if heard is not None:
        check_output(str(heard), audio_format="wav", overwrite=options.overwrite)
    bound_waits()
    return asyncio.run(_serve(scenario, options.host, options.port, heard, as_json=options.json))


async def _serve(
    scenario: Scenario, host: str, port: int, heard: Path | None, *, as_json: bool
) -> None:
    """Serve until SIGINT or SIGTERM, or to the end of a scripted call.

    Raises UsageError and MachineError as the simulator does.
    """
    import asyncio

    from voipbin_cli.commands.signals import SERVER_SIGNALS, stopping_on
    from voipbin_cli.render.jsonl import emit
    from voipbin_cli.render.problems import say
    from voipbin_cli.render.scripted import show_call
    from voipbin_cli.render.simulation import over_text, show_ready
    from voipbin_cli.simulator.server import Simulator

    stopped = asyncio.Event()
    with stopping_on(SERVER_SIGNALS, stopped.set):
        async with Simulator(scenario, host=host, port=port, heard_path=heard) as simulator:
            show_ready(simulator.describe(), as_json=as_json)
            over = asyncio.create_task(simulator.until_over())
            if scenario.caller is not None:
                over.add_done_callback(lambda _: stopped.set())
            await stopped.wait()
            over.cancel()
            report, result = simulator.report(), simulator.result()
    if result is not None:
        show_call(result, as_json=as_json)
    if as_json:
        emit("summary", report)
    else:
        say(over_text(report, str(heard) if heard else None))
