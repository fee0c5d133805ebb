"""What a report draws: every trouble at its place, and the figures of every frame."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
import pytest

from tests.corpus.runs import MS, START_NS, Run, arrivals
from voipbin_cli.analysis.messages import TimedMessage, from_messages
from voipbin_cli.analysis.plots import plot_data
from voipbin_cli.analysis.stream import StreamFold
from voipbin_cli.codec.encapsulation import Encapsulation

NONE: frozenset[str] = frozenset()
SPEECH = [message.data for message in arrivals(Run("", "clean", NONE))]
BARE = [data[12:] for data in SPEECH]
FRAME_NS = 20 * MS


def drawn(stream: StreamFold) -> dict[str, Any]:
    stream.flush()
    return plot_data(stream, stream.measured())


def marks(stream: StreamFold) -> list[tuple[str, float, float]]:
    return [(mark["name"], mark["from"], mark["to"]) for mark in drawn(stream)["marks"]]


def column(packed: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(packed), "<f4")


def on_the_grid(
    first: int, end: int, late_until_ms: int = 0, said: list[bytes] = SPEECH
) -> list[TimedMessage]:
    times = [max(n * FRAME_NS, late_until_ms * MS) for n in range(first, end)]
    return [TimedMessage(said[n], START_NS + at) for n, at in enumerate(times, first)]


def test_a_clean_stream_has_no_marks_and_a_delay_of_nothing() -> None:
    stream = StreamFold(Encapsulation.RTP, keep_rows=1000)
    stream.add(from_messages(on_the_grid(0, 300)))
    plot = drawn(stream)
    assert plot["marks"] == []
    assert column(plot["times"]).size == 300
    assert not column(plot["delays"]).any()
    assert not column(plot["jitter"]).any()
    assert plot["wav"] is None


def test_the_jitter_of_each_frame_is_that_of_rfc_3550() -> None:
    """A.8: a frame that is 16 ms late adds one, and half a millisecond less of it 15 ms late."""
    stream = StreamFold(Encapsulation.RTP, keep_rows=1000)
    rows = on_the_grid(0, 300)
    rows[100] = rows[100]._replace(time_ns=rows[100].time_ns + 16 * MS)
    stream.add(from_messages(rows))
    jitter = column(drawn(stream)["jitter"])
    assert jitter[99:102].tolist() == pytest.approx([0, 1, 1 + 15 / 16])


def test_stalls_losses_and_what_was_this_machine_are_marked_where_they_were() -> None:
    stream = StreamFold(Encapsulation.SLN)
    stream.lagged(START_NS + 3000 * MS, 200 * MS)
    rows = on_the_grid(0, 50, said=BARE)
    rows += on_the_grid(50, 140, late_until_ms=1280, said=BARE)
    rows += on_the_grid(140, 300, late_until_ms=3000, said=BARE)
    rows += on_the_grid(310, 480, said=BARE)
    stream.add(from_messages(rows))
    # Each begins with the frame before the pause: at 0.98, 2.78 and 5.98 s.
    assert marks(stream) == [
        ("stall", 0.98, 1.28),
        ("this machine was late", 2.78, 3.0),
        ("lost audio", 5.98, 6.2),
    ]


def test_a_pause_of_less_than_three_frames_is_not_marked() -> None:
    stream = StreamFold(Encapsulation.RTP)
    stream.add(from_messages(on_the_grid(0, 50) + on_the_grid(50, 300, late_until_ms=1035)))
    assert marks(stream) == []


def test_a_lost_connection_is_marked_for_as_long_as_it_was_lost() -> None:
    stream = StreamFold(Encapsulation.RTP)
    stream.add(from_messages(on_the_grid(0, 100)))
    stream.broke(START_NS + 2000 * MS)
    stream.reopened()
    stream.add(from_messages(on_the_grid(200, 300)))
    assert marks(stream) == [("connection lost", 2.0, 4.0)]


def test_one_that_never_came_back_is_marked_too() -> None:
    stream = StreamFold(Encapsulation.RTP)
    stream.add(from_messages(on_the_grid(0, 100)))
    stream.broke(START_NS + 2000 * MS)
    assert marks(stream) == [("connection lost", 2.0, 2.0)]


def test_holes_and_changes_of_codec_are_marked() -> None:
    for scenario, name in (("upstream-loss", "hole in the speech"), ("codec-change", "codec")):
        stream = StreamFold(Encapsulation.RTP)
        stream.add(from_messages(arrivals(Run("", scenario, NONE))))
        found = marks(stream)
        assert found
        assert all(mark[0].startswith(name) for mark in found)
        assert all(0 <= start < end <= 10.1 for _, start, end in found)


def test_sound_that_was_kept_to_some_length_gets_no_silence_behind_it() -> None:
    """Two seconds are kept; 200 ms are lost after one of them, and again after three."""
    stream = StreamFold(Encapsulation.SLN, keep_samples=16_000)
    rows = on_the_grid(0, 50, said=BARE) + on_the_grid(60, 150, said=BARE)
    stream.add(from_messages(rows + on_the_grid(160, 300, said=BARE)))
    plot = drawn(stream)
    assert [mark["name"] for mark in plot["marks"]] == ["lost audio", "lost audio"]
    assert len(base64.b64decode(plot["wav"])) == 44 + 2 * (16_000 + 1600)


@pytest.mark.parametrize(("lost_s", "samples"), [(500, 300 * 160 + 500 * 8000), (10**9, 100 * 160)])
def test_a_loss_of_years_makes_no_years_of_silence(lost_s: int, samples: int) -> None:
    """A clock that was set in mid-capture: the sound ends there, as it does in a report."""
    stream = StreamFold(Encapsulation.SLN, keep_samples=80_000)
    rows = on_the_grid(0, 300, said=BARE)
    rows[100:] = [row._replace(time_ns=row.time_ns + lost_s * 1000 * MS) for row in rows[100:]]
    stream.add(from_messages(rows))
    plot = drawn(stream)
    assert stream.measured().bursts.lost == lost_s * 50
    assert len(base64.b64decode(plot["wav"])) == 44 + 2 * samples
