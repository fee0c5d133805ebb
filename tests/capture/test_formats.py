from __future__ import annotations

import io

import pytest

from tests.capture import frames as f
from voipbin_cli.capture.formats import FORMATS, MAGIC_BYTES
from voipbin_cli.capture.window import Window

EMPTY = [f.pcap([], order=order, nano=nano) for order in "<>" for nano in (True, False)] + [
    f.section("<"),
    f.section(">"),
    b"snoop\0\0\0\0\0\0\2\0\0\0\4",
]


@pytest.mark.parametrize("data", EMPTY)
def test_each_magic_leads_to_the_reader_of_its_format(data):
    reader = FORMATS[data[:MAGIC_BYTES]](Window(io.BytesIO(data)))
    assert list(reader.chunks()) == []
    assert not reader.truncated


def test_no_format_is_without_a_file_here():
    assert {data[:MAGIC_BYTES] for data in EMPTY} == set(FORMATS)
