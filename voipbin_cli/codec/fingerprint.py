"""Whose stream it is, and which audio its far end takes, decided from the first RTP packet.

On the platform's bridge what is received and what must be sent differ, and no label says so: it
sends mu-law that it calls linear, and takes linear. It can be told by the numbers of its RTP that
RFC 3550 wants random: SSRC 0, sequence numbers from 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from voipbin_cli.codec.codecs import FRAME_SAMPLES, Codec
from voipbin_cli.codec.encapsulation import Encapsulation
from voipbin_cli.codec.payload_types import DYNAMIC, PCMA, PCMU

BRIDGE_PAYLOAD_TYPE = 96


class Dialect(StrEnum):
    """The forms in which the platform's streams are known to come."""

    DOCUMENTED = "documented"
    DEPLOYED = "deployed"
    LINEAR = "linear"
    LEGACY = "legacy"
    UNKNOWN = "unknown"


class Fingerprint(NamedTuple):
    """The first RTP packet's fields that no audio can change."""

    payload_type: int
    ssrc: int
    sequence_number: int

    @property
    def is_bridge(self) -> bool:
        """Whether the platform's bridge made it: payload type 96, or SSRC 0."""
        return self.payload_type == BRIDGE_PAYLOAD_TYPE or self.ssrc == 0


@dataclass(frozen=True, slots=True)
class SendForm:
    """What to send: `frame_bytes` of `codec` every 20 ms, in RTP as `payload_type`.

    `confidence` is 0 to 1; `reason` says in words what it rests on.
    """

    codec: Codec
    payload_type: int | None
    frame_bytes: int
    confidence: float
    reason: str


def _form(codec: Codec, payload_type: int | None, confidence: float, reason: str) -> SendForm:
    return SendForm(codec, payload_type, FRAME_SAMPLES * codec.sample_bytes, confidence, reason)


def send_form(
    encapsulation: Encapsulation,
    fingerprint: Fingerprint | None = None,
    codec: Codec | None = None,
) -> SendForm:
    """Return what the far end takes.

    `fingerprint` is that of the stream's first RTP packet, None while nothing has arrived;
    `codec` is what is received, and counts only for payload types that are not the platform's.
    """
    if encapsulation is not Encapsulation.RTP:
        return _form(Codec.S16LE, None, 0.99, f"{encapsulation} takes linear in every dialect")
    if fingerprint is None:
        return _form(
            Codec.S16LE, BRIDGE_PAYLOAD_TYPE, 0.5, "nothing received yet: the deployed form"
        )
    number = fingerprint.payload_type
    if fingerprint.is_bridge:
        sure = number == BRIDGE_PAYLOAD_TYPE or fingerprint.sequence_number == 1
        return _form(
            Codec.S16LE,
            number,
            0.98 if sure else 0.9,
            f"payload type {number}, SSRC {fingerprint.ssrc:#x}: the platform's bridge",
        )
    if number == PCMU:
        return _form(Codec.MULAW, number, 0.95, "payload type 0, random SSRC: as documented")
    if number == PCMA:
        return _form(Codec.ALAW, number, 0.8, "payload type 8: what it says is what it takes")
    return _form(
        codec or Codec.S16LE,
        number,
        0.5,
        f"payload type {number} is none of the platform's: what it sends, sent back",
    )


def name_dialect(
    encapsulation: Encapsulation, codec: Codec, fingerprint: Fingerprint | None
) -> Dialect:
    """Return the dialect of a stream that is received in `codec`.

    SLN and AudioSocket carry nothing that tells deployed from legacy or linear from documented;
    the one that was observed is named, and what to send is the same.
    """
    if codec is Codec.S16BE or codec is Codec.ALAW:
        return Dialect.UNKNOWN
    if encapsulation is not Encapsulation.RTP or fingerprint is None:
        return Dialect.DEPLOYED if codec is Codec.MULAW else Dialect.LINEAR
    if fingerprint.payload_type in DYNAMIC:
        return Dialect.DEPLOYED if codec is Codec.MULAW else Dialect.LINEAR
    if fingerprint.payload_type == PCMU and codec is Codec.MULAW:
        return Dialect.LEGACY if fingerprint.is_bridge else Dialect.DOCUMENTED
    return Dialect.UNKNOWN
