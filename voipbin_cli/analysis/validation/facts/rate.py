"""How many samples come in a second, by their arrivals."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from voipbin_cli.analysis.arrivals.paces import CLOCK_RATIO, REAL_RATES_HZ
from voipbin_cli.analysis.columns import Floats, Ints, Mask, unequal
from voipbin_cli.codec.codecs import SAMPLE_RATE_HZ

# What comes at one rate in two stretches of a second, one after the other, comes at it steadily:
# jitter of 10 ms at the ends of one is 1 %, as much as a clock may be off.
STRETCH_NS = 1_000_000_000
# Below 8000 a second a sender that is slow cannot be told from sound of another rate.
_RATES_HZ: Floats = np.array([hz for hz in REAL_RATES_HZ if hz >= SAMPLE_RATE_HZ], float)


@dataclass(frozen=True, slots=True)
class RatePast:
    """Of each message of the latest stretches its time, and how long all before it play, in ns.

    `played_ns` is how long all of them play.
    """

    rows: tuple[tuple[int, int], ...] = ()
    played_ns: int = 0


class RateFacts:
    """Columns of rates. A message is timed where its time and the length of its audio are known.

    `rate_hz` is what is due, `duration_ns` how long each plays at that rate. What `is_again`, as
    the message before had it already, tells of no rate.
    """

    def __init__(
        self, time_ns: Ints, duration_ns: Ints, rate_hz: Ints, is_again: Mask, past: RatePast
    ) -> None:
        self._timed = np.flatnonzero((time_ns >= 0) & (duration_ns > 0))
        self._length = len(time_ns)
        self._rate_hz = rate_hz
        earlier = np.array(past.rows, np.int64).reshape(-1, 2)
        played_ns = np.where(is_again, 0, duration_ns)[self._timed]
        ends = past.played_ns + np.cumsum(played_ns)
        # A capture's clock may be set back: what came by it later counts as at once.
        self._time_ns = np.maximum.accumulate(np.concatenate([earlier[:, 0], time_ns[self._timed]]))
        self._before_ns = np.concatenate([earlier[:, 1], ends - played_ns])
        self._played_ns = int(ends[-1]) if len(ends) else past.played_ns

    @cached_property
    def _rates(self) -> tuple[Floats, Mask]:
        """Of the timed ones: the real rate that is nearest, and whether both stretches keep it."""
        here = np.arange(len(self._time_ns) - len(self._timed), len(self._time_ns))
        now = self._time_ns[here]
        middle, start = (
            np.searchsorted(self._time_ns, now - back_ns)
            for back_ns in (STRETCH_NS, 2 * STRETCH_NS)
        )
        due_hz = self._rate_hz[self._timed]
        nearest = _nearest(due_hz * self._share(start, here))
        keeps = np.ones(len(here), bool)
        for first, last in ((start, middle), (middle, here)):
            keeps &= np.abs(due_hz * self._share(first, last) / nearest - 1) <= CLOCK_RATIO
        is_long = now - self._time_ns[:1] >= 2 * STRETCH_NS
        return nearest, keeps & is_long

    def _share(self, first: Ints, last: Ints) -> Floats:
        """How much audio came from the one to the other, for each second between them."""
        came_ns = self._before_ns[last] - self._before_ns[first]
        return np.asarray(came_ns / np.maximum(self._time_ns[last] - self._time_ns[first], 1))

    @cached_property
    def found_hz(self) -> Ints:
        """The rate at which samples came for the last seconds, 0 where no such rate exists."""
        nearest, keeps = self._rates
        column = np.zeros(self._length, np.int64)
        column[self._timed] = np.where(keeps, nearest, 0)
        return column

    @property
    def is_other(self) -> Mask:
        """Another rate than is due."""
        return (self.found_hz > 0) & unequal(self.found_hz, self._rate_hz)

    @property
    def end(self) -> RatePast:
        """What the block after this one has to know."""
        if not len(self._time_ns):
            return RatePast()
        # One more than the stretches, so that the first message after them sees that they are full.
        first = np.searchsorted(self._time_ns, self._time_ns[-1] - 2 * STRETCH_NS, "right") - 1
        columns = np.stack([self._time_ns, self._before_ns], axis=1)[max(0, int(first)) :]
        return RatePast(tuple((at, before) for at, before in columns.tolist()), self._played_ns)


def _nearest(hz: Floats) -> Floats:
    """The rate that sound is sampled at which is nearest to each."""
    off = np.abs(hz[:, None] / _RATES_HZ - 1)
    return np.asarray(_RATES_HZ[off.argmin(axis=1)])
