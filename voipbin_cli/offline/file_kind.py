"""What kind of file this is, by its first bytes.

A kind that begins with a magic is a row of `MAGICS`; dumps have none, and are told by what their
bytes would mean. Hex text is not among them: it is read where the user says that it is hex text.
"""

from __future__ import annotations

from enum import StrEnum

from voipbin_cli.capture import rtpdump_reader
from voipbin_cli.capture.formats import FORMATS
from voipbin_cli.offline.audiosocket_stream import begins_with_frames

HEAD_BYTES = 1 << 16
"""How many first bytes the kind is told by."""

# A packet alone: 12 bytes of header (RFC 3550 5.1) and 20 ms of G.711 or of linear audio.
_PACKET_BYTES = (12 + 160, 12 + 320)
_RTP_VERSION = 2


class FileKind(StrEnum):
    """What the bytes of a file are."""

    CAPTURE = "capture"
    """Packets with their link layers: any of `capture.formats`, our own captures among them."""
    RTPDUMP = "rtpdump"
    AUDIOSOCKET = "audiosocket"
    """AudioSocket frames one after the other, as they travel on TCP."""
    RTP_PACKET = "rtp-packet"
    """One RTP packet and nothing else."""
    SAMPLES = "samples"
    """Bare samples; anything that is nothing else."""


MAGICS: tuple[tuple[bytes, FileKind], ...] = (
    *((magic, FileKind.CAPTURE) for magic in FORMATS),
    (rtpdump_reader.MAGIC, FileKind.RTPDUMP),
)


def sniff(head: bytes) -> FileKind:
    """Return the kind of the file that begins with `head`, its first `HEAD_BYTES` or all of it."""
    for magic, kind in MAGICS:
        if head.startswith(magic):
            return kind
    if begins_with_frames(head):
        return FileKind.AUDIOSOCKET
    if len(head) in _PACKET_BYTES and head[0] >> 6 == _RTP_VERSION:
        return FileKind.RTP_PACKET
    return FileKind.SAMPLES
