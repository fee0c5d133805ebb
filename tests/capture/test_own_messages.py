from __future__ import annotations

import contextlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.capture.support import (
    START_NS,
    new_writer,
    opened,
    read_in_pieces,
    records_of,
    rtp_message,
    vector,
)
from voipbin_cli import __version__
from voipbin_cli.capture.captured import (
    CapturedEvent,
    CapturedMessage,
    CaptureEventName,
    CaptureMeta,
)
from voipbin_cli.capture.datagrams import MAX_PAYLOAD_BYTES
from voipbin_cli.codec.encapsulation import Direction, Encapsulation
from voipbin_cli.errors import DecodeError

IN, OUT = Direction.IN, Direction.OUT


def reopened(sink):
    return opened(sink.data)


def write_all(writer, records):
    for record in records:
        if isinstance(record, CapturedMessage):
            writer.message(*record)
        else:
            writer.event(*record)
    writer.close()


RUN = [
    CapturedEvent(START_NS, CaptureEventName.OPEN, {"connection": 0}),
    CapturedMessage(START_NS + 1, IN, rtp_message(0)),
    CapturedMessage(START_NS + 2, OUT, rtp_message(0, payload=bytes(320))),
    CapturedMessage(START_NS + 2, IN, "a text — with more than ASCII \0"),
    CapturedMessage(START_NS + 3, IN, b""),
    CapturedMessage(START_NS + 4, OUT, ""),
    CapturedEvent(START_NS + 5, CaptureEventName.RTT, {"ms": [12.25, 13.5]}),
    CapturedMessage(START_NS + 6, IN, bytes(range(256)) * 800),
    CapturedMessage(START_NS + 7, OUT, bytes(MAX_PAYLOAD_BYTES)),
    CapturedMessage(START_NS + 7, OUT, bytes(MAX_PAYLOAD_BYTES + 1)),
    CapturedEvent(START_NS + 8, CaptureEventName.LOCAL_LAG, {"ms": [0.1] * 20_000}),
    CapturedMessage(START_NS + 9, IN, "\ud800 alone"),
    CapturedEvent(
        START_NS + 9, CaptureEventName.CLOSE, {"code": 1006, "cause": "network", "x": None}
    ),
]


@pytest.mark.parametrize("encapsulation", list(Encapsulation))
def test_what_a_live_run_knew_comes_back(encapsulation):
    writer, sink = new_writer(encapsulation, command="record", started="2026-11-23")
    write_all(writer, RUN)
    capture = reopened(sink)
    assert records_of(capture) == RUN
    assert capture.meta == CaptureMeta(
        encapsulation,
        "call/abc",
        __version__,
        {"command": "record", "started": "2026-11-23"},
    )
    assert not capture.truncated
    assert capture.damaged_events == 0
    assert capture.passed_over == {}


messages = st.builds(
    CapturedMessage,
    st.integers(START_NS, START_NS + 10**9),
    st.sampled_from(Direction),
    st.binary(max_size=400) | st.text(max_size=50),
    st.integers(0, 3),
)
events = st.builds(
    CapturedEvent,
    st.integers(START_NS, START_NS + 10**9),
    st.text(min_size=1, max_size=10),
    st.dictionaries(
        st.text(max_size=5).filter(lambda name: name != "event"),
        st.integers() | st.text(max_size=5) | st.booleans() | st.none(),
        max_size=3,
    ),
)


@given(st.lists(messages | events, max_size=30), st.sampled_from(Encapsulation))
def test_any_run_comes_back_in_the_order_of_its_times(records, encapsulation):
    writer, sink = new_writer(encapsulation)
    write_all(writer, records)
    assert records_of(reopened(sink)) == sorted(records, key=lambda record: record.time_ns)


@pytest.mark.parametrize("read_bytes", [8, 300, 4096, 70_000])
def test_how_the_file_is_cut_into_pieces_leaves_no_trace(monkeypatch, read_bytes):
    read_in_pieces(monkeypatch, read_bytes)
    writer, sink = new_writer("rtp")
    write_all(writer, RUN)
    assert records_of(reopened(sink)) == RUN


def test_binary_messages_are_columns():
    writer, sink = new_writer("rtp")
    expected = [CapturedMessage(time_ns, IN, data) for time_ns, data in vector("rtp-linear")]
    write_all(writer, expected)
    (chunk,) = reopened(sink).message_chunks()
    assert chunk.others == []
    assert chunk.time_ns.tolist() == [message.time_ns for message in expected]
    assert chunk.direction.tolist() == [1] * 50
    octets = np.frombuffer(chunk.data, np.uint8)
    payload_types = octets[chunk.offset + 1] & 0x7F
    assert set(payload_types.tolist()) == {96}
    assert chunk.length_bytes.tolist() == [332] * 50


def test_a_damaged_event_is_counted_and_left_out():
    writer, sink = new_writer("sln")
    write_all(writer, [CapturedEvent(1, "rtt", {"ms": [1]}), CapturedMessage(2, IN, b"ab")])
    damaged = sink.data.replace(b'{"event"', b"[[[[[[[[")
    assert damaged != sink.data
    capture = opened(damaged)
    assert records_of(capture) == [CapturedMessage(2, IN, b"ab")]
    assert capture.damaged_events == 1


def test_a_missing_part_of_a_long_message_does_no_harm_to_the_next():
    long, other = bytes(200_000), bytes([7]) * 100_000
    writer, sink = new_writer("sln")
    write_all(writer, [CapturedMessage(1, IN, long), CapturedMessage(2, IN, other)])
    # header block, then 4 parts of the first (0 to 3) and 2 of the second
    cut = b"".join([*sink.writes[:3], *sink.writes[5:]])
    assert records_of(opened(cut)) == [CapturedMessage(2, IN, other)]


@given(st.integers(0, 2000), st.binary(min_size=1, max_size=8))
def test_damage_anywhere_raises_nothing_but_decode_errors(at, garbage):
    writer, sink = new_writer("rtp")
    write_all(writer, [*RUN[:6], RUN[-1]])
    data = bytearray(sink.data)
    data[at : at + len(garbage)] = garbage
    with contextlib.suppress(DecodeError):
        records_of(opened(bytes(data)))
