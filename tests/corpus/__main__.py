"""Print how often `diagnose` is right: `python -m tests.corpus [SEEDS]`.

A confusion matrix over the simulator's faults and over streams that it has no hand in, pairs of
faults, alarms in healthy streams, and how often each degree of certainty was right. `--misses`
lists each that was wrong. `python -m tests.corpus --live [ROUNDS]` prints that of live runs: real
processes, sockets, and, as root, network namespaces.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter, defaultdict
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.corpus import catalogue, kinds
from tests.corpus.judging import Outcome, calibration, matrix, of_run, of_stream
from tests.corpus.live import CABLES, PEERS, root_causes

# What is wanted of each subject: the share of single faults whose first finding is true.
WANTED = {"simulator": 0.97, "sound": 0.97, "codec": 0.97, "arrival": 0.99, "rtp": 0.99}
WANTED_OF_PAIRS = 0.85


def _share(count: int, of: int) -> str:
    return f"{count} of {of} ({count / max(1, of):.1%})"


def live(rounds: int) -> int:
    """Run the live corpus so many times and say how it went."""
    runs = [*PEERS, *CABLES] * rounds
    with TemporaryDirectory() as directory:
        found = root_causes(runs, Path(directory))
    told: dict[str, Counter[str]] = defaultdict(Counter)
    for run, root in zip(runs, found, strict=True):
        told[run.label][root] += 1
    right = sum(root in run.expected for run, root in zip(runs, found, strict=True))
    for run in runs[: len(runs) // rounds]:
        names = ", ".join(f"{n} {name}" for name, n in told[run.label].most_common())
        print(f"{run.label:<26} {'|'.join(sorted(run.expected)):<18} {names}")
    print(f"root cause right: {_share(right, len(runs))}")
    return int(right < 0.95 * len(runs))


def single_faults(seeds: range, step: int = 1) -> list[Outcome]:
    """Of the simulator's and of the others; each step-th."""
    runs = [*catalogue.faulty(seeds), *catalogue.mixed(seeds), *catalogue.local(seeds)]
    return [*map(of_run, runs[::step]), *map(of_stream, kinds.single_faults(seeds, step))]


def healthy(seeds: range, step: int = 1) -> list[Outcome]:
    """Nothing may be told of these; each step-th."""
    runs = [*catalogue.healthy(seeds)][::step]
    return [*map(of_run, runs), *map(of_stream, kinds.healthy(seeds, step))]


def judge(seeds: range, *, list_misses: bool) -> int:
    """Run it all and say how it went; the number of targets that were missed."""
    faults, quiet = single_faults(seeds), healthy(seeds)
    both = [of_stream(stream) for stream in kinds.pairs(seeds)]
    print("single faults", *matrix(faults), sep="\n  ")
    print("pairs", *matrix(both), sep="\n  ")
    print("nothing is wrong", *matrix(quiet), sep="\n  ")
    if list_misses:
        print("misses", *(o for o in (*faults, *both, *quiet) if not o.is_right), sep="\n  ")
    missed = 0
    for subject, wanted in WANTED.items():
        those = [outcome for outcome in faults if outcome.subject == subject]
        right = sum(outcome.is_right for outcome in those)
        missed += right < wanted * len(those)
        print(
            f"{subject:<12} first finding right: {_share(right, len(those))}, {wanted:.0%} wanted"
        )
    named = sum(outcome.names_all for outcome in both)
    missed += named < WANTED_OF_PAIRS * len(both)
    print(f"pairs        both named: {_share(named, len(both))}, {WANTED_OF_PAIRS:.0%} wanted")
    alarms = sum(not outcome.is_right for outcome in quiet)
    print(f"healthy      alarms: {_share(alarms, len(quiet))}, none wanted")
    bands = calibration([*faults, *quiet])
    print("confidence of the first finding, and how often it was right", *bands, sep="\n  ")
    return missed + bool(alarms) + sum(not band.is_calibrated for band in bands)


def main() -> int:
    """Run what is asked for."""
    ask = argparse.ArgumentParser(prog="python -m tests.corpus", description=__doc__)
    ask.add_argument("rounds", nargs="?", type=int, default=3, help="seeds, or rounds of live runs")
    ask.add_argument("--first", type=int, default=1, help="the first seed")
    ask.add_argument("--live", action="store_true", help="real processes, sockets and namespaces")
    ask.add_argument("--misses", action="store_true", help="list each stream that was misjudged")
    asked = ask.parse_args()
    if asked.live:
        return live(asked.rounds)
    seeds = range(asked.first, asked.first + asked.rounds)
    return int(judge(seeds, list_misses=asked.misses) > 0)


if __name__ == "__main__":
    sys.exit(main())
