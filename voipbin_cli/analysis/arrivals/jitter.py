"""Interarrival jitter: RFC 3550 section 6.4.1 and appendix A.8."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from voipbin_cli.analysis.batch_means import BatchMeans
from voipbin_cli.analysis.columns import Blocks, Floats, Ints, wrapped_steps

# 5.1: the width of the timestamp, which wraps around.
TIMESTAMP_BITS = 32
# Packets in a block of `_recursion`, whose terms grow by 16/15 a packet: after 256 by 1.5e7, which
# leaves 8 of a double's 16 digits.
_BLOCK = 256
# Values whose mean is one of those that the uncertainty is told from: four times as long as the
# filter remembers, so that neighbours know little of each other.
_BATCH = 64
# 6.4.1: "the gain parameter 1/16 gives a good noise reduction ratio while maintaining a reasonable
# rate of convergence"; what is left of the jitter before is 15/16.
_DECAY = 15.0 / 16.0
_DECAY_POWERS = _DECAY ** np.arange(1, _BLOCK + 1)


class Jitter(NamedTuple):
    """Interarrival jitter in milliseconds at `clock_hz`; `packets` counts the packets taken.

    `mean_ms` and `max_ms` are over the value after each packet but the first. All are None
    before the second packet, and `clock_hz` where there is no clock. Another stretch of the same
    stream would have a mean within `uncertainty_ms` of this one in 99 of 100; None of less than
    some five seconds.
    """

    mean_ms: float | None
    max_ms: float | None
    last_ms: float | None
    clock_hz: int | None
    packets: int
    uncertainty_ms: float | None = None


class JitterFold:
    """RFC 3550 A.8 over packets in order of arrival.

    `clock_hz` is the stream's true timestamp rate: 8000 where timestamps count samples, 16000
    where they count the bytes of linear audio. A wrong one gives nonsense, not an error.
    """

    def __init__(self, clock_hz: int) -> None:
        self.clock_hz = clock_hz
        self._packets = 0
        self._last_arrival = np.empty(0, np.int64)
        self._last_timestamp = np.empty(0, np.int64)
        self._deviations: Blocks[np.float64] = Blocks(_BLOCK, np.float64)
        self._jitter = 0.0
        self._sum = 0.0
        self._max = 0.0
        self._batches = BatchMeans(_BATCH)

    def add_one(self, arrival_ns: int, timestamp: int) -> None:
        """Take one packet: arrival in integer nanoseconds, RTP timestamp (32 bits)."""
        self.add([arrival_ns], [timestamp])

    def add(self, arrivals_ns: ArrayLike, timestamps: ArrayLike) -> None:
        """Take a chunk: arrivals in nanoseconds (floats are rounded), RTP timestamps (32 bits)."""
        arrivals = np.concatenate([self._last_arrival, _whole(arrivals_ns)])
        stamps = np.concatenate([self._last_timestamp, np.asarray(timestamps, np.int64).ravel()])
        if arrivals.size != stamps.size:
            raise ValueError("as many arrivals as timestamps are needed")
        if arrivals.size == 0:
            return
        self._packets += arrivals.size - self._last_arrival.size
        self._last_arrival, self._last_timestamp = arrivals[-1:].copy(), stamps[-1:].copy()
        # 6.4.1: "D(i,j) = (Rj - Ri) - (Sj - Si)", R the arrival and S the RTP timestamp, both in
        # timestamp units, for each packet "and the previous packet i-1 in order of arrival (not
        # necessarily in sequence)".
        transit = np.diff(arrivals) * (self.clock_hz / 1e9) - wrapped_steps(stamps, TIMESTAMP_BITS)
        for block in self._deviations.add(np.abs(transit)):
            values = _recursion(self._jitter, block)
            self._jitter = float(values[-1])
            self._sum += float(values.sum())
            self._max = max(self._max, float(values.max()))
            self._batches.add(values)

    def result(self) -> Jitter:
        """The figures so far."""
        if self._packets < 2:
            return Jitter(None, None, None, self.clock_hz, self._packets)
        values = _recursion(self._jitter, self._deviations.rest)
        last = float(values[-1]) if values.size else self._jitter
        ms = 1000.0 / self.clock_hz
        return Jitter(
            mean_ms=(self._sum + float(values.sum())) / (self._packets - 1) * ms,
            max_ms=max(self._max, float(values.max(initial=0.0))) * ms,
            last_ms=last * ms,
            clock_hz=self.clock_hz,
            packets=self._packets,
            uncertainty_ms=self._batches.uncertainty(values, ms),
        )


def _whole(arrivals_ns: ArrayLike) -> Ints:
    column = np.asarray(arrivals_ns).ravel()
    return (
        column.astype(np.int64) if column.dtype.kind in "iu" else np.rint(column).astype(np.int64)
    )


def _recursion(jitter: float, deviations: Floats) -> Floats:
    """The jitter after each |D|, in closed form.

    6.4.1: "J(i) = J(i-1) + (|D(i-1,i)| - J(i-1))/16", so
    J(k) = d^k (J(0) + sum over i <= k of |D(i)| / (16 d^i)), with d = 15/16.
    """
    powers = _DECAY_POWERS[: deviations.size]
    return powers * (jitter + np.cumsum(deviations / (16.0 * powers)))
