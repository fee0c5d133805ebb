"""A recording keeps every frame, in order, and the call's clock."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voipbin_cli.codec.codecs import Codec
from voipbin_cli.codec.dialect import AudioFrame
from voipbin_cli.codec.encapsulation import Unit
from voipbin_cli.session.silence_filling import HOLD_LIMIT_NS, SILENT_NS, CallClock

MS = 1_000_000
UNIT = Unit(b"", None, None)


def frame(number: int, at_ms: float) -> AudioFrame:
    """20 ms whose every sample is the frame's number, never zero."""
    pcm = (number % 30000 + 1).to_bytes(2, "little") * 160
    return AudioFrame(pcm, round(at_ms * MS), UNIT, Codec.S16LE, 8000)


def record(arrivals_ms: list[float], *, fill: bool = True) -> tuple[bytes, CallClock]:
    clock = CallClock(fill=fill)
    pcm = b"".join(b"".join(clock.add(frame(i, at))) for i, at in enumerate(arrivals_ms))
    return pcm + b"".join(clock.finish()), clock


def without_silence(pcm: bytes) -> list[int]:
    """The numbers of the frames, in the order in which they were written."""
    numbers = [int.from_bytes(pcm[i : i + 2], "little") - 1 for i in range(0, len(pcm), 320)]
    return [number for number in numbers if number >= 0]


def test_a_steady_stream_is_written_as_it_comes() -> None:
    clock = CallClock(fill=True)
    for i in range(100):
        assert b"".join(clock.add(frame(i, i * 20.0))) == frame(i, 0).pcm


def test_the_silence_stands_where_the_audio_is_missing() -> None:
    arrivals = [i * 20.0 for i in range(50)] + [1200.0 + i * 20.0 for i in range(50)]
    pcm, clock = record(arrivals)
    assert pcm == (
        b"".join(frame(i, 0).pcm for i in range(50))
        + bytes(320 * 10)
        + b"".join(frame(i, 0).pcm for i in range(50, 100))
    )
    assert clock.filled_samples == 1600


def test_a_stall_adds_nothing() -> None:
    arrivals = (
        [i * 20.0 for i in range(50)] + [1200.0] * 11 + [1220.0 + i * 20.0 for i in range(50)]
    )
    pcm, clock = record(arrivals)
    assert len(pcm) == 320 * len(arrivals)
    assert clock.filled_samples == 0


def test_nothing_is_held_back_for_longer_than_the_limit() -> None:
    clock = CallClock(fill=True)
    for i in range(50):
        list(clock.add(frame(i, i * 20.0)))
    assert list(clock.add(frame(50, 1300.0))) == []
    still_waiting = 1300 * MS + HOLD_LIMIT_NS - 1
    assert list(clock.release_overdue(still_waiting)) == []
    assert list(clock.release_overdue(still_waiting + 1)) == [frame(50, 0).pcm]


def with_a_gap(queued_ms: float) -> tuple[int, CallClock]:
    """Samples filled where 200 ms are missing and pings take `queued_ms` longer than at best."""
    clock = CallClock(fill=True, queued_ms=lambda: queued_ms)
    arrivals = [i * 20.0 for i in range(50)] + [1200.0 + i * 20.0 for i in range(50)]
    pcm = b"".join(b"".join(clock.add(frame(i, at))) for i, at in enumerate(arrivals))
    assert without_silence(pcm + b"".join(clock.finish())) == list(range(100))
    return clock.filled_samples, clock


def test_audio_that_a_queue_holds_back_is_not_filled() -> None:
    filled, _ = with_a_gap(120.0)
    assert filled == 0
    # Less of a queue than six tenths of what is missing explains nothing.
    assert with_a_gap(119.9)[0] == 1600


def test_at_the_end_a_queue_explains_what_is_missing_too() -> None:
    for queued_ms, filled in ((0.0, 1600), (200.0, 0)):
        clock = CallClock(fill=True, queued_ms=lambda queued_ms=queued_ms: queued_ms)
        for i in range(50):
            list(clock.add(frame(i, i * 20.0)))
        list(clock.add(frame(50, 1200.0)))
        list(clock.finish())
        assert clock.filled_samples == filled


def test_no_queue_explains_what_a_broken_link_lost() -> None:
    clock = CallClock(fill=True, queued_ms=lambda: 5000.0)
    for i in range(50):
        list(clock.add(frame(i, i * 20.0)))
    list(clock.add(frame(50, 1200.0)))  # 200 ms are missing
    list(clock.broke())
    assert clock.filled_samples == 1600


def test_it_is_in_doubt_while_a_gap_is_open_or_nothing_comes() -> None:
    clock = CallClock(fill=True)
    assert not clock.is_in_doubt(10_000 * MS)
    for i in range(50):
        list(clock.add(frame(i, i * 20.0)))
    assert not clock.is_in_doubt(980 * MS + SILENT_NS)
    assert clock.is_in_doubt(981 * MS + SILENT_NS)
    list(clock.add(frame(50, 1200.0)))
    assert clock.is_in_doubt(1200 * MS)


def test_an_outage_between_connections_is_silence_at_once() -> None:
    clock = CallClock(fill=True)
    for i in range(50):
        list(clock.add(frame(i, i * 20.0)))
    assert list(clock.broke()) == []
    # Two seconds after the first frame 100 frames are due, and 50 are there.
    assert b"".join(clock.add(frame(50, 2000.0))) == bytes(320 * 50) + frame(50, 0).pcm


def test_a_long_outage_is_filled_in_pieces() -> None:
    clock = CallClock(fill=True)
    list(clock.add(frame(0, 0.0)))
    list(clock.broke())
    pieces = list(clock.add(frame(1, 60_020.0)))
    assert sum(map(len, pieces)) == 60 * 16000 + 320
    assert max(map(len, pieces)) <= 16000


@given(
    gaps_ms=st.lists(
        st.one_of(st.just(20.0), st.floats(0.0, 40.0), st.floats(40.0, 3000.0)), max_size=200
    ),
    fill=st.booleans(),
)
def test_no_frame_is_lost_or_reordered(gaps_ms: list[float], fill: bool) -> None:
    arrivals, now = [], 0.0
    for gap in gaps_ms:
        now += gap
        arrivals.append(now)
    pcm, clock = record(arrivals, fill=fill)
    assert without_silence(pcm) == list(range(len(arrivals)))
    assert len(pcm) == 320 * len(arrivals) + 2 * clock.filled_samples
    assert fill or clock.filled_samples == 0


@pytest.mark.parametrize("ppm", [-200, 200])
def test_an_hour_of_drift_is_not_filled(ppm: int) -> None:
    clock = CallClock(fill=True)
    step_ms = 20.0 * (1 + ppm / 1e6)
    written = sum(len(piece) for i in range(180_000) for piece in clock.add(frame(i, i * step_ms)))
    assert (written, clock.filled_samples) == (180_000 * 320, 0)
