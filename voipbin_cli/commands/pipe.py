"""`voipbin stream pipe`."""

from __future__ import annotations

from typing import Annotated

import typer

from voipbin_cli.commands.options import LiveOptions, TargetArgument, takes
from voipbin_cli.commands.speaking import (
    LeadOption,
    PayloadOption,
    PayloadTypeOption,
    speak_request,
)

PROGRAM = "Program"


@takes(LiveOptions)
def pipe(
    target: TargetArgument,
    live: LiveOptions,
    command: Annotated[
        list[str] | None,
        typer.Argument(metavar="-- COMMAND...", help="The program.", show_default=False),
    ] = None,
    rate: Annotated[
        int,
        typer.Option(
            help="Samples a second on its stdin and stdout.",
            metavar="HZ",
            min=4000,
            max=192_000,
            rich_help_panel=PROGRAM,
        ),
    ] = 8000,
    events: Annotated[
        int | None,
        typer.Option(
            help="Let it read JSON Lines from this file descriptor: dtmf, speech, barge-in, state.",
            metavar="FD",
            min=3,
            max=255,
            rich_help_panel=PROGRAM,
            show_default=False,
        ),
    ] = None,
    barge_in: Annotated[
        bool,
        typer.Option(
            "--barge-in",
            help="When the caller starts to speak, drop what is not sent yet.",
            rich_help_panel=PROGRAM,
        ),
    ] = False,
    lead: LeadOption = 20,
    payload: PayloadOption = "auto",
    payload_type: PayloadTypeOption = "auto",
) -> None:
    """Run a program in a call: its stdin hears the call, its stdout is spoken.

    Both are bare samples, 16-bit little-endian mono. It may write as fast as it
    likes; what it says is sent on time. The call ends with it, and it ends with the call.

    Examples:

        voipbin stream pipe sim -d 5 -- cat

        voipbin stream pipe sim -d 5 -- sox -t raw -r 8k -e signed -b 16 -c 1 - call.wav

        voipbin stream pipe sim -- sox -n -t raw -r 8k -e signed -b 16 -c 1 - synth 3 sine 440
    """
    from voipbin_cli.commands.live import opened_target, run_live
    from voipbin_cli.errors import UsageError
    from voipbin_cli.render.piping import PipingLine, done_line
    from voipbin_cli.session.listening import ListenRequest
    from voipbin_cli.session.pipe import PipeRequest, Piping

    if not command:
        raise UsageError("no program to run", hint="voipbin stream pipe TARGET -- COMMAND")
    program = PipeRequest(tuple(command), rate, events, barge_in)
    request = speak_request(lead, payload, payload_type)
    with opened_target(target, live) as stream:
        listen = ListenRequest(stream, live.duration, live.capture)
        run_live(
            live,
            lambda tell: Piping(listen, tell, program, request),
            lambda status: PipingLine(stream.label, status),
            done_line,
        )
