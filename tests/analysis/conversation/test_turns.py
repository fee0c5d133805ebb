"""Who listens to whom, from spans of time alone."""

from __future__ import annotations

import random
from typing import Any

import pytest

from voipbin_cli.analysis.conversation.sent_track import Utterance
from voipbin_cli.analysis.conversation.turns import MS, Span, median_interval, tell_turns


def speaks(from_ms: float, until_ms: float) -> Span:
    return Span(round(from_ms * MS), round(until_ms * MS))


def ours(from_ms: float, until_ms: float) -> Utterance:
    begins, ends = round(from_ms * MS), round(until_ms * MS)
    return Utterance(begins, begins, ends, -20.0, -60.0)


@pytest.mark.parametrize("yields_ms", [100, 600, 1500])
@pytest.mark.parametrize("answers_ms", [300, 2500])
def test_whoever_answers_listens_however_slow_it_is(answers_ms: int, yields_ms: int) -> None:
    """Of each two turns of the caller the second breaks into an answer."""
    caller, bot, at = [], [], 500.0
    for n in range(5):
        caller.append(speaks(at, at + 2000))
        begins = at + 2000 + answers_ms + 7 * n
        interrupted = begins + 1200
        caller.append(speaks(interrupted, interrupted + 2000))
        bot.append(ours(begins, interrupted + yields_ms))
        at = interrupted + 2000 + answers_ms
        bot.append(ours(at, at + 1500))
        at += 2300
    turns = tell_turns(caller, bot)
    assert turns.is_exchange
    assert turns.barge_in == pytest.approx([yields_ms] * 5)


def test_two_recordings_are_seldom_taken_for_an_exchange() -> None:
    """Each speaks for half of a minute, whatever the other does."""
    taken = 0
    for seed in range(300):
        rng = random.Random(seed)
        tracks = []
        for _ in range(2):
            spans, at = [], rng.uniform(0, 2000)
            while at < 60_000:
                length = rng.uniform(800, 4000)
                spans.append((at, at + length))
                at += length + rng.uniform(500, 4000)
            tracks.append(spans)
        turns = tell_turns([speaks(*s) for s in tracks[0]], [ours(*s) for s in tracks[1]])
        taken += turns.is_exchange
    assert taken <= 9


def test_hours_of_turns_are_counted_too() -> None:
    caller = [speaks(5000 * n, 5000 * n + 2000) for n in range(3000)]
    bot = [ours(5000 * n + 2500, 5000 * n + 4500) for n in range(3000)]
    turns = tell_turns(caller, bot)
    assert turns.is_exchange
    assert turns.chance_of_waiting < 1e-100


@pytest.mark.parametrize(
    ("n", "inner"),
    # Tails of n tosses: 2/2^7 = 1.6 %; 2/2^8 = 0.8 %; of 20, 2 (1 + 20 + 190 + 1140)/2^20 = 0.26 %,
    # with 4845 more 1.2 %.
    [(7, (None, None)), (8, (1.0, 8.0)), (20, (4.0, 17.0))],
)
def test_a_median_is_between_two_of_the_values_with_99_percent(n: int, inner: Any) -> None:
    assert median_interval([float(value) for value in range(n, 0, -1)]) == inner
