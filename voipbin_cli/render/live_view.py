"""What a terminal shows while a stream runs: one short block on stderr, redrawn in place.

A terminal that takes nothing now (Ctrl-S) is not waited for: media go through the same loop.
"""

from __future__ import annotations

import asyncio
import os
import sys
from array import array
from collections import deque
from collections.abc import Callable, Iterable
from math import log10
from typing import TYPE_CHECKING, Any

from rich.console import Console, Group
from rich.control import Control
from rich.live import Live
from rich.segment import ControlType
from rich.text import Text

from voipbin_cli.render.outlet import is_writable

if TYPE_CHECKING:
    from voipbin_cli.session.session import SessionStatus

# What a view shows when it is drawn.
Lines = Callable[[], list[Text]]
BARS = " ▁▂▃▄▅▆▇█"
REDRAWS_PER_SECOND = 5
METER_WIDTH = 40
FLOOR_DBFS = -60.0
LOUD_DBFS = -3.0
STATE_STYLES = {"streaming": "bold green", "reconnecting": "bold yellow", "closed": "dim"}


_ROW_AWAY = Control((ControlType.ERASE_IN_LINE, 2), (ControlType.CURSOR_UP, 1))


def is_terminal() -> bool:
    """Whether someone is looking at stderr."""
    return sys.stderr.isatty()


def terminal_columns() -> int:
    """How wide that terminal is now; 80 where it is none."""
    try:
        return os.get_terminal_size(sys.stderr.fileno()).columns or 80
    except (OSError, ValueError):
        return 80


def level_dbfs(pcm: bytes) -> float:
    """Return the RMS level of s16le, in dB below full scale (-inf for silence)."""
    samples = array("h", pcm)
    if sys.byteorder == "big":
        samples.byteswap()
    energy = sum(sample * sample for sample in samples)
    if not energy:
        return float("-inf")
    return 10 * log10(energy / len(samples) / 32768**2)


def level_text(dbfs: float) -> str:
    """Return a level in words."""
    return "silence" if dbfs < -90 else f"{dbfs:.0f} dBFS"


def latest_level_dbfs(status: SessionStatus) -> float:
    """Return the level of the latest frame; -inf while none come."""
    return level_dbfs(status.latest_pcm) if status.state == "streaming" else float("-inf")


def state_line(status: SessionStatus, words: str, *, mark: str = "●") -> Text:
    """Return the first line of a view: the state, for how long, and `words`."""
    style = STATE_STYLES.get(status.state, "bold")
    since = f"  {clock_text(status.elapsed_s)}  {words}"
    return Text.assemble((f"{mark} {status.state}", style), since)


class Meter:
    """The last levels as a row of bars, the newest at the right."""

    def __init__(self, width: int = METER_WIDTH) -> None:
        self._levels: deque[float] = deque([FLOOR_DBFS] * width, maxlen=width)

    def add_level(self, dbfs: float) -> None:
        """Append one level."""
        self._levels.append(max(FLOOR_DBFS, dbfs))

    def latest(self, width: int) -> Text:
        """The newest of them, in so many columns."""
        return self._bars(list(self._levels)[-width:])

    def __rich__(self) -> Text:
        return self._bars(self._levels)

    @staticmethod
    def _bars(levels: Iterable[float]) -> Text:
        text = Text()
        for dbfs in levels:
            step = round((dbfs - FLOOR_DBFS) / -FLOOR_DBFS * (len(BARS) - 1))
            text.append(BARS[step], "red" if dbfs > LOUD_DBFS else "cyan")
        return text


def clock_text(seconds: float) -> str:
    """Return `seconds` as 0:05 or 1:02:03."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


ENDINGS = {
    "call-ended": "the call ended",
    "interrupted": "interrupted",
    "network": "the link was lost",
    "refused": "refused",
    "peer": "the far end closed the stream",
}


def ending(summary: dict[str, Any]) -> list[str]:
    """Return why a stream ended, nothing where it ended as it was meant to."""
    cause = summary["close"]["cause"]
    return [ENDINGS[cause]] if cause in ENDINGS else []


class LiveView:
    """Redraws `lines()` in a terminal while it is entered.

    Elsewhere it shows nothing, or with `plain_every_s` one plain line now and then.
    """

    def __init__(
        self,
        lines: Lines,
        *,
        wanted: bool,
        plain_every_s: float | None = None,
    ) -> None:
        self._lines = lines
        self._wanted = wanted
        self._plain_every_s = plain_every_s
        self._task: asyncio.Task[None] | None = None
        self._live: Live | None = None
        self._drawn: list[int] = []

    async def __aenter__(self) -> LiveView:
        if self._wanted and is_terminal():
            console = Console(stderr=True, highlight=False)
            self._live = Live(console=console, auto_refresh=False, transient=True)
            self._live.start()
            self._task = asyncio.ensure_future(self._redraw())
        elif self._wanted and self._plain_every_s is not None:
            self._task = asyncio.ensure_future(self._say(self._plain_every_s))
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        if self._task is not None:
            self._task.cancel()
        if self._live is not None:
            self._live.stop()

    async def _redraw(self) -> None:
        while self._live is not None:
            if is_writable(sys.stderr):
                self._draw(self._live)
            await asyncio.sleep(1 / REDRAWS_PER_SECOND)

    def _draw(self, live: Live) -> None:
        """Draw anew, each line in one row: as much of it as there is room for."""
        lines, columns = self._lines(), live.console.width
        for line in lines:
            line.no_wrap, line.overflow = True, "ellipsis"
        with live.console:
            # A terminal that has become narrower has broken the rows that are too long for it.
            for _ in range(sum((cells - 1) // columns for cells in self._drawn if cells)):
                live.console.control(_ROW_AWAY)
            live.update(Group(*lines), refresh=True)
        self._drawn = [min(line.cell_len, columns) for line in lines]

    async def _say(self, every_s: float) -> None:
        while True:
            await asyncio.sleep(every_s)
            if not is_writable(sys.stderr):
                continue
            words = "  ".join(line.plain.strip() for line in self._lines())
            sys.stderr.write(f"{words}\n")
