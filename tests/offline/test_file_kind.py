"""What a file is follows from its first bytes."""

from __future__ import annotations

import random
import struct
from pathlib import Path

import pytest

from tests.capture.frames import pcap
from tests.capture.support import new_writer
from tests.support.hextext import vector
from voipbin_cli.errors import UsageError
from voipbin_cli.offline.diagnose import diagnose_file
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


@pytest.mark.parametrize(
    ("head", "name", "hint"),
    [
        (b"BZh91AY", "compressed by bzip2", "bzip2 -dk 'a b'"),
        (b"\xfd7zXZ\0\0", "compressed by xz", "xz -dk 'a b'"),
        (b"Rar!\x1a\x07\x01\0", "a RAR archive", "unrar x 'a b'"),
        (b"PK\x03\x04" + bytes(26) + b"[Content_Types].xml", "an Office document", "pcap"),
        (b"PK\x03\x04" + bytes(26) + b"call.pcap", "a ZIP archive", "unzip 'a b'"),
        (bytes(257) + b"ustar\x0000", "a tar archive", "tar -xf 'a b'"),
        (b"\0\0\0\x20ftypM4A ", "an MP4 file", "ffmpeg -i 'a b'"),
        (b"GMBU\0\0\1\2", "a capture by Network Monitor", "editcap 'a b'"),
    ],
)
def test_what_is_known_and_not_read_is_told_with_what_opens_it(
    head: bytes, name: str, hint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a b").write_bytes(head + bytes(600))
    with pytest.raises(UsageError, match=name) as caught:
        diagnose_file("a b")
    assert hint in caught.value.hint


@pytest.mark.parametrize("name", ["call.wav", "call.PCAP"])
def test_a_name_that_promises_what_is_not_there(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(random.Random(1).randbytes(4000))
    with pytest.raises(UsageError, match=r"is named as a (WAV recording|capture), and holds none"):
        diagnose_file(str(path))


def test_a_magic_that_is_cut_short_is_none() -> None:
    whole = struct.pack("<I", 0xA1B2C3D4)
    assert sniff(whole) is FileKind.CAPTURE
    assert sniff(whole[:3]) is FileKind.UNKNOWN
