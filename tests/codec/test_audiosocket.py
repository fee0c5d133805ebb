"""AudioSocket frames, in messages and in streams."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.codec.sounds import vector_messages
from voipbin_cli.codec import audiosocket
from voipbin_cli.codec.audiosocket import AudioSocketFrame, Kind, StreamDecoder
from voipbin_cli.errors import DecodeError

frames_lists = st.lists(
    st.builds(AudioSocketFrame, st.integers(0, 255), st.binary(max_size=400)),
    min_size=1,
    max_size=8,
)


def test_kinds_and_rates() -> None:
    assert {kind: kind.rate_hz for kind in Kind if kind.rate_hz} == {
        0x10: 8000,
        0x11: 12000,
        0x12: 16000,
        0x13: 24000,
        0x14: 32000,
        0x15: 44100,
        0x16: 48000,
        0x17: 96000,
        0x18: 192000,
    }
    assert [int(kind) for kind in Kind if kind.rate_hz is None] == [0, 1, 2, 3, 0xFF]


def test_a_frame_by_hand() -> None:
    # 320 = 0x0140, big-endian
    assert audiosocket.build(Kind.PCM_8K, bytes(320)) == b"\x10\x01\x40" + bytes(320)
    (frame,) = audiosocket.parse_message(b"\x03\x00\x015")
    assert frame == (Kind.DTMF, b"5")
    assert isinstance(frame.kind, Kind)


def test_an_unknown_kind_stays_a_number() -> None:
    (frame,) = audiosocket.parse_message(b"\x19\x00\x00")
    assert frame == (0x19, b"")
    assert not isinstance(frame.kind, Kind)


@pytest.mark.parametrize("name", ["audiosocket-deployed", "audiosocket-linear"])
def test_what_the_platform_sent_comes_back_byte_for_byte(name: str) -> None:
    for message in vector_messages(name):
        (frame,) = audiosocket.parse_message(message)
        assert frame.kind is Kind.PCM_8K
        assert audiosocket.build(*frame) == message


@pytest.mark.parametrize(
    ("data", "slug", "offset"),
    [
        (b"", "empty", 0),
        (b"\x10\x00", "truncated", 0),
        (b"\x10\x00\x05abc", "length", 1),
        (b"\x10\x00\x03abc\x10", "truncated", 6),
        (b"\x10\x00\x03abc\x10\x00\x02a", "length", 7),
    ],
)
def test_malformed_messages_are_named(data: bytes, slug: str, offset: int) -> None:
    with pytest.raises(DecodeError) as caught:
        audiosocket.parse_message(data)
    assert (caught.value.slug, caught.value.offset) == (slug, offset)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"\x10\x00\x03abc\x10\x00", "header needs 3 bytes, got 2"),
        (b"\x10\x00\x03abc\x10\x00\x09ab", "length field says 9 bytes, 2 follow"),
    ],
)
def test_an_error_tells_the_numbers(data: bytes, words: str) -> None:
    with pytest.raises(DecodeError, match=words):
        audiosocket.parse_message(data)


@pytest.mark.parametrize(("kind", "size"), [(0x10, 65536), (256, 1), (-1, 1)])
def test_what_does_not_fit_is_never_built(kind: int, size: int) -> None:
    with pytest.raises(ValueError):
        audiosocket.build(kind, bytes(size))


def test_the_largest_payload_fits() -> None:
    message = audiosocket.build(Kind.PCM_8K, bytes(65535))
    assert audiosocket.parse_message(message) == ((Kind.PCM_8K, bytes(65535)),)


@given(frames_lists)
def test_frames_survive_one_message(frames: list[AudioSocketFrame]) -> None:
    message = b"".join(audiosocket.build(*frame) for frame in frames)
    assert list(audiosocket.parse_message(message)) == frames


@given(frames_lists, st.lists(st.integers(0, 4000), max_size=12))
def test_a_stream_decodes_the_same_however_it_is_cut(
    frames: list[AudioSocketFrame], cuts: list[int]
) -> None:
    stream = b"".join(audiosocket.build(*frame) for frame in frames)
    bounds = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})
    decoder = StreamDecoder()
    found = [frame for start, end in pairwise(bounds) for frame in decoder.feed(stream[start:end])]
    decoder.finish()
    assert found == frames


def test_a_stream_decodes_byte_by_byte() -> None:
    stream = audiosocket.build(0x01, bytes(16)) + audiosocket.build(0x10, b"ab")
    decoder = StreamDecoder()
    found = [frame for n in range(len(stream)) for frame in decoder.feed(stream[n : n + 1])]
    assert found == [(Kind.UUID, bytes(16)), (Kind.PCM_8K, b"ab")]


@given(st.lists(st.binary(max_size=300), max_size=20))
def test_a_stream_holds_less_than_one_frame_whatever_arrives(chunks: list[bytes]) -> None:
    decoder = StreamDecoder()
    taken = 0
    for chunk in chunks:
        taken += sum(3 + len(frame.payload) for frame in decoder.feed(chunk))
        assert decoder.pending_bytes < 3 + 65535
    assert taken + decoder.pending_bytes == sum(map(len, chunks))
    if decoder.pending_bytes:
        with pytest.raises(DecodeError) as caught:
            decoder.finish()
        assert caught.value.slug == "truncated"
    decoder.finish()  # a rest is reported once


@given(st.binary(max_size=60))
def test_only_decode_errors_escape(data: bytes) -> None:
    try:
        frames = audiosocket.parse_message(data)
    except DecodeError:
        return
    assert b"".join(audiosocket.build(*frame) for frame in frames) == data
