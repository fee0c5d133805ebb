"""`voipbin simulate`."""

from __future__ import annotations

from typing import Annotated

import typer

from voipbin_cli.commands.choices import one_of

SIMULATION = "Simulation"
SERVING = "Serving"
DIALECTS = ("documented", "deployed", "linear", "legacy")


def simulate(
    host: Annotated[
        str, typer.Option(help="A loopback address.", metavar="ADDRESS", rich_help_panel=SERVING)
    ] = "127.0.0.1",
    port: Annotated[
        int,
        typer.Option(
            help="0 takes a free one.", min=0, max=65535, metavar="PORT", rich_help_panel=SERVING
        ),
    ] = 8080,
    scenario: Annotated[
        str,
        typer.Option(
            help="What goes wrong: jitter, stall+clipping, or jitter,strength=80,seed=2.",
            metavar="SCENARIO",
            rich_help_panel=SIMULATION,
        ),
    ] = "clean",
    dialect: Annotated[
        str | None,
        typer.Option(
            help="What the far end speaks.",
            metavar="|".join(DIALECTS),
            parser=one_of("dialect", DIALECTS),
            rich_help_panel=SIMULATION,
            show_default="the scenario's, mostly deployed",
        ),
    ] = None,
    heard: Annotated[
        str | None,
        typer.Option(
            help="Write what the phone hears (WAV).",
            metavar="FILE",
            rich_help_panel=SIMULATION,
            show_default=False,
        ),
    ] = None,
    list_: Annotated[
        bool, typer.Option("--list", help="Name the scenarios.", rich_help_panel=SIMULATION)
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="JSON Lines on stdout.")] = False,
) -> None:
    """Run a local VoIPBIN media stream, healthy or faulty, until Ctrl-C.

    It serves the REST API and the WebSocket streams of one call and two conferences, prints how
    to reach them, and needs no account. A TARGET of sim:SCENARIO starts one for a single command.

    Examples:

        voipbin simulate --list

        voipbin simulate --scenario jitter,strength=80 --port 8080 --heard heard.wav
    """
    from voipbin_cli.commands.simulation import list_scenarios, serve

    if list_:
        list_scenarios(as_json=as_json)
    else:
        options = {"dialect": dialect} if dialect else {}
        serve(scenario, options, host=host, port=port, heard=heard, as_json=as_json)
