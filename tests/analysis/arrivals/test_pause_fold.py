"""Columns of arrivals are judged as single frames are, wherever they are cut."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from voipbin_cli.analysis.arrivals.pause_fold import PauseFold
from voipbin_cli.analysis.columns import Ints
from voipbin_cli.analysis.pauses import Pause, PauseJudge

MS = 1_000_000
FRAME = 20 * MS


def one_by_one(times: Ints, places: Ints) -> list[Pause]:
    """What the judge says who sees each frame."""
    judge = PauseJudge()
    rows = zip(times.tolist(), places.tolist(), strict=True)
    told = [pause for at, place in rows for pause in judge.add(at, place, FRAME)]
    return told + list(judge.finish())


def led(times: Ints, places: Ints, cuts: list[int]) -> tuple[list[Pause], Ints]:
    """The pauses, and the delays on the clock that they leave, of columns cut at these rows."""
    fold, edges = PauseFold(), sorted(cuts)
    own = np.full(times.size, FRAME)
    parts = zip(*(np.split(column, edges) for column in (times, own, places)), strict=True)
    delays = [fold.add(*part).delays for part in parts]
    return fold.pauses, np.concatenate([*delays, fold.finish().delays])


PACES = st.sampled_from([0, 5, 10, 20, 20, 20, 20, 20, 20, 45, 60, 200, 700])


@given(
    st.lists(st.tuples(PACES, st.integers(1, 60)), max_size=30),
    st.lists(st.integers(0, 2000), max_size=6),
)
def test_any_cut_gives_what_single_frames_give(
    stretches: list[tuple[int, int]], cuts: list[int]
) -> None:
    gaps = [gap if n % 7 == 0 else min(gap, 20) for gap, count in stretches for n in range(count)]
    times = np.cumsum(np.array([0, *gaps], np.int64)) * MS
    places = np.arange(times.size) * FRAME
    told = one_by_one(times, places)
    pauses, delays = led(times, places, cuts)
    assert pauses == told
    absent = np.zeros(times.size, np.int64)
    for pause in told:
        absent[pause.frame] = pause.absent_ns
    assert delays.tolist() == (times - places - np.cumsum(absent)).tolist()


def test_what_follows_a_pause_is_held_back_until_it_is_settled() -> None:
    fold = PauseFold()
    times = np.arange(100) * FRAME
    times[50:] += 200 * MS
    own = np.full(100, FRAME)
    places = np.arange(100) * FRAME
    assert fold.add(times[:60], own[:60], places[:60]).delays.size == 50
    # Half a second after frame 50 the delay has not fallen: 25 frames, and this one ends it.
    assert fold.add(times[60:75], own[60:75], places[60:75]).delays.size == 0
    assert fold.add(times[75:76], own[75:76], places[75:76]).delays.tolist() == [0] * 26
    assert [(pause.frame, pause.lost_ns) for pause in fold.pauses] == [(50, 200 * MS)]


def test_what_is_missing_by_number_or_out_of_order_is_no_pause() -> None:
    numbers = [*range(50), *range(60, 80), 55, 79, *range(80, 120)]
    places = np.array(numbers) * FRAME
    times = np.maximum.accumulate(places)
    own = np.full(times.size, FRAME)
    fold = PauseFold()
    assert fold.add(times, own, places).delays.tolist() == (times - places).tolist()
    # 200 ms in front of what is row 112: the late one and the second 79 are rows, too.
    more = np.arange(120, 200) * FRAME
    fold.add(more + 200 * MS, own[:80], more)
    fold.finish()
    assert [(pause.frame, pause.lost_ns) for pause in fold.pauses] == [(112, 200 * MS)]


def test_a_lost_connection_settles_what_is_open_and_begins_anew() -> None:
    fold = PauseFold()
    times = np.arange(100) * FRAME
    times[90:] += 200 * MS
    own = np.full(100, FRAME)
    assert fold.add(times, own, np.arange(100) * FRAME).delays.size == 90
    assert fold.broke().delays.tolist() == [0] * 10
    # The next one's first frame is placed where the time says.
    later = times[-1] + 5000 * MS + np.arange(100) * FRAME
    assert fold.add(later, own, later - 200 * MS).delays.tolist() == [0] * 100
    assert [pause.frame for pause in fold.pauses] == [90]
