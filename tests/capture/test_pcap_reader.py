from __future__ import annotations

import io
import subprocess

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.capture import frames as f
from tests.capture.support import (
    START_NS,
    new_writer,
    opened,
    packets_of,
    read_in_pieces,
    rtp_message,
)
from tests.support.needs import needs
from voipbin_cli.capture.capture_file import Capture
from voipbin_cli.capture.window import Window
from voipbin_cli.codec.encapsulation import Direction
from voipbin_cli.errors import DecodeError

SIZES = [160, 160, 320, 0, 1, 2, 3, *[160] * 100, 5, *[160] * 30, 161, 161]


def sample(order="<", nano=True):
    records = [
        (START_NS + n * 20_000_000, f.ethernet(f.ipv4(f.udp(bytes([n % 251]) * size))))
        for n, size in enumerate(SIZES)
    ]
    return f.pcap(records, order=order, nano=nano)


def read(data):
    capture = opened(data)
    return [(packet.time_ns, packet.data) for packet in packets_of(capture)], capture.truncated


EXPECTED = [(START_NS + n * 20_000_000, bytes([n % 251]) * size) for n, size in enumerate(SIZES)]


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("nano", [True, False])
def test_both_byte_orders_and_both_resolutions(order, nano):
    unit_ns = 1 if nano else 1000
    rounded = [(time_ns // unit_ns * unit_ns, data) for time_ns, data in EXPECTED]
    assert read(sample(order, nano)) == (rounded, False)


@pytest.mark.parametrize("read_bytes", [24, 25, 27, 64, 1000, 4099])
@pytest.mark.parametrize("order", "<>")
def test_how_the_file_is_cut_into_pieces_leaves_no_trace(monkeypatch, read_bytes, order):
    read_in_pieces(monkeypatch, read_bytes)
    assert read(sample(order)) == (EXPECTED, False)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cut=st.integers(24, len(sample())))
def test_a_file_that_ends_early_gives_what_it_holds(cut):
    packets, truncated = read(sample()[:cut])
    assert packets == EXPECTED[: len(packets)]
    whole = 24 + sum(16 + 42 + size for size in SIZES[: len(packets)])
    assert truncated == (whole != cut)
    assert whole <= cut


@pytest.mark.parametrize(
    ("data", "slug"),
    [
        (b"", "not-a-capture"),
        (b"RIFF" + bytes(40), "not-a-capture"),
        (sample()[:23], "truncated"),
        (sample()[:4], "truncated"),
    ],
)
def test_what_is_no_capture_is_said(data, slug):
    with pytest.raises(DecodeError) as caught:
        read(data)
    assert caught.value.slug == slug


def test_a_record_that_claims_gigabytes_ends_the_file():
    lie = b"\0" * 8 + b"\xff\xff\xff\x7f" * 2
    packets, truncated = read(sample() + lie + bytes(1000))
    assert (packets, truncated) == (EXPECTED, True)


def test_a_lying_length_is_not_waited_for(monkeypatch):
    read_in_pieces(monkeypatch, 64)
    lie = b"\0" * 8 + b"\xff\xff\xff\x7f" * 2
    file = io.BytesIO(f.pcap([]) + lie + bytes(1 << 20))
    capture = Capture(Window(file))
    assert packets_of(capture) == []
    assert capture.truncated
    assert file.tell() < 1000


@given(st.binary(max_size=300), st.sampled_from("<>"), st.booleans())
def test_any_bytes_behind_a_header_raise_nothing(data, order, nano):
    read(f.pcap([], order=order, nano=nano) + data)


@given(st.lists(st.tuples(st.integers(24, len(sample()) - 1), st.integers(0, 255)), max_size=8))
def test_damaged_bytes_raise_nothing(changes):
    data = bytearray(sample())
    for at, value in changes:
        data[at] = value
    read(bytes(data))


@needs("editcap")
@pytest.mark.parametrize("form", ["pcap", "nsecpcap"])
def test_what_editcap_makes_of_our_own_capture_reads_alike(tmp_path, form):
    writer, sink = new_writer("rtp")
    for n in range(300):
        writer.message(START_NS + n * 20_000_000, Direction.IN, rtp_message(n))
    writer.close()
    (tmp_path / "a.pcapng").write_bytes(sink.data)
    command = ["editcap", "-F", form, str(tmp_path / "a.pcapng"), str(tmp_path / "b.pcap")]
    subprocess.run(command, check=True, capture_output=True)
    packets, truncated = read((tmp_path / "b.pcap").read_bytes())
    unit_ns = 1000 if form == "pcap" else 1
    rtp = [packet for packet in packets if packet[1][:1] == b"\x80"]
    assert rtp == [
        ((START_NS + n * 20_000_000) // unit_ns * unit_ns, rtp_message(n)) for n in range(300)
    ]
    assert not truncated
