"""Reference examples of RFC 3611 burst and gap metrics (Gmin 16, 20 ms frames)."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voipbin_cli.analysis.arrivals.bursts import BurstFold, VariationFold


def pattern(text: str) -> list[bool]:
    """`100. L LL.L`: numbers and dots are good packets, L a lost one."""
    flags: list[bool] = []
    for word in text.split():
        if word[:-1].isdigit():
            flags += [False] * int(word[:-1])
        else:
            flags += [letter == "L" for letter in word]
    return flags


def result(text: str):
    fold = BurstFold()
    fold.add(pattern(text))
    return fold.result()


def a2_loop(flags, gmin=16):
    """RFC 3611 appendix A.2 word for word."""
    c = dict.fromkeys(["c11", "c13", "c14", "c22", "c23", "c33"], 0)
    pkt = lost = 0
    for flag in flags:
        if not flag:
            pkt += 1
            continue
        if pkt >= gmin:
            c["c14" if lost == 1 else "c13"] += 1
            lost = 1
            c["c11"] += pkt
        else:
            lost += 1
            if pkt == 0:
                c["c33"] += 1
            else:
                c["c23"] += 1
                c["c22"] += pkt - 1
        pkt = 0
    return c


def test_good_packets_within_a_burst_by_hand():
    # A.2: c13 2, c23 2, c22 3 (one packet less than the good ones, twice), c33 0.
    # p32 = 2 / 4, p23 = 1 - 3 / 5, density 256 * 0.4 / (0.4 + 0.5).
    assert result("100. L...L..L 100. L").burst_density == pytest.approx(256 * 0.4 / 0.9)


def test_what_was_lost_is_carried_over_to_the_next_chunk():
    fold = BurstFold()
    fold.add(pattern("20. L 20. LL 20. L"))
    fold.add(pattern("20. L"))
    got = fold.result()
    # c11 80, c13 2 (the first, and after the pair), c14 2 (single losses), frames of 20 ms.
    assert got.gap_density == pytest.approx(256 * 2 / 82)
    assert got.gap_ms == (80 + 2 + 2) * 20 / 2
    assert got.frames == 85


def test_nothing_received_nothing_lost():
    got = BurstFold().result()
    assert (got.frames, got.loss_ratio, got.burst_density, got.mean_run_frames) == (
        0,
        0,
        None,
        None,
    )


def test_isolated_losses_and_one_burst():
    got = result("100. L 100. L 100. LLLLL 100. L")
    assert got.burst_density == 255
    assert got.gap_density == pytest.approx(1.274, abs=5e-4)
    assert got.gap_ms == 4040
    assert got.burst_ms == pytest.approx(60)
    assert got.burst_ratio == pytest.approx(1.9608, abs=5e-5)


def test_a_burst_with_good_packets_in_it():
    got = result("50. LL.L.LL 50. L 50. LLL 50. L")
    assert got.burst_density == pytest.approx(209.455, abs=5e-4)
    assert got.gap_density == pytest.approx(1.274, abs=5e-4)
    assert got.gap_ms == 1360
    assert got.burst_ms == pytest.approx(73.333, abs=5e-4)
    assert got.burst_ratio == pytest.approx(1.5881, abs=5e-5)


@pytest.mark.parametrize(
    "text", ["100. L 100. L 100. LLLLL 100. L", "50. LL.L.LL 50. L 50. LLL 50. L"]
)
def test_frame_by_frame_is_the_same(text):
    fold = BurstFold()
    for flag in pattern(text):
        fold.add_one(flag)
    assert fold.result() == result(text)


def test_fifteen_good_packets_do_not_end_a_burst_and_sixteen_do():
    # c23 counts the one within the burst, c13/c14 the one that ended it.
    assert a2_loop(pattern("20. L 15. L"))["c23"] == 1
    assert result("20. L 15. L 20. L").burst_ms > result("20. L 16. L 20. L").burst_ms


def test_runs_of_loss_by_length():
    got = result("5. L 5. LL 5. LL . " + "L" * 14)
    assert got.loss_runs == (1, 2, 0, 0, 0, 0, 0, 0, 0, 1)
    assert got.longest_run_frames == 14
    assert got.mean_run_frames == pytest.approx(19 / 4)


def test_no_loss_has_no_burst():
    got = result("500.")
    assert (got.burst_density, got.gap_ms, got.mean_run_frames) == (None, None, None)
    assert (got.frames, got.lost, got.burst_ratio) == (500, 0, 1.0)


flags_lists = st.lists(
    st.tuples(st.booleans(), st.sampled_from([1, 1, 2, 3, 15, 16, 17, 40])), max_size=30
).map(lambda runs: [flag for flag, length in runs for _ in range(length)])


@given(flags_lists, st.lists(st.integers(0, 200)))
def test_any_cut_gives_identical_figures(flags, cuts):
    whole, cut, single = BurstFold(), BurstFold(), BurstFold()
    whole.add(flags)
    for part in np.split(np.array(flags, bool), sorted(cuts)):
        cut.add(part)
    for flag in flags:
        single.add_one(flag)
    assert cut.result() == whole.result() == single.result()


@given(flags_lists, st.integers(0, 60), flags_lists)
def test_frames_of_which_none_came_count_as_each_of_them(before, count, after):
    runs, single = BurstFold(), BurstFold()
    runs.add(before)
    runs.add_lost(count)
    runs.add(after)
    single.add([*before, *[True] * count, *after])
    assert runs.result() == single.result()


@given(flags_lists)
def test_transitions_equal_the_loop_of_the_rfc(flags):
    fold = BurstFold()
    fold.add(flags)
    c = a2_loop(flags)
    got = fold.result()
    if c["c13"]:
        total = c["c11"] + c["c14"] + 2 * c["c13"] + c["c22"] + 2 * c["c23"] + c["c33"]
        gap = (c["c11"] + c["c14"] + c["c13"]) * 20 / c["c13"]
        assert got.gap_ms == pytest.approx(gap)
        assert got.burst_ms == pytest.approx(total * 20 / c["c13"] - gap)
    else:
        assert got.gap_ms is None


def test_delay_variation_falls_into_the_buckets_users_know():
    fold = VariationFold()
    fold.add([0, 49.9, 50, 69, 70, 199.9, 200])
    fold.add_one(1000.0)
    assert fold.result() == {
        "<50": 2, "50-70": 2, "70-90": 1, "90-120": 0, "120-150": 0, "150-200": 1,
        "200-300": 1, ">=300": 1,
    }  # fmt: skip
