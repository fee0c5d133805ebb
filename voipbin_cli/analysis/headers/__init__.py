"""What the headers of messages say, as columns: where each payload lies, whether it is audio."""

from __future__ import annotations

from typing import Protocol

from voipbin_cli.analysis.columns import Ints, Mask
from voipbin_cli.analysis.headers.audiosocket_headers import AudioSocketHeaders
from voipbin_cli.analysis.headers.no_headers import NoHeaders
from voipbin_cli.analysis.headers.rtp_headers import RtpHeaders
from voipbin_cli.analysis.messages import Messages
from voipbin_cli.codec.encapsulation import Encapsulation

__all__ = ["AudioSocketHeaders", "Headers", "NoHeaders", "RtpHeaders", "read_headers"]


class Headers(Protocol):
    """What is asked of every encapsulation. Columns have one element a message."""

    @property
    def messages(self) -> Messages:
        """Whose headers they are."""

    @property
    def is_frame(self) -> Mask:
        """The message is what the encapsulation says a message is."""

    @property
    def label(self) -> Ints:
        """How the payload is labelled: RTP's payload type, AudioSocket's kind, else NO_LABEL."""

    @property
    def payload_at(self) -> Ints:
        """Where in the message the payload begins."""

    @property
    def payload_bytes(self) -> Ints:
        """Bytes of payload, 0 where there is none to be found."""

    @property
    def audio_bytes(self) -> Ints:
        """The same of all frames in the message."""

    @property
    def is_audio(self) -> Mask:
        """A payload is there, and it is meant to be heard."""

    @property
    def rate_hz(self) -> Ints:
        """Samples a second."""


def read_headers(encapsulation: Encapsulation, messages: Messages) -> Headers:
    """The headers of messages of which nothing before them is known."""
    if encapsulation is Encapsulation.RTP:
        return RtpHeaders(messages)
    if encapsulation is Encapsulation.AUDIOSOCKET:
        return AudioSocketHeaders(messages)
    return NoHeaders(messages)
