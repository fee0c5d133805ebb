"""Loss in time: RFC 3611 burst and gap metrics, runs of loss, delay variation by bucket."""

from __future__ import annotations

import itertools
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

# RFC 3611 4.7.2: so many frames received in a row end a burst; 16 is the recommended value.
from voipbin_cli.analysis.columns import Ints

GMIN = 16
RUN_BUCKETS = 10
VARIATION_EDGES_MS = (50, 70, 90, 120, 150, 200, 300)


class Bursts(NamedTuple):
    """RFC 3611 section 4.7.2 and runs of loss.

    Densities are of 256, as on the wire (a burst's at most 255); durations in milliseconds.
    The four are None before a second burst or gap gives them meaning. `loss_runs[n]` counts
    runs of n + 1 frames lost in a row, the last one runs of RUN_BUCKETS and more.
    `mean_run_frames` is None without loss; `burst_ratio` is that times (1 - loss ratio).
    """

    frames: int
    lost: int
    loss_ratio: float
    burst_density: float | None
    gap_density: float | None
    burst_ms: float | None
    gap_ms: float | None
    mean_run_frames: float | None
    longest_run_frames: int
    burst_ratio: float
    loss_runs: tuple[int, ...]


class BurstFold:
    """The event machine of RFC 3611 appendix A.2 over "this frame was lost or discarded"."""

    def __init__(self, *, frame_ms: float = 20.0, gmin: int = GMIN) -> None:
        self._frame_ms = frame_ms
        self._gmin = gmin
        self._frames = 0
        self._losses = 0
        # A.2's names: packets since the last loss, and losses within the current burst.
        self._pkt = 0
        self._lost = 0
        # A.2's transitions between its states: 1 received in a gap, 2 received in a burst, 3 lost
        # in a burst, 4 lost in a gap (an isolated loss).
        self._c11 = self._c13 = self._c14 = self._c22 = self._c23 = self._c33 = 0
        self._run = 0
        self._longest = 0
        self._runs = np.zeros(RUN_BUCKETS, np.int64)

    def add_one(self, lost: bool) -> None:
        """Take one frame in the order of playing."""
        self.add([lost])

    def add(self, lost: ArrayLike) -> None:
        """Take a chunk of frames in the order of playing: true where lost or discarded."""
        flags = np.asarray(lost, np.bool_).ravel()
        where = np.flatnonzero(flags)
        if where.size:
            good = np.diff(where, prepend=-1 - self._pkt) - 1
            self._transitions(good)
            self._count_runs(good)
            self._pkt = flags.size - 1 - int(where[-1])
        else:
            self._pkt += flags.size
        self._frames += flags.size
        self._losses += where.size

    def add_lost(self, count: int) -> None:
        """Take `count` frames of which none came, at the price of one."""
        if count <= 0:
            return
        self.add_one(True)
        following = count - 1
        self._lost += following
        self._c33 += following
        self._run += following
        self._frames += following
        self._losses += following

    def _transitions(self, good: Ints) -> None:
        """Count the transitions of losses, each after `good` packets received."""
        # 4.7.2: a burst "does not contain any occurrences of Gmin or more consecutively received
        # (and not discarded) packets"; after so many, a loss is the first of a new one.
        ends_gap = good >= self._gmin
        starts = np.flatnonzero(ends_gap)
        if starts.size:
            # Losses between the starts of bursts: 1 was an isolated loss (c14), else a burst.
            sizes = np.diff(starts, prepend=-self._lost)
            isolated = int(np.count_nonzero(sizes == 1))
            self._c14 += isolated
            self._c13 += starts.size - isolated
            self._c11 += int(good[starts].sum())
            self._lost = good.size - int(starts[-1])
        else:
            self._lost += good.size
        # A.2 within a burst: a loss right after another is c33; else c23, and c22 += pkt - 1.
        inside = good[~ends_gap]
        adjacent = int(np.count_nonzero(inside == 0))
        self._c33 += adjacent
        self._c23 += inside.size - adjacent
        self._c22 += int(inside.sum()) - (inside.size - adjacent)

    def _count_runs(self, good: Ints) -> None:
        first = np.flatnonzero(good > 0)
        if first.size == 0:
            self._run += good.size
            return
        closed = np.concatenate([[self._run + first[0]], np.diff(first)])
        self._run = good.size - int(first[-1])
        self._longest = max(self._longest, int(closed.max()))
        self._runs += _histogram(closed)

    def result(self) -> Bursts:
        """The figures so far; a burst still open counts as far as A.2 counts it."""
        loss_ratio = self._losses / self._frames if self._frames else 0.0
        runs = self._runs + _histogram(np.array([self._run]))
        mean_run = self._losses / int(runs.sum()) if self._losses else None
        return Bursts(
            frames=self._frames,
            lost=self._losses,
            loss_ratio=loss_ratio,
            burst_density=self._burst_density(),
            gap_density=_share(256 * self._c14, self._c11 + self._c14),
            burst_ms=self._burst_ms(),
            gap_ms=self._gap_ms(),
            mean_run_frames=mean_run,
            longest_run_frames=max(self._longest, self._run),
            burst_ratio=1.0 if mean_run is None else mean_run * (1 - loss_ratio),
            loss_runs=tuple(runs.tolist()),
        )

    # A.2 counts no c31 and c32: every burst and every run of losses that began has ended, so that
    # c31 = c13 and c32 = c23.

    def _burst_density(self) -> float | None:
        # A.2: p32 = c32 / (c31 + c32 + c33), p23 = 1 - c22 / (c22 + c23), 1 where both are 0;
        # burst_density = 256 * p23 / (p23 + p32).
        p32 = _share(self._c23, self._c13 + self._c23 + self._c33)
        if p32 is None:
            return None
        inside = self._c22 + self._c23
        p23 = 1 - self._c22 / inside if inside else 1.0
        return min(255.0, 256 * p23 / (p23 + p32)) if p23 + p32 else None

    def _gap_ms(self) -> float | None:
        # A.2: gap_length = (c11 + c14 + c13) * m / c13, m the milliseconds of a packet.
        return _share((self._c11 + self._c14 + self._c13) * self._frame_ms, self._c13)

    def _burst_ms(self) -> float | None:
        gap_ms = self._gap_ms()
        # A.2: burst_length = ctotal * m / c13 - gap_length, ctotal the sum of all eight.
        total = self._c11 + self._c14 + 2 * self._c13 + self._c22 + 2 * self._c23 + self._c33
        return None if gap_ms is None else total * self._frame_ms / self._c13 - gap_ms


