"""What kind of file this is, by its first bytes.

A kind that begins with a magic is a row of `MAGICS`; dumps have none, and are told by what their
bytes would mean. Bare samples and hex text mean nothing by themselves: they are read where the user
says what they are.
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
    RECORDING = "recording"
    """A sound file: `RECORDINGS` has its name."""
    FOREIGN = "foreign"
    """Something that is known and holds no stream: `FOREIGN` has its name."""
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

FOREIGN: tuple[tuple[bytes, str], ...] = (
    (b"\x1aE\xdf\xa3", "a Matroska file"),
    (b"BZh", "compressed by bzip2"),
    (b"\xfd7zXZ\0", "compressed by xz"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"\x89PNG", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"GIF8", "a GIF picture"),
    (b"%PDF", "a PDF document"),
    (b"\x7fELF", "a program"),
    (b"SQLite format 3\0", "an SQLite database"),
    (b'{"', "JSON"),
    (b"<!", "HTML or XML"),
    (b"<html", "HTML or XML"),
    (b"<?xml", "HTML or XML"),
)
"""What else is known by its first bytes, and what it is called."""


def foreign_name(head: bytes) -> str:
    """What a file of `FileKind.FOREIGN` or `RECORDING` is called."""
    return next(name for magic, name in (*RECORDINGS, *FOREIGN) if head.startswith(magic))


def sniff(head: bytes) -> FileKind:
    """Return the kind of the file that begins with `head`, its first `HEAD_BYTES` or all of it."""
    for magic, kind in MAGICS:
        if head.startswith(magic):
            return kind
    if begins_with_frames(head):
        return FileKind.AUDIOSOCKET
    if len(head) in _PACKET_BYTES and head[0] >> 6 == _RTP_VERSION:
        return FileKind.RTP_PACKET
    for known, kind in ((RECORDINGS, FileKind.RECORDING), (FOREIGN, FileKind.FOREIGN)):
        if any(head.startswith(magic) for magic, _ in known):
            return kind
    return FileKind.UNKNOWN
