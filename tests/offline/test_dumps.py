"""Frames out of bare bytes: cut where the sender cut them, as far as that can be told."""

from __future__ import annotations

import io
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.hextext import message_bytes, vector
from voipbin_cli.errors import DecodeError, UsageError
from voipbin_cli.offline import dumps


def cut(data: bytes, first: int = dumps.PEEK_BYTES) -> list[bytes]:
    file = io.BytesIO(data[first:])
    pieces = dumps.audiosocket_frames(file, data[:first])
    return [frames.message(n) for frames in pieces for n in range(len(frames))]


def test_a_byte_stream_is_cut_into_its_frames() -> None:
    frames = vector("audiosocket-linear")
    assert cut(b"".join(frames)) == frames


def test_a_stream_that_begins_with_a_uuid_and_ends_with_a_hangup_is_cut_likewise() -> None:
    frames = [b"\x01\x00\x10" + bytes(range(16)), *vector("audiosocket-deployed"), b"\0\0\0"]
    assert cut(b"".join(frames)) == frames


def test_a_length_in_the_wrong_byte_order_does_not_swallow_the_frames_behind_it() -> None:
    frames = vector("audiosocket-linear")[:30]
    frames[7] = b"\x10" + struct.pack("<H", 320) + frames[7][3:]
    assert cut(b"".join(frames)) == frames


def test_bytes_out_of_step_end_where_frames_begin_again() -> None:
    frames = vector("audiosocket-linear")[:30]
    damaged = [*frames[:10], frames[10][:100], *frames[11:]]
    found = cut(b"".join(damaged))
    assert found[:10] == frames[:10]
    assert found[-18:] == frames[12:]
    assert b"".join(found) == b"".join(damaged)


@given(st.binary(max_size=4000), st.integers(1, 4000))
@settings(deadline=None)
def test_no_byte_is_lost_whatever_they_are(data: bytes, first: int) -> None:
    assert b"".join(cut(data, first)) == data


def test_a_stream_longer_than_a_read_is_cut_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dumps, "READ_BYTES", 1000)
    monkeypatch.setattr(dumps, "_SEARCH_BYTES", 2000)
    frames = vector("audiosocket-linear")
    assert cut(b"".join(frames), 500) == frames


@pytest.mark.parametrize(("name", "size"), [("sln-deployed", 160), ("sln-linear", 320)])
def test_samples_are_cut_by_what_they_sound_like(name: str, size: int) -> None:
    data = b"".join(vector(name))
    assert dumps.sln_frame_bytes(data) == size
    pieces = [*dumps.sln_frames(io.BytesIO(data[2000:]), data[:2000])]
    assert sum(len(frames) for frames in pieces) == 50
    assert {int(length) for frames in pieces for length in frames.length} == {size}


@pytest.mark.parametrize(("byte", "size"), [(0xFF, 160), (0xD5, 160), (0x00, 320)])
def test_silence_is_cut_by_its_byte(byte: int, size: int) -> None:
    assert dumps.sln_frame_bytes(bytes([byte]) * 3200) == size


def test_silent_samples_are_not_taken_for_hangups() -> None:
    assert not dumps.looks_like_audiosocket(b"".join(vector("sln-linear")))
    assert not dumps.looks_like_audiosocket(b"".join(vector("sln-deployed")))
    assert dumps.looks_like_audiosocket(b"".join(vector("audiosocket-deployed")))
    assert dumps.looks_like_audiosocket(message_bytes("10 0002 0000"))
    assert not dumps.looks_like_audiosocket(b"")


# Hex text

PLAIN = "80600001000000a000000000ffff"
DUMPS = {
    "plain": PLAIN,
    "spaced": "80 60 00 01 00 00 00 a0 00 00 00 00 ff ff",
    "colons": "80:60:00:01:00:00:00:a0:00:00:00:00:FF:FF",
    "prefixed": "0x80, 0x60, 0x00, 0x01, 0x00, 0x00, 0x00, 0xa0, 0, 0x00".replace(" 0,", " 0x00,")
    + ", 0x00, 0x00, 0xff, 0xff",
    "python": r"b'\x80\x60\x00\x01\x00\x00\x00\xa0\x00\x00\x00\x00\xff\xff'",
    "xxd": "00000000: 8060 0001 0000 00a0 0000 0000 ffff       .`............",
    "hexdump": "00000000  80 60 00 01 00 00 00 a0  00 00 00 00 ff ff        |.`............|",
    "tshark": "0000  80 60 00 01 00 00 00 a0 00 00 00 00 ff ff         .`............",
}


@pytest.mark.parametrize("text", DUMPS.values(), ids=DUMPS)
def test_hex_text_in_the_ways_that_logs_and_tools_write_it(text: str) -> None:
    assert [*dumps.hex_messages(io.BytesIO(text.encode()))] == [bytes.fromhex(PLAIN)]


def test_a_dump_of_several_lines_is_one_message_and_begins_anew_at_offset_zero() -> None:
    text = (
        "00000000: 1001 4000 0000 0000 0000 0000 0000 0000  ..@.............\n"
        "00000010: 6162 6364                                abcd\n"
        "00000000: 0102                                     ..\n"
    )
    first = bytes.fromhex("10014000") + bytes(12) + b"abcd"
    assert [*dumps.hex_messages(io.BytesIO(text.encode()))] == [first, b"\x01\x02"]


def test_one_message_a_line_with_remarks_between() -> None:
    text = b"# the first\n8060\n\n 10 0140 \n"
    assert [*dumps.hex_messages(io.BytesIO(text))] == [b"\x80\x60", b"\x10\x01\x40"]


def test_what_is_no_hex_text_is_said_with_its_line() -> None:
    with pytest.raises(UsageError, match="line 2 "):
        list(dumps.hex_messages(io.BytesIO(b"8060\nhello\n")))


@given(st.binary(max_size=300))
def test_no_text_does_worse_than_to_be_refused(data: bytes) -> None:
    try:
        list(dumps.hex_messages(io.BytesIO(data)))
    except UsageError:
        return


def test_rtcp_in_an_rtpdump_is_left_out() -> None:
    packet = message_bytes("8060 0001 000000a0 00000000 ff*160")

    def record(data: bytes, wire: int) -> bytes:
        return struct.pack(">HHI", 8 + len(data), wire, 0) + data

    header = b"#!rtpplay1.0 127.0.0.1/5004\n" + bytes(16)
    data = header + record(packet, 172) + record(bytes(28), 0) + record(packet[:40], 172)
    (frames,) = dumps.rtpdump_frames(io.BytesIO(data))
    assert [frames.message(n) for n in range(len(frames))] == [packet, packet[:40]]
    assert frames.size.tolist() == [172, 172]
    with pytest.raises(DecodeError):
        list(dumps.rtpdump_frames(io.BytesIO(b"nothing of the kind")))
