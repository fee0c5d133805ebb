"""Medians of alternating runs: both sides of a ratio see the same noise of the machine."""

from __future__ import annotations

import gc
import statistics
from collections.abc import Callable
from time import perf_counter_ns
from typing import NamedTuple

Work = Callable[[], object]


class Row(NamedTuple):
    """One comparison; `target` is what the ratio (theirs to ours), or ours itself, should meet."""

    name: str
    unit: str
    ours: float
    theirs: float | None
    rival: str
    target: str

    @property
    def ratio(self) -> float | None:
        """Return how many times as long the rival takes."""
        return self.theirs / self.ours if self.theirs is not None else None


def medians_ns(works: list[Work], *, calls: int, rounds: int = 15) -> list[float]:
    """Return the median time of one call of each, measured in turns of `calls` calls."""
    times: list[list[float]] = [[] for _ in works]
    for work in works:
        work()  # tables are built, caches are warm
    gc.disable()
    try:
        for _ in range(rounds):
            for work, taken in zip(works, times, strict=True):
                start = perf_counter_ns()
                for _ in range(calls):
                    work()
                taken.append((perf_counter_ns() - start) / calls)
    finally:
        gc.enable()
    return [statistics.median(taken) for taken in times]


def headline(what: str, ratio: float, meaning: str, wanted: str = "") -> None:
    """Print a line for the table of all benchmarks."""
    aim = f"  wanted {wanted}" if wanted else ""
    print(f"→ {what:<44}{ratio:7.2f} x  {meaning}{aim}", flush=True)


def show(rows: list[Row]) -> None:
    """Print the table."""
    print(f"{'what':<44}{'ours':>12}  {'rival':<22}{'theirs':>12}{'ratio':>8}  target")
    for row in rows:
        theirs = "-" if row.theirs is None else f"{row.theirs:.2f} {row.unit}"
        ratio = "-" if row.ratio is None else f"{row.ratio:.2f}"
        ours = f"{row.ours:.2f} {row.unit}"
        print(f"{row.name:<44}{ours:>12}  {row.rival:<22}{theirs:>12}{ratio:>8}  {row.target}")
    for row in rows:
        if row.ratio is not None:
            headline(row.name, row.ratio, f"as fast as {row.rival}", row.target)
