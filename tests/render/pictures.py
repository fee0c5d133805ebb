"""Draws the pictures of the README, each of a real run on the simulator.

Run: python -m tests.render.pictures (Chromium takes the one of the report). Written are
man/pictures/live.svg (a diagnosis while it listens), verdict.svg (its end) and report.png.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from io import StringIO
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

from tests.support.terminal import Terminal

COLUMNS = 80
PICTURES = Path(__file__).parents[2] / "man" / "pictures"
_RUN = ("stream", "diagnose", "sim:stall+upstream-loss")
_VOIPBIN = (sys.executable, "-P", "-m", "voipbin_cli")
# rich asks for its font from a server; a viewer's own monospace does as well.
_FONTS = re.compile(r"@font-face \{.*?\}", re.DOTALL)
_CHROMIUM = (
    *("chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic"),
    *("--no-first-run", "--disable-background-networking", "--disable-component-update"),
    *(
        "--disable-sync",
        "--hide-scrollbars",
        "--window-size=900,1180",
        "--force-device-scale-factor=0.75",
    ),
)


def picture(lines: Text, title: str) -> str:
    """An SVG of a terminal that shows these lines."""
    console = Console(file=StringIO(), record=True, width=COLUMNS, force_terminal=True)
    console.print(lines)
    svg = console.export_svg(title=title, theme=MONOKAI, unique_id="voipbin")
    return _FONTS.sub("", svg)


def run(directory: Path) -> tuple[Text, Text]:
    """What the terminal shows in the midst of a run, and at its end."""
    with Terminal(
        *(*_VOIPBIN, *_RUN), cwd=directory, env=dict(os.environ), columns=COLUMNS, rows=24
    ) as terminal:
        terminal.wait_for("so far   upstream-loss")
        terminal.wait_for("verdict now")
        live = terminal.raw
        terminal.finish()
        whole = terminal.raw
    # Each redrawing begins where the one before did, and erases it line by line.
    frame = live.rsplit("\x1b[2K", 1)[-1]
    end = whole.rsplit("\x1b[2K", 1)[-1]
    return _plain(frame), _plain(end)


def _plain(raw: str) -> Text:
    """Colours without what moves a cursor."""
    kept = re.sub(r"\x1b\[[0-9;?]*[A-HJKSThl]", "", raw).replace("\r", "")
    return Text.from_ansi(kept.strip("\n"))


def photograph(directory: Path) -> None:
    """Of the top of a report."""
    page = directory / "report.html"
    run_of_one = ("stream", "diagnose", "sim:stall", "-d", "8", "-q", "--report", str(page))
    subprocess.run([*_VOIPBIN, *run_of_one], cwd=directory, check=True)
    shot = f"--screenshot={PICTURES / 'report.png'}"
    profile = f"--user-data-dir={directory / 'profile'}"
    subprocess.run([*_CHROMIUM, profile, shot, page.as_uri()], capture_output=True, check=True)


def main() -> None:
    """Write all of them."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        live, verdict = run(Path(name))
        title = f"voipbin {' '.join(_RUN)}"
        (PICTURES / "live.svg").write_text(picture(live, title))
        (PICTURES / "verdict.svg").write_text(picture(verdict, title))
        if shutil.which("chromium"):
            photograph(Path(name))


if __name__ == "__main__":
    main()
