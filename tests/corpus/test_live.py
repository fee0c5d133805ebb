"""The live corpus, shortened: a peer written by hand, and a cable between two namespaces."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.live import CABLES, PEERS, LiveRun, root_causes
from tests.faults.network import cable

TAKES = 3
SHORT = ("20 % lost", "unplugged for a second", "a link of 40 kbit/s")


def check(runs: tuple[LiveRun, ...], directory: Path) -> None:
    """Each run tells its root cause; one in which this machine was too busy is taken again."""
    wrong = runs
    for take in range(TAKES):
        (directory / str(take)).mkdir()
        found = dict(zip(wrong, root_causes(wrong, directory / str(take)), strict=True))
        wrong = tuple(run for run, root in found.items() if root not in run.expected)
        if not wrong or any(found[run] != "local-lag" for run in wrong):
            break
    told = [f"{run.label}: wanted {sorted(run.expected)}, got {found[run]}" for run in wrong]
    assert not told, "\n".join(told)


def test_what_a_hand_written_peer_does_is_told_by_name(tmp_path: Path) -> None:
    check(PEERS, tmp_path)


def test_what_a_bad_cable_does_is_told_by_name(tmp_path: Path) -> None:
    with cable():  # skips where there can be none
        pass
    check(tuple(run for run in CABLES if run.label in SHORT), tmp_path)
