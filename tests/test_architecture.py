"""What ARCHITECTURE.md says is where it says: files, packages, and the contracts on them."""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path

import pytest

import voipbin_cli

ROOT = Path(__file__).parents[1]
PACKAGE = Path(voipbin_cli.__file__).parent
TEXT = (ROOT / "ARCHITECTURE.md").read_text()
# In backquotes, with a slash or a suffix: `codec/rtp.py`, `analysis/findings/`, `errors.py`.
PATHS = sorted(set(re.findall(r"`([\w.]+(?:/[\w.]*)+|\w+\.py)`", TEXT)))


def table(heading: str) -> list[list[str]]:
    """The cells of each row of the table under a heading, without its head."""
    _, _, below = TEXT.partition(f"\n## {heading}\n")
    rows = [line for line in below.partition("\n## ")[0].splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row.strip("|").split(" | ")] for row in rows[2:]]


def exists(path: str) -> bool:
    """Below the package, below its analysis (whose own files its table names bare), or the root."""
    return any((place / path).exists() for place in (PACKAGE, PACKAGE / "analysis", ROOT))


def test_a_path_that_is_named_is_there() -> None:
    assert [path for path in PATHS if not exists(path)] == []


def test_to_change_something_there_is_a_file_to_open() -> None:
    for change, places in table("What is decided where"):
        assert any(path in PATHS for path in re.findall(r"`([^`]+)`", places)), change


def test_what_is_not_there_would_be_told() -> None:
    assert len(PATHS) > 60
    assert len(table("What is decided where")) > 20
    assert not exists("codec/nothing.py")


@pytest.mark.parametrize("module", re.findall(r"`python -m ([\w.]+)`", TEXT))
def test_a_module_that_is_run_is_there(module: str) -> None:
    assert find_spec(module) is not None
