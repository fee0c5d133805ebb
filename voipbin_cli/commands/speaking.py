"""Options of the commands that speak into a call, and what they ask of the session."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from voipbin_cli.commands.choices import one_of
from voipbin_cli.errors import UsageError
from voipbin_cli.text import printable

if TYPE_CHECKING:
    from voipbin_cli.session.speaking import SpeakRequest

SENDING = "Sending"
PAYLOADS = ("auto", "pcmu", "l16")


def _parse_payload_type(text: str) -> str:
    if text.lower() == "auto" or (text.isascii() and text.isdecimal() and int(text) < 128):
        return text.lower()
    raise UsageError(f"{printable(text, 40)!r} is no payload type", hint="use auto, or 0 to 127")


LeadOption = Annotated[
    int,
    typer.Option(
        help="How far ahead of real time to send; a conference throws away more than 80 ms.",
        metavar="MS",
        min=0,
        max=80,
        rich_help_panel=SENDING,
    ),
]
PayloadOption = Annotated[
    str,
    typer.Option(
        help="What RTP carries towards the far end: auto (what it takes, by the fingerprint of "
        "what it sends), pcmu or l16.",
        metavar="|".join(PAYLOADS),
        parser=one_of("payload", PAYLOADS),
        rich_help_panel=SENDING,
    ),
]
PayloadTypeOption = Annotated[
    str,
    typer.Option(
        help="The payload type it has there: auto, or a number.",
        metavar="auto|N",
        parser=_parse_payload_type,
        rich_help_panel=SENDING,
    ),
]


def speak_request(lead: int, payload: str, payload_type: str) -> SpeakRequest:
    """Return the request that the three options make."""
    from voipbin_cli.codec.pcm import Codec
    from voipbin_cli.session.speaking import SpeakRequest

    codecs = {"pcmu": Codec.MULAW, "l16": Codec.S16LE}
    number = None if payload_type == "auto" else int(payload_type)
    return SpeakRequest(lead, codecs.get(payload), number)
