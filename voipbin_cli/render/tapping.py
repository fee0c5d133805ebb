"""How a tapped call looks, and the table of sound devices."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from voipbin_cli.analysis.conversation.talk_watch import TalkGlance
from voipbin_cli.analysis.playout.buffer import PlayoutStats
from voipbin_cli.media.devices import Device
from voipbin_cli.render.jsonl import emit_list
from voipbin_cli.render.live_view import (
    Meter,
    ending,
    latest_level_dbfs,
    state_line,
    terminal_columns,
)
from voipbin_cli.render.talking import TalkLines
from voipbin_cli.session.session import SessionStatus
from voipbin_cli.session.tap import Loudspeaker
from voipbin_cli.text import printable

KEYS_LINE = "space mutes   + - volume   q quits"


class TapLines:
    """State and level, or both directions where one talks; what the buffer does; the keys."""

    def __init__(
        self,
        target: str,
        status: Callable[[], SessionStatus],
        loudspeaker: Loudspeaker,
        *,
        look: Callable[[], TalkGlance] | None = None,
        with_keys: bool,
    ) -> None:
        self._target = printable(target, 44)
        self._status = status
        self._loudspeaker = loudspeaker
        self._with_keys = with_keys
        self._meter = Meter()
        self._look = look
        self._talk = TalkLines("you speak")

    def __call__(self) -> list[Text]:
        status = self._status()
        self._meter.add_level(latest_level_dbfs(status))
        loudspeaker = self._loudspeaker
        device = printable(loudspeaker.device_name, 24) or "no device"
        first = state_line(status, f"{self._target}  on {device}")
        volume = "muted" if loudspeaker.is_muted else f"volume {loudspeaker.volume:.0%}"
        buffer = _buffer_words(loudspeaker.buffer.stats)
        if self._look is None:
            lines = [first, Text.assemble("  ", self._meter.__rich__(), f"  {volume}")]
            lines.append(Text(f"  {buffer}", "dim"))
        else:
            lines = [first, *self._talk.lines(self._look(), terminal_columns())]
            lines.append(Text(f"  {volume}  {buffer}", "dim"))
        if self._with_keys:
            lines.append(Text(f"  {KEYS_LINE}", "dim"))
        return lines


def _buffer_words(stats: PlayoutStats) -> str:
    return (
        f"delay {stats.delay_ms:.0f} ms  buffer {stats.depth_ms:.0f} ms  "
        f"concealed {stats.concealed_ms:.0f} ms  late {stats.late_frames}"
    )


def tap_line(summary: dict[str, Any]) -> str:
    """Return one sentence about a tap that is over."""
    parts = [
        f"played {summary['played_seconds']:.1f} s",
        f"{summary['concealed_ms']:.0f} ms of it concealed",
        f"delay {summary['delay_ms']['mean']:.0f} ms",
    ]
    if summary["output"]:
        parts.insert(1, f"recorded to {summary['output']}")
    if summary["underruns"]:
        often = "once" if summary["underruns"] == 1 else f"{summary['underruns']} times"
        parts.append(f"the sound card ran dry {often}")
    return "; ".join(parts + ending(summary))


def show_devices(devices: Iterable[Device], *, as_json: bool) -> None:
    """Print the devices that can play or hear, with what to give to --device."""
    if as_json:
        emit_list("device", [device._asdict() for device in devices])
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("", no_wrap=True)
    table.add_column("DEVICE", style="cyan")
    table.add_column("OUT", justify="right")
    table.add_column("IN", justify="right")
    table.add_column("RATE", justify="right")
    table.add_column("SYSTEM", style="dim")
    for device in devices:
        marks = ("default" if device.is_default_output else "") + (
            " mic" if device.is_default_input else ""
        )
        table.add_row(
            str(device.number),
            printable(device.name),
            str(device.outputs),
            str(device.inputs),
            f"{device.rate_hz:.0f}",
            f"{printable(device.api)} {marks}".strip(),
        )
    Console().print(table)
