from __future__ import annotations

import contextlib
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.capture import frames as f
from tests.capture.support import (
    START_NS,
    new_writer,
    opened,
    packets_of,
    read_in_pieces,
    records_of,
)
from tests.capture.tshark import fields
from voipbin_cli.capture import pcapng_reader
from voipbin_cli.codec.encapsulation import Direction
from voipbin_cli.errors import DecodeError

IN, OUT = Direction.IN, Direction.OUT
FLAGS_IN = f.option(2, struct.pack("<I", 1))
FLAGS_OUT = f.option(2, struct.pack("<I", 2))
END = bytes(4)


def frame(payload):
    return f.ethernet(f.ipv4(f.udp(payload)))


def read(data):
    capture = opened(data)
    packets = [(p.time_ns, p.direction, p.data, p.comment) for p in packets_of(capture)]
    return packets, capture.truncated


def read_all(data):
    packets, truncated = read(data)
    assert not truncated
    return packets


def test_a_packet_without_options():
    data = f.section() + f.interface() + f.enhanced(7, frame(b"x"))
    # No if_tsresol: microseconds.
    assert read_all(data) == [(7000, None, b"x", "")]


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize(
    ("options", "direction", "comment"),
    [
        ([(2, 1)], IN, ""),
        ([(2, 2)], OUT, ""),
        ([(2, 3)], None, ""),
        ([(2, 1), (0, b"")], IN, ""),
        ([(1, b"hi"), (2, 2)], OUT, "hi"),
        ([(2, 1), (1, b"behind")], IN, "behind"),
        ([(3, b"\2hash"), (2, 1), (0, b"")], IN, ""),
        ([(0, b""), (2, 1)], None, ""),
        ([(1, b"\xff")], None, "�"),
    ],
)
def test_directions_and_comments_wherever_they_stand(order, options, direction, comment):
    packed = b"".join(
        f.option(
            code, value if isinstance(value, bytes) else struct.pack(order + "I", value), order
        )
        for code, value in options
    )
    one = f.enhanced(1, frame(b"abc"), order=order, options=packed)
    data = f.section(order) + f.interface(order=order) + one
    assert read_all(data) == [(1000, direction, b"abc", comment)]


RESOLUTIONS = {
    # if_tsresol, stamp, nanoseconds
    "seconds": (0, 5, 5_000_000_000),
    "milliseconds": (3, 5, 5_000_000),
    "nanoseconds": (9, 1_795_000_000_123_456_789, 1_795_000_000_123_456_789),
    "picoseconds": (12, 1_234_567, 1_234),
    "2^-1": (0x81, 5, 2_500_000_000),
    "2^-10": (0x8A, 1024 * 3 + 512, 3_500_000_000),
    "2^-32": (0xA0, (7 << 32) + (1 << 31), 7_500_000_000),
    "2^-40": (0xA8, (7 << 40) + (1 << 38), 7_250_000_000),
}


@pytest.mark.parametrize(("code", "stamp", "time_ns"), RESOLUTIONS.values(), ids=RESOLUTIONS)
def test_resolutions(code, stamp, time_ns):
    options = f.option(9, bytes([code])) + END
    data = f.section() + f.interface(options=options) + f.enhanced(stamp, frame(b""))
    assert read_all(data)[0][0] == time_ns


def test_an_interface_may_add_seconds():
    options = f.option(9, b"\x09") + f.option(14, struct.pack("<q", 1000)) + END
    data = f.section() + f.interface(options=options) + f.enhanced(5, frame(b""))
    assert read_all(data)[0][0] == 1_000_000_000_005


def test_interfaces_differ_in_link_type_and_clock():
    data = (
        f.section()
        + f.interface(1)
        + f.interface(101, options=f.option(9, b"\x09"))
        + f.enhanced(1, frame(b"ether"), number=0)
        + f.enhanced(2, f.ipv4(f.udp(b"raw")), number=1)
        + f.interface(113, options=f.option(9, b"\x83"))
        + f.enhanced(3, f.cooked(f.ipv4(f.udp(b"cooked"))), number=2)
        + f.enhanced(4, frame(b"nowhere"), number=9)
    )
    assert [(t, payload) for t, _, payload, _ in read_all(data)] == [
        (1000, b"ether"),
        (2, b"raw"),
        (375_000_000, b"cooked"),
    ]


def test_a_new_section_forgets_interfaces_and_may_turn_the_byte_order():
    data = (
        f.section()
        + f.interface(101)
        + f.enhanced(1, f.ipv4(f.udp(b"one")))
        + f.section(">")
        + f.interface(1, ">")
        + f.enhanced(2, frame(b"two"), order=">")
        + f.section(">")
        + f.enhanced(3, frame(b"no interface"), order=">")
        + f.section()
        + f.interface(1)
        + f.enhanced(4, frame(b"four"))
    )
    assert [payload for _, _, payload, _ in read_all(data)] == [b"one", b"two", b"four"]


def test_unknown_blocks_are_passed_over():
    data = (
        f.section()
        + f.interface()
        + f.block(0xBAD, b"custom block")
        + f.enhanced(1, frame(b"x"))
        + f.block(5, bytes(12))
        + f.enhanced(2, frame(b"y"))
        + f.block(3, struct.pack("<I", 4) + b"simp")
    )
    assert [payload for _, _, payload, _ in read_all(data)] == [b"x", b"y"]


def test_what_looks_like_a_block_inside_of_a_packet_is_only_data():
    inner = f.enhanced(9, frame(b"not me"))
    # Aligned as blocks are: 28 bytes of block, 42 of headers, 2 of padding.
    outer = f.enhanced(1, frame(b"--" + inner * 3))
    data = f.section() + f.interface() + outer + f.enhanced(2, frame(b"me"))
    assert [payload for _, _, payload, _ in read_all(data)] == [b"--" + inner * 3, b"me"]


