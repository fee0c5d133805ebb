from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from voipbin_cli.analysis.playout.sample_queue import SampleQueue


def piece(start, count):
    """Samples that say where they stand."""
    return np.arange(start, start + count, dtype=np.float32)


def test_pieces_out_of_order_come_out_in_order():
    queue = SampleQueue(1000)
    for start in (20, 0, 10):
        queue.put(start, piece(start, 10))
    got = [queue.take(at, 10).tolist() for at in (0, 10, 20)]
    assert got == [list(range(at, at + 10)) for at in (0, 10, 20)]
    assert queue.held == 0


def test_a_gap_is_told_by_its_length():
    queue = SampleQueue(1000)
    queue.put(50, piece(50, 10))
    assert queue.take(0, 10).size == 0
    assert queue.gap(0, 160) == 50
    assert queue.gap(0, 20) == 20
    assert queue.available(50) == 10


def test_what_is_before_the_floor_is_not_kept():
    queue = SampleQueue(1000)
    queue.put(0, piece(0, 20), floor=15)
    assert queue.first == 15
    assert queue.held == 5


def test_the_front_moves_when_it_is_full():
    queue = SampleQueue(100)
    for start in range(0, 150, 10):
        moved = queue.put(start, piece(start, 10), floor=0)
    assert moved == 50
    assert (queue.first, queue.held) == (50, 100)


def test_peek_leaves_everything_in_place():
    queue = SampleQueue(1000)
    queue.put(0, piece(0, 10))
    queue.put(10, piece(10, 10))
    queue.put(30, piece(30, 10))
    assert queue.peek(5, 100).size == 0
    assert queue.peek(0, 100).tolist() == list(range(20))
    assert queue.peek(0, 13).size == 13
    assert queue.held == 30


@given(st.permutations(range(12)), st.sets(st.integers(0, 11)), st.integers(1, 37))
def test_any_order_with_doubles_and_losses_plays_what_there_is(order, lost, portion):
    queue = SampleQueue(10_000)
    for number in [*order, *order]:
        if number not in lost:
            queue.put(number * 10, piece(number * 10, 10))
    assert queue.held == 10 * (12 - len(lost))
    at, got = 0, []
    while at < 120:
        part = queue.take(at, portion)
        got += part.tolist()
        at += part.size or queue.gap(at, portion)
    assert got == [s for n in range(12) if n not in lost for s in range(n * 10, n * 10 + 10)]
    assert queue.held == 0


@given(st.lists(st.tuples(st.integers(0, 200), st.integers(1, 60)), max_size=20))
def test_pieces_that_overlap_never_play_a_sample_twice_or_out_of_place(pieces):
    queue = SampleQueue(10_000)
    for start, count in pieces:
        queue.put(start, piece(start, count))
    at, got = 0, []
    while queue.held:
        at += queue.gap(at, 1000)
        part = queue.take(at, 7)
        assert part.tolist() == list(range(at, at + part.size))
        got += part.tolist()
        at += part.size
    assert len(got) == len(set(got))
