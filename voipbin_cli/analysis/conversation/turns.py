"""Who spoke when: how soon we answer, how soon we fall silent, who talks over whom, dead air."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from itertools import pairwise
from math import exp, lgamma, log
from typing import NamedTuple

import numpy as np

from voipbin_cli.analysis.conversation.sent_track import Utterance

MS = 1_000_000
# A turn of the caller; what is shorter is a cough or a click.
_LEAST_NS = 100 * MS
# A word that only says "I am listening" is over soon, and we may go on: no barge-in.
_LISTENING_NS = 500 * MS
# Two who listen to each other speak at once for less than this, of what it were by chance.
_LISTENING_SHARE = 0.5
# Two recordings wait for each other in one of ten short calls; that their answers take the same
# time, too, is no chance.
_WAITS = 0.1
_LEAST_ANSWERS, _STEADY_SHARE = 4, 0.25
# Who begins within this of each other began together.
_TOGETHER_NS = 100 * MS
# Who falls silent within this after a word was interrupted by it.
_INTERRUPTED_NS = 1500 * MS
# So shortly before the end of all it is that which breaks a word off.
_ENDS_NS = 500 * MS
# Longer than any answer: what comes then is begun anew.
_LONGEST_ANSWER_NS = 30_000 * MS
# Silence between speakers is dead air from here on.
DEAD_AIR_NS = 2000 * MS


class Span(NamedTuple):
    """The caller speaks, from and until (ns)."""

    from_ns: int
    until_ns: int


# How often the interval of a median may miss it.
_MEDIAN_DOUBT = 0.01


class Spread(NamedTuple):
    """How long something took, over all times that it happened."""

    min: float
    p50: float
    p95: float
    max: float


class Turns(NamedTuple):
    """What the two tracks come to; durations in ms, nothing where it never happened.

    `barged_in_ns` are the caller's onsets that `barge_in` tells of. `chance_ms`:
    for how long two would speak at once who do not hear each other; `chance_of_waiting`: how likely
    it is that they begin as seldom as we did while the other speaks.
    """

    turns: int
    response: tuple[float, ...]
    barge_in: tuple[float, ...]
    barged_in_ns: tuple[int, ...]
    false_barge_ins: int
    talk_over_ms: float
    spoken_ms: float
    chance_ms: float
    dead_air_total_ms: float
    dead_air_longest_ms: float
    chance_of_waiting: float = 1.0

    @property
    def is_exchange(self) -> bool:
        """They take turns: half as often as by chance, or less, both speak at once.

        Or we wait for the end of the caller's speech, and answer after the same time each time:
        who is slow to fall silent speaks over the caller, and listens all the same.
        """
        return self.talk_over_ms < _LISTENING_SHARE * self.chance_ms or (
            self.chance_of_waiting <= _WAITS and self._is_steady
        )

    @property
    def _is_steady(self) -> bool:
        """The middle half of the answers takes about as long as the middle one."""
        if len(self.response) < _LEAST_ANSWERS:
            return False
        low, middle, high = np.percentile(self.response, [25, 50, 75])
        return bool(high - low <= _STEADY_SHARE * middle)

    @property
    def talk_over_share(self) -> float:
        """Of the time in which anybody speaks, how much both do."""
        anybody_ms = self.spoken_ms - self.talk_over_ms
        return self.talk_over_ms / anybody_ms if anybody_ms else 0.0


def spread(values: Sequence[float]) -> Spread | None:
    """Of some durations; None of none."""
    if not values:
        return None
    p50, p95 = np.percentile(values, [50, 95])
    return Spread(min(values), float(p50), float(p95), max(values))


def median_interval(values: Sequence[float]) -> tuple[float | None, float | None]:
    """Return two of the values between which the median of all that could be is with 99 %.

    Whatever their distribution; None of fewer than eight, which cannot tell.
    So many of n values are under it as heads in n tosses: the k lowest and the k highest are left
    out as long as both tails together hold 1 % at most.
    """
    n, left_out, tail = len(values), 0, 0.0
    while 2 * (tail := tail + _chance_of_heads(left_out, n)) <= _MEDIAN_DOUBT:
        left_out += 1
    if not left_out:
        return None, None
    ordered = sorted(values)
    return float(ordered[left_out - 1]), float(ordered[n - left_out])


def _chance_of_heads(heads: int, tosses: int) -> float:
    ways = lgamma(tosses + 1) - lgamma(heads + 1) - lgamma(tosses - heads + 1)
    return exp(ways - tosses * log(2))


def tell_turns(
    caller: Sequence[Span],
    ours: Sequence[Utterance],
    sounds: Sequence[Span] = (),
    last_ns: int | None = None,
) -> Turns:
    """Tell who spoke when from the caller's speech and our utterances, each in order of time.

    `sounds` is what else is heard of the caller's side: music, tones. `last_ns` is the end of all.
    """
    spoken = [span for span in caller if span.until_ns - span.from_ns >= _LEAST_NS]
    heard = [Span(one.from_ns, one.until_ns) for one in ours]
    gaps = list(_gaps([*spoken, *heard], sounds))
    barge_ins = list(_barge_ins(spoken, heard))
    return Turns(
        turns=_count_turns(spoken, heard),
        response=tuple(_responses(spoken, ours)),
        barge_in=tuple(took_ns / MS for _, took_ns in barge_ins),
        barged_in_ns=tuple(at_ns for at_ns, _ in barge_ins),
        false_barge_ins=_false_barge_ins(spoken, ours, last_ns),
        talk_over_ms=_overlap_ns(spoken, heard) / MS,
        spoken_ms=(_length_ns(spoken) + _length_ns(heard)) / MS,
        chance_ms=_chance_ns(spoken, heard) / MS,
        chance_of_waiting=_chance_of_waiting(spoken, heard),
        dead_air_total_ms=sum(gaps) / MS,
        dead_air_longest_ms=max(gaps, default=0) / MS,
    )


def _count_turns(caller: Sequence[Span], ours: Sequence[Span]) -> int:
    """Whoever begins to speak after the other did takes a turn."""
    order = sorted([(span.from_ns, 0) for span in caller] + [(span.from_ns, 1) for span in ours])
    return sum(before[1] != after[1] for before, after in pairwise(order)) + bool(order)


def _responses(caller: Sequence[Span], ours: Sequence[Utterance]) -> Iterable[float]:
    """From the end of the caller's speech to the message with our first sound after it, in ms."""
    begins = [span.from_ns for span in caller]
    silent_ns = None
    for one in ours:
        before = bisect_left(begins, one.sent_ns)
        if before:
            ended_ns = caller[before - 1].until_ns
            is_answer = silent_ns is None or ended_ns > silent_ns
            if is_answer and 0 <= one.sent_ns - ended_ns < _LONGEST_ANSWER_NS:
                yield (one.sent_ns - ended_ns) / MS
        silent_ns = one.until_ns


