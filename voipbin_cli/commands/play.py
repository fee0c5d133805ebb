"""`voipbin stream play`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

import typer

from voipbin_cli.commands.bare_id import or_conference
from voipbin_cli.commands.options import (
    PLAYING,
    GainOption,
    LiveOptions,
    LoopOption,
    SendOptions,
    TargetArgument,
    both_option,
    overwrite_option,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlayOptions:
    """What is played, and what is kept of the answer."""

    target: TargetArgument = ""
    files: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="FILE...",
            help="Audio files of any kind, rate and number of channels, bare ones by their suffix "
            "(.ulaw, .alaw, .sln, .sln16, .gsm, .g722, .raw); - is standard input.",
            show_default=False,
        ),
    ] = None
    dtmf: Annotated[
        str | None,
        typer.Option(
            help="Send these digits as tones, before the files: 0-9, A-D, * and #; a comma is "
            "half a second of pause.",
            metavar="DIGITS",
            rich_help_panel=PLAYING,
            show_default=False,
        ),
    ] = None
    loop: LoopOption = 1
    gain: GainOption = 0.0
    raw: Annotated[
        bool,
        typer.Option(
            "--raw",
            help="Standard input is bare 16-bit little-endian samples.",
            rich_help_panel=PLAYING,
        ),
    ] = False
    rate: Annotated[
        int | None,
        typer.Option(
            help="Samples a second of bare samples (--raw, .raw, .pcm, .sln).",
            metavar="HZ",
            min=1000,
            max=384_000,
            rich_help_panel=PLAYING,
            show_default="8000",
        ),
    ] = None
    record: Annotated[
        str | None,
        typer.Option(
            help="Record what comes back meanwhile.",
            metavar="FILE",
            rich_help_panel=PLAYING,
            show_default=False,
        ),
    ] = None
    overwrite: Annotated[bool, overwrite_option(PLAYING)] = False
    both: Annotated[bool, both_option(PLAYING)] = False
    send: SendOptions = field(default_factory=SendOptions)
    live: LiveOptions = field(default_factory=LiveOptions)


@or_conference("target", unless=lambda options: "-" in (options.files or []))
def play(options: PlayOptions) -> None:
    """Play files, standard input or digits into a call or conference.

    They are sent on an absolute clock, in the form that the far end takes, with
    silence before and after, so that the first and last words are heard whole. Of a
    file that is cut or damaged what there is is played; then it exits with 2. What was
    sent is judged as diagnose does (--json: verdict, findings, metrics_sent, far_end).

    Examples:

        voipbin stream play sim welcome.wav --record answer.wav

        voipbin stream play sim --dtmf 1234#

        sox -n -t wav - synth 3 sine 440 | voipbin stream play sim -
    """
    from voipbin_cli.commands.live import run_live, teller
    from voipbin_cli.commands.opened_target import opened_target
    from voipbin_cli.commands.target import chosen_target
    from voipbin_cli.errors import UsageError
    from voipbin_cli.media.audio_writer import check_apart
    from voipbin_cli.public.player import playing
    from voipbin_cli.render.diagnosis import show_judged
    from voipbin_cli.render.outlet import standard_outlets
    from voipbin_cli.render.playing import PlayingLines, done_line
    from voipbin_cli.session.played_audio import open_outgoing
    from voipbin_cli.session.sending import SpeakRequest

    live, send, outlets = options.live, options.send, standard_outlets()
    if options.record == "-":
        raise UsageError("what comes back is recorded to a file only", hint="--record FILE")
    target = chosen_target(options.target, live.api) if options.target else None
    check_apart([live.capture, options.record], options.files or [])
    outgoing = open_outgoing(
        options.files or [],
        dtmf=options.dtmf,
        loop=options.loop,
        gain_db=options.gain,
        raw=options.raw,
        rate_hz=options.rate,
    )
    with opened_target(target or chosen_target("", live.api), live) as stream:
        session, sending = playing(
            stream,
            outgoing,
            teller(live.out, outlets),
            speak=SpeakRequest(send.lead, send.payload, send.payload_type),
            duration_s=live.duration,
            capture=live.capture,
            record=options.record,
            overwrite=options.overwrite,
            both=options.both,
        )
        lines = PlayingLines(stream.label, session.status, sending, outgoing.seconds)
        run_live(session, lines, done_line, live.out, outlets=outlets, show_end=show_judged)
