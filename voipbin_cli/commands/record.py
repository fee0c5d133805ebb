"""`voipbin stream record`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

import typer

from voipbin_cli.commands.bare_id import or_conference
from voipbin_cli.commands.options import LiveOptions, TargetArgument, both_option, overwrite_option

RECORDING = "Recording"


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordOptions:
    """What is recorded, and where to."""

    target: TargetArgument = ""
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
    ] = None
    overwrite: Annotated[bool, overwrite_option(RECORDING)] = False
    fill: Annotated[
        bool,
        typer.Option(
            help="Put silence where audio was lost, so that the file keeps the call's clock.",
            rich_help_panel=RECORDING,
        ),
    ] = True
    both: Annotated[bool, both_option(RECORDING)] = False
    live: LiveOptions = field(default_factory=LiveOptions)


@or_conference("target")
def record(options: RecordOptions) -> None:
    """Record a call or conference to a file.

    A WAV or raw file is complete and readable at any moment, but for its last second at
    most, whatever ends the recording. Beside FLAC, Ogg, Opus and MP3, of which a kill or a
    power cut costs more, stands FILE.partial.wav, which goes once they are whole.

    Examples:

        voipbin stream record sim -d 5

        voipbin stream record sim:outage -o a.flac --capture a.pcapng

        voipbin stream record sim -d 5 -o - | sox -t wav - -n stat
    """
    import sys

    from voipbin_cli.commands.live import run_live, teller
    from voipbin_cli.commands.opened_target import opened_target
    from voipbin_cli.commands.target import chosen_target
    from voipbin_cli.errors import UsageError
    from voipbin_cli.public.recorder import recording
    from voipbin_cli.render.outlet import standard_outlets
    from voipbin_cli.render.recording import RecordingLines, done_line
    from voipbin_cli.session.recorded_sound import RecordedSound
    from voipbin_cli.session.recording_file import cut_short, name_of_now
    from voipbin_cli.session.sound_events import SoundEvents

    live, outlets = options.live, standard_outlets()
    if options.output == "-" and live.out.json:
        raise UsageError("--json and -o - both want stdout", hint="record to a file")
    if options.output == "-" and sys.stdout.isatty():
        raise UsageError(
            "-o - would write the bytes of the sound onto the terminal",
            hint="send it on: -o - > call.wav, or -o - | sox -t wav - -n stat; or name a file",
        )
    if options.both and not options.fill:
        raise UsageError(
            "--both keeps two sides on one clock, for which --no-fill leaves no place",
            hint="leave out one of them",
        )
    target = chosen_target(options.target, live.api)
    path = options.output or name_of_now(target.file_stem)
    with opened_target(target, live) as stream:
        tell, sound = teller(live.out, outlets), RecordedSound()
        digits = [SoundEvents(tell, speech=False)] if live.out.json else []
        session, file = recording(
            stream,
            path,
            tell,
            duration_s=live.duration,
            capture=live.capture,
            overwrite=options.overwrite,
            fill=options.fill,
            both=options.both,
            hearers=[*digits, sound],
        )
        for message in cut_short(path):
            tell("warning", {"message": message})
        lines = RecordingLines(stream.label, session.status, file)
        run_live(
            session,
            lines,
            lambda summary: done_line(summary, sound.faults()),
            live.out,
            outlets=outlets,
            leaves_file=path != "-",
        )
