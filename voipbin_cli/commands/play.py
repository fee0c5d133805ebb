"""`voipbin stream play`."""

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

PLAYING = "Playing"


@takes(LiveOptions)
def play(
    target: TargetArgument,
    live: LiveOptions,
    files: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="FILE...",
            help="Audio files of any kind, rate and number of channels; - is standard input.",
            show_default=False,
        ),
    ] = None,
    dtmf: Annotated[
        str | None,
        typer.Option(
            help="Send these digits as tones, before the files: 0-9, A-D, * and #; a comma is "
            "half a second of pause.",
            metavar="DIGITS",
            rich_help_panel=PLAYING,
            show_default=False,
        ),
    ] = None,
    loop: Annotated[
        int,
        typer.Option(
            help="Play the files so many times; 0 is until the call ends.",
            metavar="N",
            min=0,
            rich_help_panel=PLAYING,
        ),
    ] = 1,
    gain: Annotated[
        float,
        typer.Option(
            help="Louder, or softer where it is negative.",
            metavar="DB",
            min=-100,
            max=100,
            rich_help_panel=PLAYING,
        ),
    ] = 0.0,
    raw: Annotated[
        bool,
        typer.Option(
            "--raw",
            help="Standard input is bare 16-bit little-endian samples.",
            rich_help_panel=PLAYING,
        ),
    ] = False,
    rate: Annotated[
        int,
        typer.Option(
            help="Samples a second of bare samples (--raw, .raw).",
            metavar="HZ",
            min=1000,
            max=384_000,
            rich_help_panel=PLAYING,
        ),
    ] = 8000,
    record: Annotated[
        str | None,
        typer.Option(
            help="Record what comes back meanwhile.",
            metavar="FILE",
            rich_help_panel=PLAYING,
            show_default=False,
        ),
    ] = None,
    overwrite: Annotated[
        bool,
        typer.Option("--overwrite", help="Replace a file that exists.", rich_help_panel=PLAYING),
    ] = False,
    lead: LeadOption = 20,
    payload: PayloadOption = "auto",
    payload_type: PayloadTypeOption = "auto",
) -> None:
    """Play files, standard input or digits into a call or conference.

    They are sent on an absolute clock, in the form that the far end takes, with
    silence before and after, so that the first and last words are heard whole.

    Examples:

        voipbin stream play sim welcome.wav --record answer.wav

        voipbin stream play sim --dtmf 1234#

        sox -n -t wav - synth 3 sine 440 | voipbin stream play sim -
    """
    from voipbin_cli.commands.live import opened_target, run_live
    from voipbin_cli.commands.playlist import open_playlist
    from voipbin_cli.errors import UsageError
    from voipbin_cli.render.playing import PlayingLines, done_line
    from voipbin_cli.session.listening import ListenRequest
    from voipbin_cli.session.play import Playing

    if record == "-":
        raise UsageError("what comes back is recorded to a file only", hint="--record FILE")
    request = speak_request(lead, payload, payload_type)
    playlist = open_playlist(files or [], dtmf=dtmf, loop=loop, gain_db=gain, raw=raw, rate_hz=rate)
    with opened_target(target, live) as stream:
        listen = ListenRequest(stream, live.duration, live.capture, overwrite)
        run_live(
            live,
            lambda tell: Playing(
                listen, tell, playlist.blocks, request, total_s=playlist.seconds, record=record
            ),
            lambda status: PlayingLines(stream.label, status),
            done_line,
        )
