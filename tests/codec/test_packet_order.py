"""Packets that UDP lost, doubled and mixed up."""

from __future__ import annotations

from random import Random

import pytest

from voipbin_cli.codec.packet_order import PATIENCE, InOrder


def put_in_order(numbers: list[int], ssrc: int = 1) -> list[int]:
    order: InOrder[int] = InOrder()
    ready = [number for sent in numbers for number in order.add(ssrc, sent & 0xFFFF, sent)]
    return ready + order.flush()


@pytest.mark.parametrize("first", [0, 65530])
@pytest.mark.parametrize("seed", range(20))
def test_all_that_came_within_patience_is_in_order_and_once(first: int, seed: int) -> None:
    """Each is put off by less than PATIENCE places; some come twice, and some never."""
    rng = Random(seed)
    sent = [first + n for n in range(200) if n == 0 or rng.random() > 0.05]
    mixed = sorted(sent[1:], key=lambda number: number + rng.uniform(0, PATIENCE - 1))
    doubled = [number for number in mixed for _ in range(1 + (rng.random() < 0.1))]
    assert put_in_order([first, *doubled]) == sent


def test_what_is_in_order_is_never_held_back() -> None:
    order: InOrder[int] = InOrder()
    assert [order.add(1, n & 0xFFFF, n) for n in range(65530, 65550)] == [
        [n] for n in range(65530, 65550)
    ]


def test_a_missing_packet_is_waited_for_until_so_many_have_overtaken_it() -> None:
    order: InOrder[int] = InOrder()
    assert order.add(1, 0, 0) == [0]
    later = range(2, 2 + PATIENCE)
    assert [order.add(1, n, n) for n in later] == [[]] * PATIENCE
    assert order.add(1, 2 + PATIENCE, 2 + PATIENCE) == [*later, 2 + PATIENCE]
    assert order.add(1, 1, 1) == []


def test_another_source_or_numbers_far_behind_begin_anew() -> None:
    order: InOrder[str] = InOrder()
    order.add(1, 5000, "a")
    assert order.add(1, 5002, "c") == []
    assert order.add(2, 7, "x") == ["c", "x"]
    assert order.add(2, 65000, "y") == ["y"]  # 543 behind 7
