from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.capture.support import read_in_pieces
from voipbin_cli.capture.window import Window


class Pipe(io.BytesIO):
    """Bytes that cannot be asked for twice."""

    def seekable(self):
        return False

    def seek(self, *_):
        raise OSError("a pipe")


@pytest.mark.parametrize("kind", [io.BytesIO, Pipe])
@given(
    data=st.binary(max_size=200),
    read_bytes=st.integers(1, 40),
    steps=st.lists(st.integers(0, 50), max_size=300),
)
def test_a_window_shows_every_byte_once_and_knows_the_end(kind, data, read_bytes, steps):
    with pytest.MonkeyPatch.context() as patch:
        read_in_pieces(patch, read_bytes)
        window, seen = Window(kind(data)), b""
        for step in steps:
            taken = min(step, len(window.data))
            seen += window.data[:taken]
            window.advance(taken)
            assert data.startswith(seen + window.data)
            if window.at_end:
                assert seen + window.data == data
                return
        while not window.at_end:
            seen += window.data
            window.advance(len(window.data))
        assert seen == data


def test_a_window_begins_where_the_file_stands():
    file = io.BytesIO(b"skipped data")
    file.read(8)
    assert Window(file).data == b"data"


def test_a_piece_is_as_long_as_whoever_reads_on_wants_it():
    window = Window(io.BytesIO(bytes(2_000_000)))
    assert len(window.data) == 1 << 20
    window.advance(1 << 20, 1000)
    assert len(window.data) == 1000
    window.advance(0)
    assert len(window.data) == 2_000_000 - (1 << 20)
