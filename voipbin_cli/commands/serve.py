"""`voipbin stream serve`."""

from __future__ import annotations

from typing import Annotated

import typer

from voipbin_cli.commands.choices import one_of
from voipbin_cli.commands.options import (
    ENCAPSULATIONS,
    JsonOption,
    QuietOption,
    VerboseOption,
)
from voipbin_cli.commands.speaking import LeadOption, PayloadOption, PayloadTypeOption
from voipbin_cli.errors import UsageError

SERVING = "Serving"
PLAYING = "Playing"
TRANSPORTS = ("websocket", "tcp")


def serve(
    file: Annotated[
        list[str] | None,
        typer.Option(
            help="What to play; several play one after the other.",
            metavar="FILE",
            rich_help_panel=PLAYING,
            show_default=False,
        ),
    ] = None,
    loop: Annotated[
        int,
        typer.Option(
            help="Play so many times to each who connects, then hang up; 0 is for ever.",
            metavar="N",
            min=0,
            rich_help_panel=PLAYING,
        ),
    ] = 0,
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
    lead: LeadOption = 20,
    payload: PayloadOption = "auto",
    payload_type: PayloadTypeOption = "auto",
    host: Annotated[
        str,
        typer.Option(
            help="The address to listen on; 0.0.0.0 is every one of this machine.",
            metavar="ADDRESS",
            rich_help_panel=SERVING,
        ),
    ] = "127.0.0.1",
    port: Annotated[
        int,
        typer.Option(
            help="0 takes a free one.", min=0, max=65535, metavar="PORT", rich_help_panel=SERVING
        ),
    ] = 8765,
    transport: Annotated[
        str,
        typer.Option(
            help="websocket, or tcp: AudioSocket with nothing around it.",
            metavar="websocket|tcp",
            parser=one_of("transport", TRANSPORTS),
            rich_help_panel=SERVING,
        ),
    ] = "websocket",
    encapsulation: Annotated[
        str | None,
        typer.Option(
            "--encapsulation",
            "-e",
            help="How audio is framed. Asterisk's chan_websocket is told by its first message.",
            metavar="rtp|sln|audiosocket",
            parser=one_of("encapsulation", ENCAPSULATIONS),
            rich_help_panel=SERVING,
            show_default="rtp; tcp: audiosocket",
        ),
    ] = None,
    cert: Annotated[
        str | None,
        typer.Option(
            help="A certificate chain (PEM): wss.",
            metavar="FILE",
            rich_help_panel=SERVING,
            show_default=False,
        ),
    ] = None,
    key: Annotated[
        str | None,
        typer.Option(
            help="Its private key (PEM), where it is not in the same file.",
            metavar="FILE",
            rich_help_panel=SERVING,
            show_default=False,
        ),
    ] = None,
    token: Annotated[
        str | None,
        typer.Option(
            help="Only who asks for the path /TOKEN is let in.",
            metavar="TOKEN",
            envvar="VOIPBIN_SERVE_TOKEN",
            rich_help_panel=SERVING,
            show_default=False,
        ),
    ] = None,
    record: Annotated[
        str | None,
        typer.Option(
            help="Keep what they send, a file for each.",
            metavar="DIRECTORY",
            rich_help_panel=SERVING,
            show_default=False,
        ),
    ] = None,
    json: JsonOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Let the platform connect here, and play to it: the uni-directional mode.

    It prints the flow action that makes the platform connect, and runs until Ctrl-C.

    Examples:

        voipbin stream serve --file music.wav -e audiosocket

        voipbin stream serve --file music.wav --transport tcp --port 9092

        voipbin stream serve --file music.wav --cert chain.pem --key key.pem --token s3cret
    """
    from voipbin_cli.commands.serving import ServeOptions, run_server
    from voipbin_cli.commands.speaking import speak_request

    if not file:
        raise UsageError("nothing to play", hint="--file FILE")
    options = ServeOptions(
        files=tuple(file),
        loop=loop,
        gain_db=gain,
        host=host,
        port=port,
        transport=transport,
        encapsulation=encapsulation,
        cert=cert,
        key=key,
        token=token,
        record=record,
    )
    run_server(
        options,
        speak_request(lead, payload, payload_type),
        as_json=json,
        quiet=quiet,
        verbose=verbose,
    )
