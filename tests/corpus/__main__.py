"""Print the confusion matrix of the labelled corpus: `python -m tests.corpus [SEEDS]`.

`python -m tests.corpus --live [ROUNDS]` prints that of the live runs: real processes, sockets,
and, as root, network namespaces.
"""

from __future__ import annotations

import sys
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.corpus.catalogue import faulty, healthy, local, mixed
from tests.corpus.live import CABLES, PEERS, root_causes
from tests.corpus.runs import Run, diagnosed
from voipbin_cli.analysis.findings import Finding
from voipbin_cli.analysis.severity import Severity


def root_cause(findings: tuple[Finding, ...], expected: frozenset[str]) -> str:
    """The first finding; an info counts where an info is expected, among others of its kind."""
    if not findings:
        return "-"
    infos = [finding.id for finding in findings if finding.severity is Severity.INFO]
    if findings[0].severity is Severity.INFO:
        return next((name for name in infos if name in expected), findings[0].id)
    return findings[0].id


def judge(runs: Iterable[Run]) -> tuple[dict[str, Counter[str]], list[str], int]:
    """Counts of root causes by what was expected, the misses in words, and how many runs."""
    matrix: dict[str, Counter[str]] = defaultdict(Counter)
    misses: list[str] = []
    count = 0
    for run in runs:
        found = diagnosed(run).findings
        root = root_cause(found, run.expected)
        matrix["|".join(sorted(run.expected))][root] += 1
        count += 1
        if root not in run.expected:
            told = ", ".join(f"{f.id} {dict(f.evidence)}" for f in found[:3])
            misses.append(
                f"{run.label} {run.encapsulation}: wanted {set(run.expected)}, got {told}"
            )
    return matrix, misses, count


def false_alarms(runs: Iterable[Run]) -> tuple[list[str], int]:
    """Healthy runs that were told to be otherwise, in words, and how many there were."""
    alarms, count = [], 0
    for run in runs:
        count += 1
        bad = [f for f in diagnosed(run).findings if f.severity is not Severity.INFO]
        alarms += [f"{run.label}: {f.id} {dict(f.evidence)}" for f in bad]
    return alarms, count


def live(rounds: int) -> int:
    """Run the live corpus so many times and say how it went."""
    runs = [*PEERS, *CABLES] * rounds
    with TemporaryDirectory() as directory:
        found = root_causes(runs, Path(directory))
    matrix: dict[str, Counter[str]] = defaultdict(Counter)
    for run, root in zip(runs, found, strict=True):
        matrix[run.label][root] += 1
    right = sum(root in run.expected for run, root in zip(runs, found, strict=True))
    for run in runs[: len(runs) // rounds]:
        told = ", ".join(f"{n} {name}" for name, n in matrix[run.label].most_common())
        print(f"{run.label:<26} {'|'.join(sorted(run.expected)):<18} {told}")
    print(f"root cause right: {right} of {len(runs)} ({right / len(runs):.1%})")
    return int(right < 0.95 * len(runs))


def main() -> int:
    """Run it all and say how it went."""
    if sys.argv[1:2] == ["--live"]:
        return live(int(sys.argv[2]) if len(sys.argv) > 2 else 1)
    seeds = range(1, 1 + int(sys.argv[1] if len(sys.argv) > 1 else 3))
    runs = [*faulty(seeds), *mixed(seeds), *local(seeds)]
    matrix, misses, count = judge(runs)
    for expected, roots in sorted(matrix.items()):
        right = sum(n for name, n in roots.items() if name in expected.split("|"))
        others = ", ".join(f"{n} {name}" for name, n in roots.most_common() if name not in expected)
        print(f"{expected:<32} {right:4} of {sum(roots.values()):4}  {others}")
    alarms, quiet = false_alarms(healthy(range(seeds.start, seeds.start + 3)))
    print("\n".join(["", *misses, *alarms]))
    print(f"root cause right: {count - len(misses)} of {count} ({1 - len(misses) / count:.1%})")
    print(f"healthy runs: {quiet}, with a warning or an error: {len(alarms)}")
    return int(len(misses) > 0.05 * count or bool(alarms))


if __name__ == "__main__":
    sys.exit(main())
