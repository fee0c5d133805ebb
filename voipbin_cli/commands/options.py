"""The options that commands share, each declared once: name, type, help, group."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any

import typer

from voipbin_cli.codec.codecs import Codec
from voipbin_cli.codec.encapsulation import Encapsulation
from voipbin_cli.commands.values import choice, parse_duration, parse_payload_type
from voipbin_cli.transport.credentials import Auth

# Headings of the help, in which an option stands.
CONNECTION = "Connection"
CREDENTIALS = "Credentials"
LISTENING = "Listening"
LISTING = "Listing"
OUTPUT = "Output"
PLAYING = "Playing"
SENDING = "Sending"
SERVING = "Serving"

TargetArgument = Annotated[
    str,
    typer.Argument(
        metavar="TARGET",
        help="A call's id, conference/ID, a ws:// or wss:// address, or sim[:SCENARIO]. "
        "Left out, a terminal offers what is in progress.",
        show_default=False,
    ),
]
EncapsulationOption = Annotated[
    Encapsulation | None,
    choice(
        "--encapsulation",
        "-e",
        among=Encapsulation,
        help="How audio is framed.",
        rich_help_panel=LISTENING,
        show_default="rtp",
    ),
]
JsonOption = Annotated[
    bool, typer.Option("--json", help="JSON Lines on stdout.", rich_help_panel=OUTPUT)
]
GainOption = Annotated[
    float,
    typer.Option(
        help="Louder, or softer where it is negative.",
        metavar="DB",
        min=-100,
        max=100,
        rich_help_panel=PLAYING,
    ),
]
LoopOption = Annotated[
    int,
    typer.Option(
        help="Play the files so many times, then end the stream; 0 is until the call ends.",
        metavar="N",
        min=0,
        rich_help_panel=PLAYING,
    ),
]

LimitOption = Annotated[
    int,
    typer.Option(help="Show this many at most.", min=1, metavar="N", rich_help_panel=LISTING),
]
PortOption = Annotated[
    int,
    typer.Option(
        help="0 takes a free one.", min=0, max=65535, metavar="PORT", rich_help_panel=SERVING
    ),
]


def overwrite_option(group: str) -> Any:
    """Return the flag --overwrite, under the heading where the command's files are."""
    return typer.Option("--overwrite", help="Replace a file that exists.", rich_help_panel=group)


def both_option(group: str) -> Any:
    """Return the flag --both, under the heading where the command's files are."""
    return typer.Option(
        "--both",
        help="Record in stereo: left what is received, right what is sent.",
        rich_help_panel=group,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputOptions:
    """What is told, and how."""

    json: JsonOption = False
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Say errors only.", rich_help_panel=OUTPUT)
    ] = False
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Say more, on stderr.", rich_help_panel=OUTPUT)
    ] = False

    @property
    def is_chatty(self) -> bool:
        """Whether words are wanted: neither JSON Lines nor silence."""
        return not self.json and not self.quiet


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiOptions:
    """Which API, and how to prove who is asking."""

    api_url: Annotated[
        str | None,
        typer.Option(
            help="The API's address.",
            metavar="URL",
            envvar="VOIPBIN_API_URL",
            rich_help_panel=CREDENTIALS,
            show_default=False,
        ),
    ] = None
    profile: Annotated[
        str | None,
        typer.Option(
            help="A profile of `voipbin login`.",
            metavar="PROFILE",
            envvar="VOIPBIN_PROFILE",
            rich_help_panel=CREDENTIALS,
            show_default=False,
        ),
    ] = None
    auth: Annotated[
        Auth,
        choice(
            "--auth", among=Auth, help="How the credential travels.", rich_help_panel=CREDENTIALS
        ),
    ] = Auth.QUERY
    ca_file: Annotated[
        str | None,
        typer.Option(
            help="Trust these certificates, and not the system's (PEM).",
            metavar="FILE",
            rich_help_panel=CONNECTION,
            show_default=False,
        ),
    ] = None
    insecure: Annotated[
        bool,
        typer.Option(
            "--insecure", help="Do not check the certificate.", rich_help_panel=CONNECTION
        ),
    ] = False
    connect_timeout: Annotated[
        float,
        typer.Option(
            help="Give up an attempt to connect after this.",
            metavar="DURATION",
            parser=parse_duration,
            rich_help_panel=CONNECTION,
        ),
    ] = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveOptions:
    """What every command that opens a stream takes."""

    api: ApiOptions = field(default_factory=ApiOptions)
    encapsulation: EncapsulationOption = None
    duration: Annotated[
        float | None,
        typer.Option(
            "--duration",
            "-d",
            help="Stop after this: 10, 90s, 1m30s, 1:30, 500ms.",
            metavar="DURATION",
            parser=parse_duration,
            rich_help_panel=LISTENING,
            show_default=False,
        ),
    ] = None
    capture: Annotated[
        str | None,
        typer.Option(
            help="Write every message, both ways, with its time (pcapng).",
            metavar="FILE",
            rich_help_panel=LISTENING,
            show_default=False,
        ),
    ] = None
    reconnect: Annotated[
        bool,
        typer.Option(help="Connect again when the link breaks.", rich_help_panel=CONNECTION),
    ] = True
    give_up_after: Annotated[
        float,
        typer.Option(
            help="How long to try to win a lost link back, in all until it held a minute.",
            metavar="DURATION",
            parser=parse_duration,
            rich_help_panel=CONNECTION,
        ),
    ] = 60.0
    keepalive: Annotated[
        bool,
        typer.Option(
            help="Send silence so that the far end starts and stays.",
            rich_help_panel=CONNECTION,
        ),
    ] = True
    out: OutputOptions = field(default_factory=OutputOptions)


@dataclass(frozen=True, slots=True, kw_only=True)
class SendOptions:
    """How to send; None where the fingerprint of what the far end sends decides."""

    lead: Annotated[
        int,
        typer.Option(
            help="How much audio may wait at the far end, the frame just sent counted: a frame has "
            "20 ms, so less is 20; a conference throws away more than 80.",
            metavar="MS",
            min=0,
            max=80,
            rich_help_panel=SENDING,
        ),
    ] = 40
    payload: Annotated[
        Codec | None,
        choice(
            "--payload",
            among={"auto": None, "pcmu": Codec.MULAW, "l16": Codec.S16LE},
            help="What RTP carries towards the far end: auto (what it takes, by the fingerprint "
            "of what it sends), pcmu or l16.",
            rich_help_panel=SENDING,
            show_default="auto",
        ),
    ] = None
    payload_type: Annotated[
        int | None,
        typer.Option(
            help="The payload type it has there: auto, or a number.",
            metavar="auto|N",
            parser=parse_payload_type,
            rich_help_panel=SENDING,
            show_default="auto",
        ),
    ] = None
