"""The live corpus, shortened: a peer written by hand, and a cable between two namespaces."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.live import CABLES, PEERS, LiveRun, root_causes
from tests.faults.network import cable

SHORT = ("20 % lost", "unplugged for a second", "a link of 40 kbit/s")


def check(runs: tuple[LiveRun, ...], directory: Path) -> None:
    found = root_causes(runs, directory)
    wrong = [
        f"{run.label}: wanted {sorted(run.expected)}, got {root}"
        for run, root in zip(runs, found, strict=True)
        if root not in run.expected
    ]
    assert not wrong, "\n".join(wrong)


def test_what_a_hand_written_peer_does_is_told_by_name(tmp_path: Path) -> None:
    check(PEERS, tmp_path)


def test_what_a_bad_cable_does_is_told_by_name(tmp_path: Path) -> None:
    with cable():  # skips where there can be none
        pass
    check(tuple(run for run in CABLES if run.label in SHORT), tmp_path)
