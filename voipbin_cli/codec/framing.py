"""Which encapsulation messages are in, by their own bytes: it may be another than was asked for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from voipbin_cli.codec import audiosocket, rtp
from voipbin_cli.codec.encapsulation import Encapsulation, unpack
from voipbin_cli.codec.examination import is_audio
from voipbin_cli.codec.lookalikes import is_text
from voipbin_cli.codec.rtp import RtpPacket
from voipbin_cli.codec.text_look import text_look
from voipbin_cli.errors import DecodeError

LEAST_MESSAGES = 5
# Of messages in a row so many have to be what they are taken for: some may be of another kind.
_SHARE = 0.9
# Interleaved in one RTP stream, at most.
_SOURCES = 4


class OtherFraming(NamedTuple):
    """What messages are in place of the encapsulation that was asked for: `found`, or `text`.

    `is_inside`: each is a frame as it was asked for, whose payload is a frame of `found`.
    """

    found: Encapsulation | None = None
    is_inside: bool = False
    text: str | None = None


def find_framing(asked: Encapsulation, messages: Sequence[bytes]) -> OtherFraming | None:
    """Say what binary messages in a row are in place of `asked`; None where they may be that."""
    if len(messages) < LEAST_MESSAGES:
        return None
    texts = [message for message in messages if is_text(message)]
    if asked is not Encapsulation.SLN and len(texts) > _SHARE * len(messages):
        return OtherFraming(text=text_look(texts[0].decode("utf-8", "replace")))
    framed = _framed(messages)
    if framed is None and _may_be(asked, messages):
        framed = asked
    if framed is asked:
        inside = _framed(_payloads(asked, messages))
        return OtherFraming(inside, is_inside=True) if inside else None
    if framed is None:
        return OtherFraming(Encapsulation.SLN) if is_audio(messages) else None
    return OtherFraming(framed)


def _framed(messages: Sequence[bytes]) -> Encapsulation | None:
    """Return the encapsulation whose header messages begin with, None where they have none."""
    if _are_rtp(messages):
        return Encapsulation.RTP
    return Encapsulation.AUDIOSOCKET if _are_audiosocket(messages) else None


def _are_rtp(messages: Sequence[bytes]) -> bool:
    """Whether they are packets of one source, one sequence number behind another (RFC 3550 5.1)."""
    packets = [_packet(message) for message in messages]
    steps = sum(
        before is not None
        and after is not None
        and before.ssrc == after.ssrc
        and 0 < (after.sequence_number - before.sequence_number) % 0x10000 < 10
        for before, after in pairwise(packets)
    )
    return len(packets) >= LEAST_MESSAGES and steps >= _SHARE * (len(packets) - 1)


def _may_be(asked: Encapsulation, messages: Sequence[bytes]) -> bool:
    """Whether half of them are frames as asked for: out of order, say, or of several sources."""
    if asked is Encapsulation.SLN:
        return True
    if asked is Encapsulation.AUDIOSOCKET:
        return 2 * sum(map(_is_audiosocket, messages)) > len(messages)
    sources = Counter(packet.ssrc for packet in map(_packet, messages) if packet is not None)
    often = sum(count for _, count in sources.most_common(_SOURCES))
    return 2 * often > len(messages)


def _packet(message: bytes) -> RtpPacket | None:
    try:
        return rtp.parse(message)
    except DecodeError:
        return None


def _are_audiosocket(messages: Sequence[bytes]) -> bool:
    """Whether kind and length of each fit, and most are of a kind of audio."""
    audio = sum(map(_is_audiosocket, messages))
    return len(messages) >= LEAST_MESSAGES and audio >= _SHARE * len(messages)


def _is_audiosocket(message: bytes) -> bool:
    try:
        frames = audiosocket.parse_message(message)
    except DecodeError:
        return False
    return any(kind in audiosocket.RATE_HZ and payload for kind, payload in frames)


def _payloads(encapsulation: Encapsulation, messages: Sequence[bytes]) -> list[bytes]:
    if encapsulation is Encapsulation.SLN:
        return []
    units = (_units(encapsulation, message) for message in messages)
    return [payload for payloads in units for payload in payloads]


def _units(encapsulation: Encapsulation, message: bytes) -> list[bytes]:
    try:
        return [unit.payload for unit in unpack(encapsulation, message)]
    except DecodeError:
        return []
