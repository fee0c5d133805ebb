from __future__ import annotations

import io
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.capture.support import rtp_message
from voipbin_cli.capture.rtpdump_reader import DumpedPacket, RtpDumpReader
from voipbin_cli.capture.window import Window
from voipbin_cli.errors import DecodeError

LINE = b"#!rtpplay1.0 192.0.2.1/5004\n"
HEADER = struct.pack(">IIIHH", 1_795_000_000, 250_000, 0xC0000201, 5004, 0)
START_NS = 1_795_000_000_250_000_000


def record(data, offset_ms, wire_bytes=None):
    wire = len(data) if wire_bytes is None else wire_bytes
    return struct.pack(">HHI", 8 + len(data), wire, offset_ms) + data


def sample(count=5):
    return LINE + HEADER + b"".join(record(rtp_message(n), 20 * n) for n in range(count))


def read(data):
    reader = RtpDumpReader(Window(io.BytesIO(data)))
    return list(reader.packets()), reader.truncated


def test_packets_and_their_times():
    reader = RtpDumpReader(Window(io.BytesIO(sample())))
    assert reader.source == "192.0.2.1/5004"
    assert reader.start_ns == START_NS
    assert list(reader.packets()) == [
        DumpedPacket(START_NS + 20_000_000 * n, rtp_message(n), 172) for n in range(5)
    ]
    assert not reader.truncated


def test_rtcp_and_cut_payloads_are_told_apart():
    packets, _ = read(LINE + HEADER + record(b"\x80\xc8", 0, 0) + record(bytes(12), 20, 172))
    assert [packet.is_rtcp for packet in packets] == [True, False]
    assert (len(packets[1].data), packets[1].wire_bytes) == (12, 172)


@given(st.integers(len(LINE) + len(HEADER), len(sample())))
def test_a_file_that_ends_early_gives_what_it_holds(cut):
    packets, truncated = read(sample()[:cut])
    # Each record: 8 bytes of header, 172 of packet.
    whole, rest = divmod(cut - len(LINE) - len(HEADER), 180)
    assert len(packets) == whole
    assert truncated == (rest > 0)


@pytest.mark.parametrize(
    ("data", "slug"),
    [
        (b"", "not-a-capture"),
        (b"#!rtpplay2.0 x\n" + HEADER, "not-a-capture"),
        (LINE[:-1], "not-a-capture"),
        (b"#!rtpplay1.0 " + b"x" * 10_000 + b"\n" + HEADER, "not-a-capture"),
        (LINE + HEADER[:-1], "truncated"),
    ],
)
def test_what_is_no_dump_is_said(data, slug):
    with pytest.raises(DecodeError) as caught:
        read(data)
    assert caught.value.slug == slug


def test_a_record_shorter_than_its_header_ends_the_file():
    packets, truncated = read(sample(1) + struct.pack(">HHI", 7, 0, 0) + sample()[44:])
    assert (len(packets), truncated) == (1, True)


@given(st.binary(max_size=200))
def test_any_bytes_behind_the_header_raise_nothing(data):
    read(LINE + HEADER + data)
