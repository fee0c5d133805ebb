"""What a dataset says together, and that it says nothing which its days do not tell."""

from __future__ import annotations

import re
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest

from tests.archive.conftest import Spool
from tests.support.cli import here
from voipbin_cli.archive.report import SECTIONS, Trend, trend
from voipbin_cli.render.archive_report import trend_text

LAST = date(2026, 11, 28)


def days(counts: list[tuple[int, int]]) -> list[dict[str, object]]:
    """The last days that there are; `counts` are bad streams and streams of each."""
    first = LAST - timedelta(days=len(counts) - 1)
    return [
        {"day": (first + timedelta(days=n)).isoformat(), "bad": bad, "streams": streams}
        for n, (bad, streams) in enumerate(counts)
    ]


def drawn(rng: np.random.Generator, shares: list[float], spread: float) -> Trend:
    """A month whose days differ by `spread` beyond chance."""
    counts = [
        (int(rng.binomial(200, min(1.0, share * rng.lognormal(0, spread)))), 200)
        for share in shares
    ]
    return trend(days(counts))


@pytest.mark.parametrize("spread", [0.0, 0.8])
def test_days_that_only_differ_by_chance_are_no_change(spread: float) -> None:
    rng = np.random.default_rng(5)
    changes = [drawn(rng, [0.05] * 35, spread).is_change for _ in range(400)]
    assert np.mean(changes) < 0.1


def test_three_times_as_many_are_a_change() -> None:
    rng = np.random.default_rng(6)
    changes = [drawn(rng, [0.05] * 28 + [0.15] * 7, 0.3) for _ in range(100)]
    assert np.mean([each.is_change and (each.change or 0) > 0 for each in changes]) > 0.95
    assert trend_text(changes[0]).startswith("more in the last 7 days (")


def test_with_few_days_before_nothing_is_told() -> None:
    few = trend(days([(1, 100)] * 11))
    assert (few.change, few.is_change) == (None, False)
    assert few.recent_share == pytest.approx(0.01)
    assert trend_text(few) == "too few days are there to tell a trend"
    assert trend([]) == Trend(None, None, None, None)


def test_no_bad_day_is_no_certainty() -> None:
    none = trend(days([(0, 50)] * 35))
    assert none.change == 0
    assert 0 < (none.uncertainty or 0) < 0.05


def test_a_report_of_a_dataset(spool: Spool, tmp_path: Path) -> None:
    done = here(
        *("archive", "report", spool.dataset, "--report", tmp_path / "r.html"), cwd=tmp_path
    )
    assert (done.status, "report: " in done.stderr) == (0, True)
    words = done.stdout.decode()
    assert words.splitlines()[-1].startswith("bad: 33.3% of 6 streams; too few days")
    page = (tmp_path / "r.html").read_text()
    for name, (title, _) in SECTIONS.items():
        assert f"<h2>{title}</h2>" in page, name
    assert page.count("<rect") == 3
    assert "<script" not in page
    assert not re.search(r"192\.0\.2\.\d", page)


def test_the_same_for_scripts(spool: Spool) -> None:
    summary = here("archive", "report", spool.dataset, "--json", cwd=spool.files).summary
    assert summary["totals"]["streams"] == 6
    assert [row["streams"] for row in summary["days"]] == [3, 1, 1]
    assert {row["figure"] for row in summary["figures"]} >= {"mos", "jitter_mean_ms"}
    assert set(SECTIONS) < set(summary)


def test_a_report_that_exists_is_not_replaced(spool: Spool, tmp_path: Path) -> None:
    (tmp_path / "r.html").touch()
    done = here("archive", "report", spool.dataset, "--report", "r.html", cwd=tmp_path)
    assert (done.status, "exists" in done.stderr) == (2, True)
