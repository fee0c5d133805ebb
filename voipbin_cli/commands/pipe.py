"""`voipbin stream pipe`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

import typer

from voipbin_cli.commands.options import (
    OUTPUT,
    LiveOptions,
    SendOptions,
    TargetArgument,
    overwrite_option,
)

PROGRAM = "Program"


@dataclass(frozen=True, slots=True, kw_only=True)
class PipeOptions:
    """Which program is run, and what it is given."""

    target: TargetArgument = ""
    command: Annotated[
        list[str] | None,
        typer.Argument(metavar="-- COMMAND...", help="The program.", show_default=False),
    ] = None
    rate: Annotated[
        int,
        typer.Option(
            help="Samples a second on its stdin and stdout.",
            metavar="HZ",
            min=4000,
            max=192_000,
            rich_help_panel=PROGRAM,
        ),
    ] = 8000
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
    ] = None
    barge_in: Annotated[
        bool,
        typer.Option(
            "--barge-in",
            help="When the caller starts to speak, drop what is not sent yet.",
            rich_help_panel=PROGRAM,
        ),
    ] = False
    overwrite: Annotated[bool, overwrite_option(OUTPUT)] = False
    send: SendOptions = field(default_factory=SendOptions)
    live: LiveOptions = field(default_factory=LiveOptions)


def pipe(options: PipeOptions) -> None:
    """Run a program in a call: its stdin hears the call, its stdout is spoken.

    Both are bare samples, 16-bit little-endian mono. It may write as fast as it
    likes; what it says is sent on time. The call ends with it, and it ends with the call.
    Both directions are judged as diagnose does: in a terminal while it runs, and at the end
    (--json: verdict, findings, metrics, metrics_sent, far_end, conversation).

    Examples:

        voipbin stream pipe sim -d 5 -- cat

        voipbin stream pipe sim -d 5 -- sox -t raw -r 8k -e signed -b 16 -c 1 - call.wav

        voipbin stream pipe sim -- sox -n -t raw -r 8k -e signed -b 16 -c 1 - synth 3 sine 440
    """
    from voipbin_cli.commands.live import run_live, teller
    from voipbin_cli.commands.opened_target import opened_target
    from voipbin_cli.commands.target import chosen_target
    from voipbin_cli.errors import UsageError
    from voipbin_cli.render.diagnosis import show_judged
    from voipbin_cli.render.live_view import is_terminal
    from voipbin_cli.render.outlet import standard_outlets
    from voipbin_cli.render.piping import PipingLines, done_line
    from voipbin_cli.session.pipe import PipeRequest, ProgramInCall, pipe_session
    from voipbin_cli.session.sending import Sending, SpeakRequest
    from voipbin_cli.session.session import SessionRequest
    from voipbin_cli.session.talk_judging import TalkJudging

    live, send, outlets = options.live, options.send, standard_outlets()
    if not options.command:
        raise UsageError("no program to run", hint="voipbin stream pipe TARGET -- COMMAND")
    with opened_target(chosen_target(options.target, live.api), live) as stream:
        tell, command = teller(live.out, outlets), tuple(options.command)
        asked = PipeRequest(command, options.rate, options.events, options.barge_in)
        # What the program says of itself goes above the view.
        has_view = live.out.is_chatty and is_terminal()
        program = ProgramInCall(tell, asked, outlets[1].put if has_view else None)
        speak = SpeakRequest(send.lead, send.payload, send.payload_type)
        sending = Sending(program.backlog, speak, stream.encapsulation, tell)
        request = SessionRequest(stream, live.duration, live.capture, options.overwrite)
        judging = TalkJudging(stream)
        session = pipe_session(request, tell, program, sending, judging)
        lines = PipingLines(stream.label, session.status, sending, judging.look)
        run_live(session, lines, done_line, live.out, outlets=outlets, show_end=show_judged)
