"""How long a diagnosis listens until it is sure, and whether it is right then, by scenario.

Run: python -m tests.benchmarks.until_sure [RUNS] [WORD ...] (only the scenarios whose name has a
word). A table: the median of the seconds of audio that were heard, and of RUNS runs how many named
the finding that the scenario is of. A healthy stream is heard for all of its 30 s.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from voipbin_cli.simulator.catalog import SCENARIOS

_OPTIONS = ("--until-sure", "--json", "-d", "30", "--give-up-after", "5")


def told(scenario: str) -> dict[str, Any]:
    """The summary of one run."""
    command = (sys.executable, "-m", "voipbin_cli", "stream", "diagnose", f"sim:{scenario}")
    done = subprocess.run([*command, *_OPTIONS], capture_output=True, check=False)
    summary: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return summary


def causes(summary: dict[str, Any]) -> list[str | None]:
    """What may be meant by what was found: the first that is more than an info, or any info."""
    found = summary["findings"]
    graver = [one["id"] for one in found if one["severity"] != "info"]
    return [*graver[:1]] if graver else [None, *(one["id"] for one in found)]


def main(runs: int, *words: str) -> None:
    """Print the table."""
    print(f"{'scenario':<28}{'median s':>10}{'right':>8}  told")
    for name, scenario in SCENARIOS.items():
        if words and not any(word in name for word in words):
            continue
        summaries = [told(name) for _ in range(runs)]
        found = [causes(summary) for summary in summaries]
        seconds = median(summary["metrics"]["duration_seconds"] for summary in summaries)
        right = sum(scenario.finding in one for one in found)
        first = ", ".join(sorted({str(one[0]) for one in found}))
        print(f"{name:<28}{seconds:>10.1f}{right:>5}/{runs}  {first}", flush=True)


if __name__ == "__main__":
    arguments = sys.argv[1:]
    main(int(arguments[0]) if arguments else 1, *arguments[1:])
