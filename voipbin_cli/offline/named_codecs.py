"""Which codec is named for a stream, by whom, and what says that nobody can hear it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import numpy as np

from voipbin_cli.analysis.arrivals.arrival_log import ArrivalReader
from voipbin_cli.analysis.messages import Messages
from voipbin_cli.analysis.told import Told
from voipbin_cli.capture.packets import Flow
from voipbin_cli.codec.encapsulation import Encapsulation
from voipbin_cli.codec.payload_types import COMFORT_NOISE, PayloadType, lookup
from voipbin_cli.media.g722 import may_be_g722
from voipbin_cli.offline.neighbours import PacketKind, kinds
from voipbin_cli.offline.session_descriptions import DescribedMedia, SessionDescriptions
from voipbin_cli.offline.transcoding import transcoder
from voipbin_cli.text import printable

# RFC 4733 2.3: an event has four bytes behind RTP's header.
_EVENT_BYTES = 16
# Both agree on keys for SRTP in the flow of its media (RFC 5764, RFC 6189).
_KEYING = (PacketKind.DTLS, PacketKind.ZRTP)


def told_of(
    flow: Flow,
    first: Messages,
    beside: Mapping[PacketKind, int],
    descriptions: SessionDescriptions,
) -> Told:
    """What is known of a stream by its first packets, the descriptions, and what came beside it."""
    described = descriptions.of(flow, int(first.time_ns[0]))
    codec, by = _codec(first, described)
    return Told(
        codec=codec,
        by=by,
        encrypted_by=encrypted_by(beside) or _encrypted_by_profile(described),
        kept_bytes=first.kept_bytes,
        is_transcoded=transcoder(codec) is not None and _may_be(codec, first),
        call=next((printable(media.call.decode("ascii", "replace")) for media in described), ""),
    )


def encrypted_by(beside: Mapping[PacketKind, int]) -> str:
    """What in a flow says that its media are encrypted; empty where nothing does."""
    return next((f"{kind.words} in its flow" for kind in _KEYING if beside.get(kind)), "")


def _encrypted_by_profile(described: list[DescribedMedia]) -> str:
    profiles = (media.profile for media in described if media.is_encrypted)
    return next((f"{profile} in SDP" for profile in profiles), "")


def _codec(first: Messages, described: list[DescribedMedia]) -> tuple[PayloadType | None, str]:
    """The codec of what most of the bytes are labelled with, comfort noise and digits left out."""
    for payload_type in _payload_types(first):
        told = [media.types[payload_type] for media in described if payload_type in media.types]
        known = told[0] if told else lookup(payload_type)
        if known is not None and known.is_sound:
            return known, "SDP" if told else f"payload type {payload_type} (RFC 3551)"
        if known is None:
            return None, ""
    return None, ""


def _may_be(codec: PayloadType | None, first: Messages) -> bool:
    """Whether the first packets hold nothing that their codec never sends, as encrypted ones do."""
    if codec is None or codec.name.upper() != "G722":
        return True
    rows = ArrivalReader(Encapsulation.RTP, is_cut=first.kept_bytes is not None).read(first)
    mine = np.flatnonzero(rows.is_audio & (rows.label == codec.number))
    return may_be_g722(b"".join(map(rows.payload, mine.tolist())))


def _payload_types(first: Messages) -> list[int]:
    """Those in use, of most bytes first."""
    kind, _ = kinds(first)
    packets = first.chosen(np.flatnonzero(kind == PacketKind.RTP))
    # RFC 3550 5.1: the payload type is the lower seven bits of the second octet.
    types = packets.octet(1) & 0x7F
    sizes: Counter[int] = Counter()
    for payload_type, size in zip(types.tolist(), packets.size.tolist(), strict=True):
        if size > _EVENT_BYTES and payload_type != COMFORT_NOISE:
            sizes[payload_type] += size
    return [payload_type for payload_type, _ in sizes.most_common()]
