from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode

from voipbin_cli.capture.websocket_bytes import WebSocketBytes

HEAD = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"


def frame(data, opcode=Opcode.BINARY, *, fin=True, mask=False):
    """By the library's hand."""
    return Frame(opcode, data, fin).serialize(mask=mask)


def read(data, size=1 << 20):
    side = WebSocketBytes()
    found = []
    for n, at in enumerate(range(0, len(data), size)):
        found += side.add(n, data[at : at + size], is_after_gap=False)
    return side, found


@pytest.mark.parametrize("mask", [False, True])
@pytest.mark.parametrize("size", [0, 1, 5, 125, 126, 320, 65_535, 65_536, 200_000])
def test_a_frame_of_the_library_is_read(size, mask):
    payload = bytes(n * 7 & 255 for n in range(size))
    _, (message,) = read(HEAD + frame(payload, mask=mask))
    assert message.data == payload


@given(st.integers(1, 40), st.lists(st.binary(max_size=300), max_size=6))
def test_how_the_bytes_are_cut_leaves_no_trace(size, payloads):
    data = HEAD + b"".join(frame(payload, mask=True) for payload in payloads)
    side, found = read(data, size)
    assert [message.data for message in found] == payloads
    assert side.head == HEAD[:-4]


def test_the_time_is_that_of_the_last_byte():
    side = WebSocketBytes()
    data = frame(bytes(320))
    list(side.add(1, HEAD + data[:100], is_after_gap=False))
    (message,) = side.add(9, data[100:], is_after_gap=False)
    assert message.time_ns == 9


def test_fragments_are_one_message_and_control_frames_may_stand_between():
    parts = (
        frame(b"one", fin=False)
        + frame(b"?", Opcode.PING)
        + frame(b"two", Opcode.CONT, fin=False)
        + frame(b"three", Opcode.CONT)
    )
    _, (message,) = read(HEAD + parts)
    assert message.data == b"onetwothree"


def test_text_is_text_and_a_close_frame_is_told():
    _, (text, close) = read(
        HEAD + frame(b"MEDIA_START", Opcode.TEXT) + frame(b"\x03\xe8", Opcode.CLOSE)
    )
    assert text.data == "MEDIA_START"
    assert (close.data, close.is_close) == (b"\x03\xe8", True)


def test_after_a_gap_it_goes_on_with_the_next_frame():
    side = WebSocketBytes()
    list(side.add(0, HEAD + frame(bytes(320))[:50], is_after_gap=False))
    (message,) = side.add(1, frame(b"next"), is_after_gap=True)
    assert message.data == b"next"


@pytest.mark.parametrize(
    "damage",
    [b"\xf2\x05hello", b"\x83\x00", b"\x82\x7f\xff\xff\xff\xff\xff\xff\xff\xff", b"\x8b\0"],
)
def test_what_is_no_frame_ends_it(damage):
    side, found = read(HEAD + frame(b"good") + damage + frame(b"lost"))
    assert [message.data for message in found] == [b"good"]
    assert side.is_damaged


def test_a_head_without_an_end_is_bounded():
    side, found = read(b"x" * 100_000)
    assert side.is_damaged
    assert found == []


@given(st.binary(max_size=400), st.integers(1, 50))
def test_any_bytes_are_survived(data, size):
    read(HEAD + data, size)
