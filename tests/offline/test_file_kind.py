"""What a file is follows from its first bytes."""

from __future__ import annotations

import struct

import pytest

from tests.capture.frames import pcap
from tests.capture.support import new_writer
from tests.support.hextext import vector
from voipbin_cli.offline.file_kind import HEAD_BYTES, FileKind, sniff

RTP = vector("rtp-deployed")[3]


def own_capture() -> bytes:
    _, sink = new_writer("sln")
    return sink.data


KINDS = {
    "pcap, little-endian": (pcap([], order="<"), FileKind.CAPTURE),
    "pcap, big-endian, nanoseconds": (pcap([], order=">", nano=True), FileKind.CAPTURE),
    "pcapng of our own": (own_capture(), FileKind.CAPTURE),
    "rtpdump": (b"#!rtpplay1.0 127.0.0.1/5004\n", FileKind.RTPDUMP),
    "rtpdump of another version": (b"#!rtpplay2.0 127.0.0.1/5004\n", FileKind.UNKNOWN),
    "AudioSocket, linear": (b"".join(vector("audiosocket-linear")), FileKind.AUDIOSOCKET),
    "AudioSocket, mu-law": (b"".join(vector("audiosocket-deployed")), FileKind.AUDIOSOCKET),
    "one packet": (RTP, FileKind.RTP_PACKET),
    "one packet and a byte": (RTP + b"\0", FileKind.UNKNOWN),
    "as long as a packet, of version 1": (b"\x40" + RTP[1:], FileKind.UNKNOWN),
    "samples, linear": (b"".join(vector("sln-linear")), FileKind.UNKNOWN),
    "samples, mu-law": (b"".join(vector("sln-deployed")), FileKind.UNKNOWN),
    "silence, which is no row of hangups": (bytes(3200), FileKind.UNKNOWN),
    "hex text": (RTP.hex().encode(), FileKind.UNKNOWN),
    "snoop": (b"snoop\0\0\0\0\0\0\2\0\0\0\4", FileKind.CAPTURE),
    "a recording": (b"RIFF\x24\0\0\0WAVEfmt ", FileKind.RECORDING),
    "a picture": (b"\x89PNG\r\n\x1a\n", FileKind.FOREIGN),
    "nothing": (b"", FileKind.UNKNOWN),
}


@pytest.mark.parametrize(("data", "kind"), KINDS.values(), ids=KINDS)
def test_each_kind_is_known_by_its_first_bytes(data: bytes, kind: FileKind) -> None:
    assert sniff(data[:HEAD_BYTES]) is kind


def test_a_magic_that_is_cut_short_is_none() -> None:
    whole = struct.pack("<I", 0xA1B2C3D4)
    assert sniff(whole) is FileKind.CAPTURE
    assert sniff(whole[:3]) is FileKind.UNKNOWN
