"""Delays between attempts."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voipbin_cli.transport.backoff import Backoff


class Highest(Random):
    """An rng that always draws the upper end."""

    def uniform(self, a: float, b: float) -> float:
        return b


def test_the_upper_end_doubles_from_the_floor_to_the_ceiling() -> None:
    backoff = Backoff(Highest())
    delays = [backoff.next_delay(0.0) for _ in range(8)]
    # 0.2 s · 2ⁿ, capped at 10 s
    assert delays == [0.4, 0.8, 1.6, 3.2, 6.4, 10.0, 10.0, 10.0]


@given(st.integers(), st.integers(0, 5000))
def test_every_delay_is_between_floor_and_ceiling(seed: int, attempts: int) -> None:
    backoff = Backoff(Random(seed))
    backoff.attempts = attempts
    delay_s = backoff.next_delay(0.0)
    assert delay_s is not None
    assert 0.2 <= delay_s <= 10.0


def test_the_jitter_is_full() -> None:
    rng = Random(1)
    delays = []
    for _ in range(500):
        backoff = Backoff(rng)
        backoff.attempts = 5
        delays.append(backoff.next_delay(0.0) or 0.0)
    assert min(delays) < 0.5
    assert max(delays) > 9.7
    # uniform over 0.2–10 s: mean 5.1 s, standard error of 500 draws 0.13 s
    assert sum(delays) / 500 == pytest.approx(5.1, abs=0.6)


def test_the_same_seed_gives_the_same_delays() -> None:
    one, other = Backoff(Random(7)), Backoff(Random(7))
    assert [one.next_delay(0) for _ in range(9)] == [other.next_delay(0) for _ in range(9)]


def test_retry_after_is_never_undercut_even_above_the_ceiling() -> None:
    backoff = Backoff(Random(0))
    assert backoff.next_delay(0.0, retry_after=30.0) == 30.0
    assert (backoff.next_delay(0.0, retry_after=0.0) or 0) >= 0.2


def test_it_gives_up_when_the_next_attempt_would_come_too_late() -> None:
    backoff = Backoff(Highest(), give_up_after_s=60.0)
    assert backoff.next_delay(59.0) == 0.4
    assert backoff.next_delay(59.5) is None  # 0.8 s later is past the end
    assert backoff.next_delay(0.0, retry_after=61.0) is None


def test_a_reset_starts_over_from_the_floor() -> None:
    backoff = Backoff(Highest())
    for _ in range(5):
        backoff.next_delay(0.0)
    backoff.reset()
    assert backoff.next_delay(0.0) == 0.4
