"""Reference rows: RFC 3550 A.1 and A.3 worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voipbin_cli.analysis.arrivals.reception import Reception, SequenceFold


def scalar(numbers: list[int]) -> Reception:
    fold = SequenceFold()
    for number in numbers:
        fold.add_one(number)
    return fold.result()


def bulk(numbers: list[int]) -> Reception:
    fold = SequenceFold()
    fold.add(np.array(numbers, np.uint16))
    return fold.result()


@pytest.mark.parametrize("count", [scalar, bulk])
@pytest.mark.parametrize(
    ("numbers", "base", "highest", "expected", "received", "lost"),
    [
        # Probation drops 65532; 65535 and 2 never came; 0 is extended to 65536.
        ([65532, 65533, 65534, 0, 1, 3, 4], 65533, 65540, 8, 6, 2),
        ([10, 11, 12, 12, 13], 11, 13, 3, 4, -1),
        ([10, 11, 13, 12, 14], 11, 14, 4, 4, 0),
        ([1000, 1001, 1002, 852, 1003], 1001, 1003, 3, 3, 0),
        ([1000, 1001, 1002, 30000, 30001, 30002], 30001, 30002, 2, 2, 0),
        # 3010 - 11 = 2999 < MAX_DROPOUT; 3011 - 11 = 3000 is not.
        ([10, 11, 3010], 11, 3010, 3000, 2, 2998),
        ([10, 11, 3011], 11, 11, 1, 1, 0),
    ],
)
def test_reference_rows(count, numbers, base, highest, expected, received, lost):
    got = count(numbers)
    assert (got.base, got.extended_highest) == (base, highest)
    assert (got.expected, got.received, got.lost) == (expected, received, lost)


@pytest.mark.parametrize("count", [scalar, bulk])
def test_missing_duplicate_reordered_and_late_are_apart(count):
    # 12 twice (duplicate), 14 after 15 (reordered), 16 and 17 never (missing).
    got = count([10, 11, 12, 12, 13, 15, 14, 18])
    assert (got.missing, got.duplicate, got.reordered, got.late) == (2, 1, 1, 0)
    # A duplicate hides a loss in A.3's `lost`: 8 expected, 7 received.
    assert got.lost == 1


@pytest.mark.parametrize("count", [scalar, bulk])
def test_a_packet_150_behind_is_late_and_refused(count):
    got = count([1000, 1001, 1002, 852, 1003])
    # The probation's first packet and the late one.
    assert (got.late, got.refused, got.restarts) == (1, 2, 0)


@pytest.mark.parametrize("count", [scalar, bulk])
def test_misorder_limit_is_exclusive(count):
    run = list(range(1000, 1200))
    assert count([*run, 1199 - 99]).refused == 1  # accepted as a duplicate; only the probation's
    assert count([*run, 1199 - 99]).duplicate == 1
    assert count([*run, 1199 - 100]).refused == 2


@pytest.mark.parametrize("count", [scalar, bulk])
def test_a_restart_keeps_what_was_missing_before_it(count):
    got = count([10, 11, 13, 30000, 30001, 30003])
    assert got.restarts == 1
    assert got.missing == 2
    assert (got.total_expected, got.total_received) == (3 + 3, 2 + 2)


@pytest.mark.parametrize("count", [scalar, bulk])
def test_numbers_before_the_base_fill_no_hole(count):
    # 9 is below the base 11 and came late; 13 is missing still.
    got = count([10, 11, 12, 9, 14])
    assert (got.missing, got.reordered, got.duplicate) == (1, 1, 0)
    # 10 was the probation's packet: seen, so its second coming is a duplicate.
    assert count([10, 11, 12, 10]).duplicate == 1


def test_no_source_is_valid_without_two_in_sequence():
    got = scalar([5, 9, 20, 3])
    assert (got.base, got.expected, got.received, got.refused) == (None, 0, 0, 4)


steps = st.one_of(
    st.just(1), st.sampled_from([0, 2, -1, -2, 5, -99, -100, 2999, 3000, 30000]), st.integers()
)


@given(st.integers(0, 65535), st.lists(steps, max_size=60), st.lists(st.integers(0, 60)))
def test_any_cut_gives_the_scalar_figures(first, deltas, cuts):
    numbers = (first + np.cumsum([0, 1, *[delta % 65536 for delta in deltas]])) % 65536
    fold = SequenceFold()
    for part in np.split(numbers, sorted(cuts)):
        fold.add(part)
    assert fold.result() == scalar(numbers.tolist())


@given(st.lists(st.sampled_from([1, 1, 1, 1, 1, 2, 0, -1, -3, 40]), min_size=100, max_size=400))
def test_disordered_blocks_that_a1_accepts_equal_the_loop(deltas):
    numbers = (65400 + np.cumsum([0, 1, *deltas])) % 65536
    fold = SequenceFold()
    fold.add(numbers[:2])
    fold.add(numbers[2:])
    assert fold.result() == scalar(numbers.tolist())


def test_three_days_of_packets_wrap_hundreds_of_times():
    numbers = np.arange(65000, 65000 + 13_000_000, dtype=np.int64)
    kept = np.delete(numbers, slice(1_000_000, None, 1000))
    fold = SequenceFold()
    fold.add((kept % 65536).astype(np.uint16))
    got = fold.result()
    assert got.missing == got.lost == 12_000
    assert got.extended_highest == 65000 + 13_000_000 - 1
