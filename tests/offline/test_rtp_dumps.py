"""RTP packets from rtpdump files, and one packet that is a whole file."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import pytest

from tests.support.hextext import message_bytes, vector
from voipbin_cli.capture.window import Window
from voipbin_cli.errors import DecodeError, UsageError
from voipbin_cli.offline.diagnose import diagnose_file
from voipbin_cli.offline.rtp_dumps import rtpdump_packets, single_packet

HEADER = b"#!rtpplay1.0 127.0.0.1/5004\n" + bytes(16)


def window(data: bytes) -> Window:
    return Window(io.BytesIO(data))


def record(data: bytes, wire: int, at_ms: int = 0) -> bytes:
    return struct.pack(">HHI", 8 + len(data), wire, at_ms) + data


def rtp_packet(number: int) -> bytes:
    return struct.pack(">BBHII", 0x80, 0, number, number * 160, 7) + b"\xff" * 160


def test_rtcp_in_an_rtpdump_is_left_out() -> None:
    packet = message_bytes("8060 0001 000000a0 00000000 ff*160")
    data = HEADER + record(packet, 172) + record(bytes(28), 0) + record(packet[:40], 172, 20)
    (frames,) = rtpdump_packets(window(data))
    assert [frames.message(n) for n in range(len(frames))] == [packet, packet[:40]]
    assert frames.size.tolist() == [172, 172]
    assert frames.time_ns.tolist() == [0, 20_000_000]
    with pytest.raises(DecodeError):
        list(rtpdump_packets(window(b"nothing of the kind")))


def test_a_long_rtpdump_comes_in_pieces() -> None:
    packet = vector("rtp-deployed")[0]
    pieces = list(rtpdump_packets(window(HEADER + record(packet, 172) * 2500)))
    assert [len(piece) for piece in pieces] == [1000, 1000, 500]


def test_a_file_may_be_one_packet_but_no_longer_than_one() -> None:
    # Header 12, 15 CSRCs of 4, extension 4 + 65,535 words, payload 65,535, padding 255 bytes.
    most = 12 + 60 + 4 + 262_140 + 65_535 + 255
    (frames,) = single_packet(window(bytes(most)))
    assert frames.length.tolist() == [most]
    with pytest.raises(UsageError, match="no boundaries"):
        list(single_packet(window(bytes(most + 1))))


def test_an_rtpdump_is_diagnosed_as_a_capture_of_the_same_packets(tmp_path: Path) -> None:
    packets = [rtp_packet(n) for n in range(200) if n not in (90, 91)]
    times = [n * 20 for n in range(200) if n not in (90, 91)]
    data = HEADER + b"".join(
        record(packet, len(packet), at) for packet, at in zip(packets, times, strict=True)
    )
    path = tmp_path / "call.rtpdump"
    path.write_bytes(data + record(b"\x80\xc8" + bytes(26), 0))
    found = diagnose_file(str(path))
    sequence = found.summary["metrics"]["sequence"]
    # RFC 3550 A.1: the first packet of a source is on probation.
    assert (sequence["expected"], sequence["missing"]) == (199, 2)
    assert found.summary["metrics"]["frame_interval_ms"]["p50"] == 20.0
    assert found.summary["passed_over"] == {"RTCP": 1}
    assert found.streams[0].name.startswith("0.0.0.0:0 > 127.0.0.1:5004 ")


def test_an_rtpdump_that_is_cut_says_so(tmp_path: Path) -> None:
    data = HEADER + b"".join(record(rtp_packet(n), 172, n * 20) for n in range(100))
    path = tmp_path / "call.rtpdump"
    path.write_bytes(data[:-10])
    found = diagnose_file(str(path))
    assert (found.truncated, found.summary["metrics"]["frames"]) == (True, 99)
