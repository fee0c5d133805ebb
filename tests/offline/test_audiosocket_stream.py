"""AudioSocket frames out of a byte stream: cut where the sender cut them, as far as can be told."""

from __future__ import annotations

import io
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.hextext import message_bytes, vector
from voipbin_cli.capture.window import Window
from voipbin_cli.offline import audiosocket_stream
from voipbin_cli.offline.audiosocket_stream import (
    audiosocket_frames,
    begins_with_frames,
    holds_frames,
)


def cut(data: bytes, first: int = 1 << 16) -> list[bytes]:
    """The frames of a stream of which `first` bytes are seen at first."""
    window = Window(io.BytesIO(data))
    window.data = data[:first]
    pieces = audiosocket_frames(window)
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


@pytest.mark.parametrize("unknown", [b"\x42\x01\x40" + bytes(320), b"\x42\0\0"])
@pytest.mark.parametrize("place", [0, 10, 30])
def test_a_frame_of_an_unknown_kind_is_a_frame_and_what_is_behind_it_is_in_step(
    unknown: bytes, place: int
) -> None:
    frames = vector("audiosocket-linear")[:30]
    frames.insert(place, unknown)
    assert cut(b"".join(frames)) == frames


def test_a_stream_longer_than_a_read_is_cut_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audiosocket_stream, "_PIECE_BYTES", 1000)
    monkeypatch.setattr(audiosocket_stream, "_SEARCH_BYTES", 2000)
    frames = vector("audiosocket-linear")
    assert cut(b"".join(frames), 500) == frames


def test_frames_are_known_at_the_beginning_and_anywhere() -> None:
    frames = vector("audiosocket-linear")
    assert begins_with_frames(b"".join(frames))
    assert begins_with_frames(message_bytes("10 0002 0000"))
    assert not begins_with_frames(b"")
    behind = bytes(100) + b"".join(frames)
    assert not begins_with_frames(behind)
    assert holds_frames(behind)
    assert not holds_frames(bytes(1000))
