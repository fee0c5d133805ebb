from __future__ import annotations

import io
import struct
import subprocess

import pytest

from tests.capture import frames as f
from tests.capture.support import opened, packets_of, read_in_pieces
from tests.support.needs import need, needs
from voipbin_cli.capture.snoop_reader import SnoopReader
from voipbin_cli.capture.window import Window
from voipbin_cli.errors import DecodeError

FRAMES = [(n * 20_000_000, f.ethernet(f.ipv4(f.udp(bytes([n]) * (100 + n))))) for n in range(40)]


def snoop(frames=FRAMES, link=4):
    """RFC 1761, records filled up to four bytes."""
    data = b"snoop\0\0\0" + struct.pack(">II", 2, link)
    for time_ns, frame in frames:
        padding = -len(frame) % 4
        seconds, rest = divmod(time_ns, 1_000_000_000)
        data += struct.pack(
            ">IIIIII", len(frame), len(frame), 24 + len(frame) + padding, 0, seconds, rest // 1000
        )
        data += frame + bytes(padding)
    return data


def read(data):
    capture = opened(data)
    return [(packet.time_ns, packet.data) for packet in packets_of(capture)], capture.truncated


EXPECTED = [(n * 20_000_000, bytes([n]) * (100 + n)) for n in range(40)]


@pytest.mark.parametrize("piece", [16, 50, 1000, 1 << 20])
def test_records_are_read_however_the_file_is_cut_into_pieces(monkeypatch, piece):
    read_in_pieces(monkeypatch, piece)
    assert read(snoop()) == (EXPECTED, False)


@needs("editcap")
def test_what_wireshark_writes_is_read(tmp_path):
    source, made = tmp_path / "a.pcap", tmp_path / "a.snoop"
    source.write_bytes(f.pcap(FRAMES))
    subprocess.run([need("editcap"), "-F", "snoop", str(source), str(made)], check=True)
    assert read(made.read_bytes()) == (EXPECTED, False)


def test_a_cut_keeps_what_is_whole():
    data = snoop()
    for end in range(16, len(data), 7):
        packets, truncated = read(data[:end])
        assert packets == EXPECTED[: len(packets)]
        assert truncated or end == 16 or data[:end] == snoop(FRAMES[: len(packets)])


def test_a_length_that_lies_ends_it():
    data = bytearray(snoop())
    data[16 + 8 : 16 + 12] = b"\xff\xff\xff\xff"
    assert read(bytes(data)) == ([], True)


def test_other_links_are_passed_over():
    capture = opened(snoop(link=8))
    assert packets_of(capture) == []
    assert sum(capture.passed_over.values()) == 40


@pytest.mark.parametrize(
    ("data", "slug"), [(b"snooze\0\0", "not-a-capture"), (b"snoop\0\0\0\0", "truncated")]
)
def test_what_is_none_is_said(data, slug):
    with pytest.raises(DecodeError) as caught:
        SnoopReader(Window(io.BytesIO(data)))
    assert caught.value.slug == slug