class VariationFold:
    """How many frames were delayed by how much more than the fastest, in buckets."""

    def __init__(self) -> None:
        self._counts = np.zeros(len(VARIATION_EDGES_MS) + 1, np.int64)

    def add_one(self, variation_ms: float) -> None:
        """Take one frame's delay above the stream's least, in milliseconds."""
        self.add([variation_ms])

    def add(self, variations_ms: ArrayLike) -> None:
        """Take a chunk of delays above the stream's least, in milliseconds."""
        values = np.asarray(variations_ms, np.float64).ravel()
        buckets = np.searchsorted(VARIATION_EDGES_MS, values, side="right")
        self._counts += np.bincount(buckets, minlength=self._counts.size)

    def result(self) -> dict[str, int]:
        """Frames by bucket: "<50", "50-70", …, ">=300" (milliseconds)."""
        edges = VARIATION_EDGES_MS
        between = (f"{low}-{high}" for low, high in itertools.pairwise(edges))
        names = [f"<{edges[0]}", *between, f">={edges[-1]}"]
        return dict(zip(names, self._counts.tolist(), strict=True))


def _histogram(runs: Ints) -> Ints:
    kept = np.minimum(runs[runs > 0], RUN_BUCKETS) - 1
    return np.bincount(kept, minlength=RUN_BUCKETS).astype(np.int64)


def _share(part: float, whole: float) -> float | None:
    return part / whole if whole else None
