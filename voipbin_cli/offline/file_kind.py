"""What kind of file this is, by its first bytes.

A kind that begins with a magic is a row of `MAGICS`; dumps have none, and are told by what their
bytes would mean. Bare samples and hex text mean nothing by themselves: they are read where the user
says what they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from pathlib import PurePath
from typing import NamedTuple

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
    """Something that is known and holds no stream that is read: a row of `FOREIGN`."""
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


class Foreign(NamedTuple):
    """What holds no stream that is read: its mark and where it stands, its name, what to do.

    `remedy` is a command, with the file's name in place of FILE; empty where none helps.
    """

    mark: bytes
    name: str
    remedy: str = ""
    at: int = 0

    def begins(self, head: bytes) -> bool:
        """Whether a file that begins with `head` is one."""
        return head.startswith(self.mark, self.at)


_CONVERT = "ffmpeg -i FILE -ar 8000 -ac 1 converted.wav"
_AS_PCAPNG = "editcap FILE converted.pcapng"

FOREIGN: tuple[Foreign, ...] = (
    Foreign(b"\x1aE\xdf\xa3", "a Matroska file", _CONVERT),
    Foreign(b"ftyp", "an MP4 file", _CONVERT, at=4),
    Foreign(b"BZh", "compressed by bzip2", "bzip2 -dk FILE"),
    Foreign(b"\xfd7zXZ\0", "compressed by xz", "xz -dk FILE"),
    Foreign(b"\x1f\x9d", "compressed by compress", "gzip -dk FILE"),
    Foreign(b"7z\xbc\xaf\x27\x1c", "a 7z archive", "7z x FILE"),
    Foreign(b"Rar!\x1a\x07", "a RAR archive", "unrar x FILE"),
    Foreign(b"ustar", "a tar archive", "tar -xf FILE", at=257),
    # ISO/IEC 29500-2: an office document is a ZIP archive that begins with the list of its types.
    Foreign(b"[Content_Types].xml", "an Office document", at=30),
    Foreign(b"PK\x03\x04", "a ZIP archive", "unzip FILE"),
    Foreign(bytes.fromhex("d0cf11e0a1b11ae1"), "an Office document"),
    # libpcap's patches of the nineties, whose records have more fields.
    Foreign(bytes.fromhex("34cdb2a1"), "a capture in an old form of pcap", _AS_PCAPNG),
    Foreign(bytes.fromhex("a1b2cd34"), "a capture in an old form of pcap", _AS_PCAPNG),
    Foreign(b"GMBU", "a capture by Network Monitor", _AS_PCAPNG),
    Foreign(b"RTSS", "a capture by Network Monitor", _AS_PCAPNG),
    Foreign(b"TRSNIFF data    \x1a", "a capture by Sniffer", _AS_PCAPNG),
    Foreign(b"XCP\0", "a capture by NetXRay", _AS_PCAPNG),
    Foreign(b"\x89PNG", "a PNG picture"),
    Foreign(b"\xff\xd8\xff", "a JPEG picture"),
    Foreign(b"GIF8", "a GIF picture"),
    Foreign(b"%PDF", "a PDF document"),
    Foreign(b"\x7fELF", "a program"),
    Foreign(b"SQLite format 3\0", "an SQLite database"),
    Foreign(b'{"', "JSON"),
    Foreign(b"<!", "HTML or XML"),
    Foreign(b"<html", "HTML or XML"),
    Foreign(b"<?xml", "HTML or XML"),
)
"""What else is known by its first bytes."""

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


def foreign(head: bytes) -> Foreign | None:
    """What a file of `FileKind.FOREIGN` is, None for any other."""
    return next((row for row in FOREIGN if row.begins(head)), None)


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
