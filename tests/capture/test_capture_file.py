from __future__ import annotations

import io

import pytest

from tests.capture import frames as f
from tests.capture.support import (
    START_NS,
    new_writer,
    opened,
    packets_of,
    records_of,
)
from voipbin_cli.capture.capture_file import Capture
from voipbin_cli.capture.datagrams import FAR, NEAR
from voipbin_cli.capture.window import Window
from voipbin_cli.codec.encapsulation import Direction
from voipbin_cli.errors import DecodeError

IN, OUT = Direction.IN, Direction.OUT


def test_packets_and_flows_of_our_own_capture():
    writer, sink = new_writer("sln")
    writer.message(1, IN, b"ab")
    writer.message(2, OUT, b"cd")
    writer.close()
    capture = opened(sink.data)
    packets = packets_of(capture)
    assert [packet.direction for packet in packets] == [IN, OUT]
    assert [packet.flow.source for packet in packets] == [FAR, NEAR]
    assert [packet.flow.destination_port for packet in packets] == [40_004, 40_004]


def test_a_foreign_capture_has_no_meta_and_no_records():
    data = f.section(options=f.option(1, b'{"voipbin": 7}')) + f.interface()
    foreign = data + f.enhanced(1, f.ethernet(f.ipv4(f.udp(b"x"), source="10.0.0.1")))
    capture = opened(foreign)
    assert capture.meta is None
    assert records_of(capture) == []


@pytest.mark.parametrize(
    "comment",
    [b"", b"no json", b"[" * 100_000, b"[]", b'{"voipbin": {}}', b"\xff", b'{"voipbin": []}',
     b'{"voipbin": {"encapsulation": ["rtp"]}}', b'{"voipbin": {"encapsulation": "mp3"}}'],
)  # fmt: skip
def test_a_strange_section_comment_is_nobodys_capture(comment):
    data = f.section(options=f.option(1, comment[:65_000]))
    assert opened(data).meta is None


def test_something_else_is_no_capture():
    with pytest.raises(DecodeError) as caught:
        opened(b"hello there, this is a text")
    assert caught.value.slug == "not-a-capture"


class Endless(io.RawIOBase):
    """A capture of many hours that is never in memory."""

    def __init__(self, packets):
        self.left = packets
        writer, sink = new_writer("sln")
        self.ready = bytearray(sink.data)
        sink.writes.clear()
        writer.message(START_NS, IN, bytes(320))
        self.block = sink.data

    def read(self, size):
        while len(self.ready) < size and self.left:
            self.ready += self.block * min(self.left, 1000)
            self.left -= min(self.left, 1000)
        data = bytes(self.ready[:size])
        del self.ready[:size]
        return data


def test_memory_is_flat_however_long_the_file_is():
    import tracemalloc

    def peak(packets):
        tracemalloc.start()
        count = sum(
            len(chunk.time_ns) for chunk in Capture(Window(Endless(packets))).message_chunks()
        )
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert count == packets
        return most

    # Both are longer than the pieces in which a file is read.
    assert peak(200_000) < 1.2 * peak(50_000)
