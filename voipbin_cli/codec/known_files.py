"""Files that are known by their first bytes and hold no stream and no sound that is read."""

from __future__ import annotations

from typing import NamedTuple


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
    Foreign(bytes.fromhex("3026b2758e66cf11"), "a Windows Media file", _CONVERT),
    Foreign(b"#!AMR", "an AMR recording", _CONVERT),
    Foreign(b"FLV\x01", "a Flash video", _CONVERT),
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


def foreign(head: bytes) -> Foreign | None:
    """What a file is that begins with `head`, its first 64 KiB or all of it; None: not known."""
    return next((row for row in FOREIGN if row.begins(head)), None)
