"""What kind of file this is, by its first bytes.

A kind that begins with a magic is a row of `MAGICS`; dumps have none, and are told by what their
bytes would mean. Bare samples and hex text mean nothing by themselves: they are read where the user
says what they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from pathlib import PurePath

from voipbin_cli.capture import rtpdump_reader
from voipbin_cli.capture.formats import FORMATS
from voipbin_cli.codec.known_files import foreign
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
    RECORDING = "recording"
    """A sound file: `RECORDINGS` has its name."""
    FOREIGN = "foreign"
    """Something that is known and holds no stream that is read: a row of `codec.known_files`."""
    UNKNOWN = "unknown"
    """Nothing that bytes can tell: bare samples have no mark."""


MAGICS: tuple[tuple[bytes, FileKind], ...] = (
    *((magic, FileKind.CAPTURE) for magic in FORMATS),
    (rtpdump_reader.MAGIC, FileKind.RTPDUMP),
)

RECORDINGS: tuple[tuple[bytes, str], ...] = (
    (b"RIFF", "a WAV recording"),
    (b"RF64", "a WAV recording"),
    (b"fLaC", "a FLAC recording"),
    (b"OggS", "an Ogg recording"),
    (b"ID3", "an MP3 recording"),
    # MPEG-1 and MPEG-2 layer III, with a checksum behind the header or without.
    *((mark, "an MP3 recording") for mark in (b"\xff\xfb", b"\xff\xfa", b"\xff\xf3", b"\xff\xf2")),
    (b".snd", "an AU recording"),
    (b"FORM", "an AIFF recording"),
)
"""Sound files by their first bytes, and what they are called."""


_NAMED: Mapping[str, str] = {
    **dict.fromkeys((".pcap", ".pcapng", ".cap", ".dmp"), "a capture"),
    ".wav": "a WAV recording",
    ".flac": "a FLAC recording",
    **dict.fromkeys((".ogg", ".opus", ".oga"), "an Ogg recording"),
    ".mp3": "an MP3 recording",
}


def named_as(path: str) -> str | None:
    """What the name of a file promises, None where it promises nothing that has a mark."""
    return _NAMED.get(PurePath(path).suffix.lower())


def recording_name(head: bytes) -> str:
    """What a file of `FileKind.RECORDING` is called."""
    return next(name for magic, name in RECORDINGS if head.startswith(magic))


def sniff(head: bytes) -> FileKind:
    """Return the kind of the file that begins with `head`, its first `HEAD_BYTES` or all of it."""
    for magic, kind in MAGICS:
        if head.startswith(magic):
            return kind
    if begins_with_frames(head):
        return FileKind.AUDIOSOCKET
    if len(head) in _PACKET_BYTES and head[0] >> 6 == _RTP_VERSION:
        return FileKind.RTP_PACKET
    if any(head.startswith(magic) for magic, _ in RECORDINGS):
        return FileKind.RECORDING
    return FileKind.FOREIGN if foreign(head) else FileKind.UNKNOWN