def sample(order="<"):
    data = f.section(order) + f.interface(1, order, f.option(9, b"\x09", order))
    for n in range(40):
        if n % 7 == 0:
            data += f.block(0xBAD, bytes(4 * n + 4), order)
        data += f.enhanced(n, frame(bytes([n]) * (n * 5 % 90)), order=order)
    return data


EXPECTED = [(n, None, bytes([n]) * (n * 5 % 90), "") for n in range(40)]


@pytest.mark.parametrize("read_bytes", [4, 5, 7, 12, 64, 1000, 4096])
@pytest.mark.parametrize("order", "<>")
def test_how_the_file_is_cut_into_pieces_leaves_no_trace(monkeypatch, read_bytes, order):
    read_in_pieces(monkeypatch, read_bytes)
    assert read(sample(order)) == (EXPECTED, False)


@given(st.integers(28, len(sample())))
def test_a_file_that_ends_early_gives_what_it_holds(cut):
    packets, truncated = read(sample()[:cut])
    assert packets == EXPECTED[: len(packets)]
    assert truncated or cut in block_ends(sample())
    assert truncated != (cut in block_ends(sample()))


def block_ends(data):
    ends, at = set(), 0
    while at < len(data):
        at += struct.unpack_from("<I", data, at + 4)[0]
        ends.add(at)
    return ends


@pytest.mark.parametrize(
    ("data", "slug"),
    [
        (sample()[:27], "truncated"),
        (sample()[:4], "truncated"),
        (b"\x0a\x0d\x0d\x0a" + bytes(40), "truncated"),
        (b"\x0a\x0d\x0d\x0a" + b"\xff" * 4 + sample()[8:], "truncated"),
    ],
)
def test_a_damaged_section_header_is_said(data, slug):
    with pytest.raises(DecodeError) as caught:
        read(data)
    assert caught.value.slug == slug


@pytest.mark.parametrize("length", [0, 4, 8, 13, 0xFFFFFFFC, 0x7FFFFFFF])
def test_a_lying_length_ends_the_file(length):
    lie = struct.pack("<III", 6, length, length) + bytes(64)
    packets, truncated = read(sample() + lie)
    assert (packets, truncated) == (EXPECTED, True)


def test_two_lengths_that_differ_end_the_file():
    damaged = bytearray(sample() + f.enhanced(99, frame(b"x")) + f.enhanced(100, frame(b"y")))
    damaged[len(sample()) + len(f.enhanced(99, frame(b"x"))) - 4] ^= 4
    assert read(bytes(damaged)) == (EXPECTED, True)


def test_a_captured_length_beyond_its_block_is_passed_over():
    wrong = bytearray(f.enhanced(5, frame(b"x")))
    wrong[20:24] = struct.pack("<I", 4000)
    data = f.section() + f.interface() + bytes(wrong) + f.enhanced(6, frame(b"y"))
    assert [payload for _, _, payload, _ in read_all(data)] == [b"y"]


@given(st.binary(max_size=300), st.sampled_from("<>"))
def test_any_bytes_behind_a_section_raise_nothing(data, order):
    read(f.section(order) + f.interface(order=order) + data)


@given(st.lists(st.tuples(st.integers(0, len(sample()) - 1), st.integers(0, 255)), max_size=8))
def test_damaged_bytes_raise_nothing_but_decode_errors(changes):
    data = bytearray(sample())
    for at, value in changes:
        data[at] = value
    with contextlib.suppress(DecodeError):
        read(bytes(data))


@given(
    st.lists(
        st.one_of(
            st.binary(max_size=40).map(lambda body: f.block(6, body + bytes(-len(body) % 4))),
            st.binary(max_size=40).map(lambda body: f.block(1, body + bytes(-len(body) % 4))),
            st.binary(max_size=40).map(lambda extra: f.enhanced(1, frame(b"x"), options=extra)),
            st.sampled_from([f.section(), f.section(">"), f.interface(1, ">")]),
            st.integers(0, 255).map(lambda code: f.interface(options=f.option(9, bytes([code])))),
            st.integers(0, 2**64 - 1).map(lambda stamp: f.enhanced(stamp, frame(b"t"))),
        ),
        max_size=12,
    )
)
def test_any_row_of_blocks_raises_nothing(blocks):
    read(f.section() + b"".join(blocks))


def test_tshark_reads_the_same_times_and_payloads(tmp_path):
    path = tmp_path / "a.pcapng"
    path.write_bytes(sample(">"))
    rows = fields(path, "frame.time_epoch", "udp.payload", options=("-Y", "udp"))
    assert rows == [[f"0.{n:09}", payload.hex()] for n, _, payload, _ in EXPECTED]


def test_a_megabyte_message_is_read_across_many_pieces(monkeypatch):
    read_in_pieces(monkeypatch, 4096)
    writer, sink = new_writer("sln")
    big = bytes(range(256)) * 4096
    writer.message(START_NS, Direction.IN, big)
    writer.close()
    capture = opened(sink.data)
    (message,) = records_of(capture)
    assert message.data == big


def test_packets_are_looked_for_once_a_window_however_many_sections(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looked = []
    look = pcapng_reader._look_like_packets
    monkeypatch.setattr(
        pcapng_reader, "_look_like_packets", lambda words: looked.append(1) or look(words)
    )
    section = f.section()
    one = f.interface() + f.enhanced(1, frame(b"one"))
    reader = opened(section * 500 + one + section * 500)
    assert [*packets_of(reader)]
    assert len(looked) < 10
