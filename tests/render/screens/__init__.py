"""What a terminal shows of fixed figures, at several widths, kept as text beside this file."""

from __future__ import annotations

from collections.abc import Mapping
from io import StringIO
from itertools import product
from pathlib import Path
from typing import Any
from unittest.mock import patch

from rich.console import Console
from rich.text import Text

from voipbin_cli.render import diagnosis

_METRICS: dict[str, Any] = {
    "frames": 400,
    "duration_seconds": 8.0,
    "silence_ratio": 0.25,
    "mos": {"value": 3.12, "r_factor": 60.0, "model": "ITU-T G.107", "assumptions": []},
}
_STALL = {
    "id": "network-stall",
    "direction": "in",
    "severity": "warning",
    "confidence": 1.0,
    "title": "the link held frames back, then brought them all at once",
    "evidence": {
        "count": 2,
        "longest_ms": 708.9,
        "late_in_60_ms_buffer": 0.16,
        "late_in_200_ms_buffer": 0.12,
    },
    "side": "link",
    "remedy": "use a jitter buffer, or a better link: TCP repeats what a bad one loses; where the "
    "link carries less than the stream (0.1 Mbit/s) no buffer helps",
}
_HUM = {
    "id": "hum",
    "direction": "in",
    "severity": "warning",
    "confidence": 0.95,
    "title": "a steady tone of 50 Hz, -30 dBFS, under it all",
    "evidence": {"frequencies_hz": [50.0, 150.0], "levels_dbfs": [-30.2, -41.0]},
    "side": "phone",
    "remedy": "that is the mains: look at grounding, cables and power supplies",
}
_SIZE = {
    "id": "frame-size",
    "direction": "in",
    "severity": "info",
    "confidence": 0.97,
    "title": "frames are not 20 ms long",
    "evidence": {"frame_ms": 40.0, "due_ms": 20},
    "side": "upstream",
    "remedy": "harmless: take any size and re-frame",
}
SUMMARIES: Mapping[str, Mapping[str, Any]] = {
    "healthy": {"verdict": "ok", "findings": [_SIZE], "metrics": _METRICS},
    "faulty": {"verdict": "degraded", "findings": [_STALL, _HUM, _SIZE], "metrics": _METRICS},
}
WIDTHS = (60, 80, 200)
SCREENS = tuple(product(SUMMARIES, WIDTHS))


def kept(name: str, width: int) -> Path:
    """Where the screen is kept."""
    return Path(__file__).parent / f"{name}-{width}.txt"


def drawn(name: str, width: int) -> str:
    """The screen as it is now, without colours and blanks at the ends of lines."""
    screen = StringIO()
    console = Console(file=screen, width=width, force_terminal=True, no_color=True, highlight=False)
    with patch.object(diagnosis, "stdout_console", lambda: console):
        diagnosis.show_diagnosis(SUMMARIES[name])
    lines = Text.from_ansi(screen.getvalue()).plain.splitlines()
    return "".join(f"{line.rstrip()}\n" for line in lines)