def _barge_ins(caller: Sequence[Span], ours: Sequence[Span]) -> Iterable[tuple[int, int]]:
    """The caller's onsets while we sound, and how long each took to our end, in ns."""
    begins = [span.from_ns for span in ours]
    told = -1
    for span in caller:
        before = bisect_right(begins, span.from_ns) - 1
        if before <= told or span.from_ns < ours[before].from_ns + _TOGETHER_NS:
            continue
        took_ns = ours[before].until_ns - span.from_ns
        lasted_ns = span.until_ns - span.from_ns
        if took_ns > 0 and (lasted_ns >= _LISTENING_NS or took_ns <= _INTERRUPTED_NS):
            told = before
            yield span.from_ns, took_ns


def _false_barge_ins(caller: Sequence[Span], ours: Sequence[Utterance], last_ns: int | None) -> int:
    """How often at least we broke off in the middle of a word while nobody spoke, nor just had.

    What the end of the call, or of its capture, cuts off was not broken off by us.
    """
    begins = [span.from_ns for span in caller]
    count = 0
    for one in ours:
        before = bisect_right(begins, one.until_ns) - 1
        spoke = before >= 0 and caller[before].until_ns > one.until_ns - _INTERRUPTED_NS
        is_last = last_ns is not None and one.until_ns > last_ns - _ENDS_NS
        count += one.broke_off and not spoke and not is_last
    return count


def _overlap_ns(caller: Sequence[Span], ours: Sequence[Span]) -> int:
    """How long both speak at once."""
    ends = [span.until_ns for span in ours]
    total = 0
    for span in caller:
        for other in ours[bisect_left(ends, span.from_ns) :]:
            if other.from_ns >= span.until_ns:
                break
            total += min(span.until_ns, other.until_ns) - max(span.from_ns, other.from_ns)
    return total


def _length_ns(spans: Iterable[Span]) -> int:
    return sum(until_ns - from_ns for from_ns, until_ns in spans)


def _chance_ns(caller: Sequence[Span], ours: Sequence[Span]) -> float:
    """How long both would speak at once from the first sound to the last, were it by chance."""
    every = [*caller, *ours]
    if not every:
        return 0.0
    took_ns = max(span.until_ns for span in every) - min(span.from_ns for span in every)
    return _length_ns(caller) * _length_ns(ours) / took_ns


def _chance_of_waiting(caller: Sequence[Span], ours: Sequence[Span]) -> float:
    """Of how many recordings in one so few would begin in the caller's speech (binomial)."""
    every = [*caller, *ours]
    if not every or not ours:
        return 1.0
    took_ns = max(span.until_ns for span in every) - min(span.from_ns for span in every)
    share = min(1.0, _length_ns(caller) / took_ns)
    begins = [span.from_ns for span in caller]
    spoken_into = 0
    for one in ours:
        before = bisect_right(begins, one.from_ns) - 1
        spoken_into += before >= 0 and one.from_ns < caller[before].until_ns - _TOGETHER_NS
    if not 0 < share < 1:
        return 1.0
    count, log_odds = len(ours), log(share) - log(1 - share)
    # By logarithms: of a thousand turns the numbers would not fit.
    return sum(
        exp(
            lgamma(count + 1) - lgamma(k + 1) - lgamma(count - k + 1)
            + k * log_odds + count * log(1 - share)
        )
        for k in range(spoken_into + 1)
    )  # fmt: skip


def _gaps(speakers: Sequence[Span], sounds: Sequence[Span]) -> Iterable[int]:
    """How long nothing is heard, between two who speak."""
    first_ns = min((span.from_ns for span in speakers), default=0)
    last_ns = max((span.until_ns for span in speakers), default=0)
    until_ns = first_ns
    for span in sorted([*speakers, *sounds]):
        if min(span.from_ns, last_ns) - until_ns >= DEAD_AIR_NS:
            yield min(span.from_ns, last_ns) - until_ns
        until_ns = max(until_ns, span.until_ns)
