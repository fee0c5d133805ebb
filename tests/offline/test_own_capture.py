"""One walk through our own captures: everything once, in an order by which it can be judged."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.capture.support import START_NS, new_writer, opened, read_in_pieces
from voipbin_cli.capture.captured import EVENT_SHAPES, CapturedEvent, CaptureEventName
from voipbin_cli.codec.encapsulation import Direction
from voipbin_cli.offline.diagnose import diagnose_file
from voipbin_cli.offline.own_capture import is_reconnection, steps

IN, OUT = Direction.IN, Direction.OUT
Row = tuple[Direction, bytes | str] | str


def walked(rows: list[Row], events: tuple[str, ...]) -> list[Row | tuple[Direction, list[bytes]]]:
    """Write rows (a message, or the name of an event), and walk through what was written."""
    writer, sink = new_writer("sln")
    for n, row in enumerate(rows):
        if isinstance(row, str):
            writer.event(START_NS + n, row, {})
        else:
            writer.message(START_NS + n, *row)
    writer.close()
    found: list[Row | tuple[Direction, list[bytes]]] = []
    for step in steps(opened(sink.data), events):
        if isinstance(step, CapturedEvent):
            found.append(step.name)
        else:
            messages = step.messages
            found.append((step.direction, [messages.message(n) for n in range(len(messages))]))
    return found


def test_what_was_sent_before_anything_came_is_before_it_and_the_rest_behind() -> None:
    rows: list[Row] = [(OUT, b"1"), (OUT, b"2"), (IN, b"3"), (OUT, b"4"), (IN, b"5"), (OUT, b"6")]
    assert walked(rows, ()) == [(OUT, [b"1", b"2"]), (IN, [b"3", b"5"]), (OUT, [b"4", b"6"])]


@pytest.mark.parametrize("direction", Direction)
def test_messages_of_one_direction_are_one_step(direction: Direction) -> None:
    rows: list[Row] = [(direction, b"1"), (direction, b"2")]
    assert walked(rows, ()) == [(direction, [b"1", b"2"])]


def test_events_that_are_asked_for_part_the_messages_and_others_do_not() -> None:
    rows: list[Row] = [(IN, b"1"), "rtt", (OUT, b"2"), (IN, b"3"), "open", (IN, b"4"), "open"]
    assert walked(rows, ("open",)) == [
        (IN, [b"1", b"3"]), (OUT, [b"2"]), "open", (IN, [b"4"]), "open",
    ]  # fmt: skip
    assert walked(rows, ("rtt",))[:2] == [(IN, [b"1"]), "rtt"]
    assert walked([], ("open",)) == []


def test_text_and_long_messages_stand_where_they_were() -> None:
    long = bytes(range(256)) * 300
    rows: list[Row] = [(IN, b"1"), (OUT, "MARK"), (IN, b"2"), (IN, long), (IN, b"3")]
    assert walked(rows, ()) == [
        (IN, [b"1"]), (OUT, [b"MARK"]), (IN, [b"2"]), (IN, [long]), (IN, [b"3"]),
    ]  # fmt: skip


@given(
    st.lists(st.tuples(st.sampled_from(Direction), st.binary(max_size=30)) | st.just("open")),
    st.integers(200, 2000),
)
def test_nothing_is_lost_and_each_direction_is_in_order(rows: list[Row], size: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        read_in_pieces(patch, size)
        found = walked(rows, ("open",))
    for direction in Direction:
        mine = [row for row in rows if row == "open" or row[0] is direction]
        wanted = [row if row == "open" else row[1] for row in mine]
        got: list[bytes | str] = []
        for step in found:
            if isinstance(step, str):
                got.append(step)
            elif step[0] is direction:
                got += step[1]
        assert got == wanted


@pytest.mark.parametrize(
    ("name", "fields", "expected"),
    [
        ("open", {"connection": 1}, True),
        ("open", {"connection": 0}, False),
        ("open", {}, False),
        ("close", {"connection": 1}, False),
    ],
)
def test_the_first_connection_is_no_other_one(
    name: str, fields: dict[str, int], expected: bool
) -> None:
    assert is_reconnection(CapturedEvent(START_NS, name, fields)) is expected


@pytest.mark.parametrize(
    "value",
    [10**399, 10**18, -1, 1e308, math.nan, -math.inf, True, "x", "\ud800", [[]], {"a": [{}]}],
)
def test_events_that_anybody_may_have_written_end_no_diagnosis(
    value: object, tmp_path: Path
) -> None:
    writer, sink = new_writer("sln")
    fields = dict.fromkeys(EVENT_SHAPES, value)
    for n in range(60):
        writer.message(START_NS + n * 20_000_000, IN, bytes(320))
        for changed in ({}, {"ms": [value]}, {"finding": "auth", "details": {"outage_s": value}}):
            name = tuple(CaptureEventName)[n % len(CaptureEventName)]
            writer.event(START_NS + n * 20_000_000, name, fields | changed)
            # Without these an event means another thing.
            few = {key: value for key in fields if key not in ("abrupt", "finding", "cause")}
            writer.event(START_NS + n * 20_000_000, name, few | changed)
    writer.close()
    path = tmp_path / "strange.pcapng"
    path.write_bytes(sink.data)
    summary = diagnose_file(str(path)).summary
    json.dumps(summary, allow_nan=False)
