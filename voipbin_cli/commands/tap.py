"""`voipbin stream tap`."""

from __future__ import annotations

from typing import Annotated

import typer

from voipbin_cli.commands.options import LiveOptions, TargetArgument, takes
from voipbin_cli.errors import UsageError

SOUND = "Sound"


def _parse_volume(text: str) -> float:
    number = str(text).removesuffix("%")
    if not number.replace(".", "", 1).isdecimal() or not 0 <= float(number) <= 400:
        raise UsageError(f"{text!r} is not a volume", hint="give a percentage from 0 to 400")
    return float(number)


def _parse_buffer(text: str) -> str:
    if text != "auto" and not (text.isdecimal() and 20 <= int(text) <= 500):
        raise UsageError(f"{text!r} is not a buffer", hint="give auto, or 20 to 500 (ms)")
    return text


@takes(LiveOptions)
def tap(
    target: TargetArgument,
    live: LiveOptions,
    device: Annotated[
        str | None,
        typer.Option(
            help="The loudspeaker: its number, or part of its name.",
            metavar="DEVICE",
            rich_help_panel=SOUND,
            show_default="the system's",
        ),
    ] = None,
    list_devices: Annotated[
        bool, typer.Option("--list-devices", help="Name the devices.", rich_help_panel=SOUND)
    ] = False,
    volume: Annotated[
        float,
        typer.Option(
            help="Percent.", metavar="PERCENT", parser=_parse_volume, rich_help_panel=SOUND
        ),
    ] = 100.0,
    buffer: Annotated[
        str,
        typer.Option(
            help="Delay before a frame is heard: auto follows what the network needs.",
            metavar="MS|auto",
            parser=_parse_buffer,
            rich_help_panel=SOUND,
        ),
    ] = "auto",
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
    ] = None,
    overwrite: Annotated[
        bool,
        typer.Option("--overwrite", help="Replace a file that exists.", rich_help_panel=SOUND),
    ] = False,
    mic: Annotated[
        bool,
        typer.Option("--mic", help="Talk as well, by the microphone.", rich_help_panel=SOUND),
    ] = False,
    full_duplex: Annotated[
        bool,
        typer.Option(
            "--full-duplex",
            help="With --mic: also while the far end speaks (use headphones).",
            rich_help_panel=SOUND,
        ),
    ] = False,
) -> None:
    """Hear a call or conference live on the loudspeaker.

    The delay follows what the network needs, a missing frame is concealed, and the far clock's
    drift is taken up. Keys: space mutes, + and - change the volume, q quits.

    Examples:

        voipbin stream tap sim:jitter -d 10

        voipbin stream tap --list-devices

        voipbin stream tap sim -d 10 -o call.wav --volume 150
    """
    from voipbin_cli.commands.tapping import show_devices, tap_stream
    from voipbin_cli.session.tap import TapRequest

    if list_devices:
        show_devices(as_json=live.json)
        return
    request = TapRequest(
        device=device,
        volume=volume / 100,
        buffer_ms=None if buffer == "auto" else float(buffer),
        output=output,
        microphone=mic,
        full_duplex=full_duplex,
    )
    tap_stream(target, live, request, overwrite=overwrite)
