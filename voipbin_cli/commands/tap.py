"""`voipbin stream tap`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

import typer

from voipbin_cli.commands.bare_id import or_conference
from voipbin_cli.commands.options import LiveOptions, TargetArgument, both_option, overwrite_option
from voipbin_cli.errors import UsageError

SOUND = "Sound"
# A step of the keys + and -.
LOUDER = 1.25
PLAIN_LINE_S = 10.0


def parse_volume(text: str) -> float:
    """Return a percentage from 0 to 400. Raises UsageError for anything else."""
    number = str(text).removesuffix("%")
    if not number.replace(".", "", 1).isdecimal() or not 0 <= float(number) <= 400:
        raise UsageError(f"{text!r} is not a volume", hint="give a percentage from 0 to 400")
    return float(number)


def parse_buffer(text: str) -> float | None:
    """Return milliseconds from 20 to 500, None for `auto`. Raises UsageError for anything else."""
    if text == "auto":
        return None
    if not (text.isdecimal() and 20 <= int(text) <= 500):
        raise UsageError(f"{text!r} is not a buffer", hint="give auto, or 20 to 500 (ms)")
    return float(text)


@dataclass(frozen=True, slots=True, kw_only=True)
class TapOptions:
    """How it is heard, and whether one talks as well."""

    target: TargetArgument = ""
    device: Annotated[
        str | None,
        typer.Option(
            help="The loudspeaker: its number, or part of its name.",
            metavar="DEVICE",
            rich_help_panel=SOUND,
            show_default="the system's",
        ),
    ] = None
    list_devices: Annotated[
        bool, typer.Option("--list-devices", help="Name the devices.", rich_help_panel=SOUND)
    ] = False
    volume: Annotated[
        float,
        typer.Option(
            help="Percent.", metavar="PERCENT", parser=parse_volume, rich_help_panel=SOUND
        ),
    ] = 100.0
    buffer: Annotated[
        float | None,
        typer.Option(
            help="Delay before a frame is heard: auto follows what the network needs.",
            metavar="MS|auto",
            parser=parse_buffer,
            rich_help_panel=SOUND,
            show_default="auto",
        ),
    ] = None
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            help="Record as well (wav, flac, …).",
            metavar="FILE",
            rich_help_panel=SOUND,
            show_default=False,
        ),
    ] = None
    overwrite: Annotated[bool, overwrite_option(SOUND)] = False
    both: Annotated[bool, both_option(SOUND)] = False
    mic: Annotated[
        bool,
        typer.Option("--mic", help="Talk as well, by the microphone.", rich_help_panel=SOUND),
    ] = False
    full_duplex: Annotated[
        bool,
        typer.Option(
            "--full-duplex",
            help="With --mic: also while the far end speaks (use headphones).",
            rich_help_panel=SOUND,
        ),
    ] = False
    live: LiveOptions = field(default_factory=LiveOptions)


@or_conference("target")
def tap(options: TapOptions) -> None:
    """Hear a call or conference live on the loudspeaker.

    The delay follows what the network needs, a missing frame is concealed, and the far clock's
    drift is taken up. Keys: space mutes, + and - change the volume, q quits. With --mic both
    directions are shown and judged as diagnose does (--json: verdict, findings, …).

    Examples:

        voipbin stream tap sim:jitter -d 10

        voipbin stream tap --list-devices

        voipbin stream tap sim -d 10 -o call.wav --volume 150
    """
    import sys

    from voipbin_cli.commands.live import run_live, teller
    from voipbin_cli.commands.opened_target import opened_target
    from voipbin_cli.commands.target import chosen_target
    from voipbin_cli.media.devices import list_devices
    from voipbin_cli.render.diagnosis import show_judged
    from voipbin_cli.render.outlet import standard_outlets
    from voipbin_cli.render.tapping import TapLines, show_devices, tap_line
    from voipbin_cli.session.ending import Cause
    from voipbin_cli.session.recording_file import optional_file
    from voipbin_cli.session.session import SessionRequest
    from voipbin_cli.session.talk_judging import TalkJudging
    from voipbin_cli.session.tap import Loudspeaker, TapRequest, open_microphone, tap_session

    live, outlets = options.live, standard_outlets()
    if options.list_devices:
        return show_devices(list_devices(), as_json=live.out.json)
    with opened_target(chosen_target(options.target, live.api), live) as stream:
        tell, overwrite = teller(live.out, outlets), options.overwrite
        microphone = open_microphone(full_duplex=options.full_duplex) if options.mic else None
        file = optional_file(
            options.output, overwrite=overwrite, capture=live.capture, both=options.both
        )
        heard_by = TapRequest(options.device, options.volume / 100, options.buffer)
        loudspeaker = Loudspeaker(heard_by, tell, may_fail=file is not None)
        request = SessionRequest(stream, live.duration, live.capture, overwrite)
        judging = TalkJudging(stream) if microphone is not None else None
        session = tap_session(
            request, tell, loudspeaker, microphone=microphone, file=file, judging=judging
        )
        with_keys = sys.stdin.isatty()
        run_live(
            session,
            TapLines(
                stream.label,
                session.status,
                loudspeaker,
                look=judging.look if judging is not None else None,
                with_keys=with_keys,
            ),
            tap_line,
            live.out,
            keys={
                " ": loudspeaker.toggle_mute,
                "+": lambda: loudspeaker.change_volume(LOUDER),
                "-": lambda: loudspeaker.change_volume(1 / LOUDER),
                "q": lambda: session.stop(Cause.FINISHED),
            },
            plain_every_s=PLAIN_LINE_S,
            outlets=outlets,
            show_end=show_judged if judging is not None else lambda summary: None,
        )
    return None
