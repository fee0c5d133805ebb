from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voipbin_cli.capture import chunks
from voipbin_cli.capture.chunks import Window, chosen, column, rows


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
        patch.setattr(chunks, "READ_BYTES", read_bytes)
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


def test_columns_and_rows_start_at_any_byte():
    data = bytes([1, 2, 3, 4, 5])
    assert column(data, ">u2").tolist() == [0x0102, 0x0203, 0x0304, 0x0405]
    assert column(b"\1", ">u2").tolist() == []
    kind = np.dtype([("a", "u1"), ("b", ">u2")])
    found = rows(data, np.array([0, 2]), kind)
    assert found["a"].tolist() == [1, 3]
    assert found["b"].tolist() == [0x0203, 0x0405]


def test_chosen_copies_nothing_where_all_is_chosen():
    assert chosen(np.array([True, True])) == slice(None)
    assert chosen(np.array([True, False, True])).tolist() == [0, 2]
    assert len(np.arange(0)[chosen(np.zeros(0, bool))]) == 0
