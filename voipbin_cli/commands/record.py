"""`voipbin stream record`."""

from __future__ import annotations

from typing import Annotated

import typer

from voipbin_cli.commands.options import LiveOptions, TargetArgument, takes

RECORDING = "Recording"


@takes(LiveOptions)
def record(
    target: TargetArgument,
    live: LiveOptions,
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            help="The file; - is stdout. The suffix says the format: wav, flac, ogg, raw, …",
            metavar="FILE",
            rich_help_panel=RECORDING,
            show_default="call-ID-TIME.wav",
        ),
    ] = None,
    overwrite: Annotated[
        bool,
        typer.Option("--overwrite", help="Replace a file that exists.", rich_help_panel=RECORDING),
    ] = False,
    fill: Annotated[
        bool,
        typer.Option(
            help="Put silence where audio was lost, so that the file keeps the call's clock.",
            rich_help_panel=RECORDING,
        ),
    ] = True,
) -> None:
    """Record a call or conference to a file.

    What was recorded is complete and readable at any moment, whatever ends the recording.

    Examples:

        voipbin stream record sim -d 5

        voipbin stream record sim:outage -o a.flac --capture a.pcapng

        voipbin stream record sim -d 5 -o - | sox -t wav - -n stat
    """
    from voipbin_cli.commands.choose import choose_target
    from voipbin_cli.commands.live import default_name, opened_target, run_live
    from voipbin_cli.errors import UsageError
    from voipbin_cli.render.recording import RecordingLines, done_line
    from voipbin_cli.session.listening import ListenRequest
    from voipbin_cli.session.record import Recording

    if output == "-" and live.json:
        raise UsageError("--json and -o - both want stdout", hint="record to a file")
    target = target or choose_target(live)
    path = output or default_name(target, "wav")
    with opened_target(target, live) as stream:
        request = ListenRequest(stream, live.duration, live.capture, overwrite)
        run_live(
            live,
            lambda tell: Recording(request, tell, output=path, fill=fill, digits=live.json),
            lambda status: RecordingLines(stream.label, status),
            done_line,
        )
