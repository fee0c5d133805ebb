"""The verdict stands last, and the screen is as it was meant at 60, 80 and 200 columns."""

from __future__ import annotations

import pytest

from tests.render.screens import SCREENS, WIDTHS, drawn, kept


@pytest.mark.parametrize(("name", "width"), SCREENS)
def test_the_screen_is_as_it_is_kept(name: str, width: int) -> None:
    assert drawn(name, width) == kept(name, width).read_text()


@pytest.mark.parametrize("width", WIDTHS)
def test_the_verdict_is_last_and_nothing_is_wider_than_the_terminal(width: int) -> None:
    lines = drawn("faulty", width).splitlines()
    verdict = next(number for number, line in enumerate(lines) if line.startswith("degraded: "))
    assert len(lines) <= 24
    assert all(len(line) <= width for line in lines)
    assert [line.split()[0] for line in lines[verdict:] if line[2:3] != " "][-2:] == [
        "side",
        "remedy",
    ]
    assert verdict > next(n for n, line in enumerate(lines) if "hum" in line)
