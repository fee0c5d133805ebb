"""How a live validation looks: where it is, and what was found so far."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from rich.text import Text

from voipbin_cli.analysis.validation.tally import Group
from voipbin_cli.events import Tell
from voipbin_cli.render.live_view import clock_text, state_line
from voipbin_cli.render.problems import say
from voipbin_cli.render.violations import headline
from voipbin_cli.session.relayed_clients import ProxyStatus
from voipbin_cli.session.session import SessionStatus
from voipbin_cli.text import printable


class FoundLines:
    """A first line that says where a run is, and what was found so far under it."""

    def __init__(self, first: Callable[[], Text], found: Callable[[], Sequence[Group]]) -> None:
        self._first = first
        self._found = found

    def __call__(self) -> list[Text]:
        return [self._first(), *(headline(group) for group in self._found()[:8])]


def validation_line(target: str, status: SessionStatus) -> Text:
    """Where a live validation is."""
    shown = printable(target, 48)
    return state_line(status, f"{shown}  {status.frames} frames  {status.form}")


def proxy_line(target: str, status: ProxyStatus) -> Text:
    """Who is connected to a proxy, and where it goes on to."""
    return Text.assemble(
        (f"● {status.clients} connected", "bold green" if status.clients else "dim"),
        f"  {clock_text(status.elapsed_s)}  {status.address} → {printable(target, 48)}  ",
        f"{status.received} received, {status.sent} sent",
    )


def done_line(summary: dict[str, Any]) -> str:
    """Return one sentence for the end of a run."""
    return f"judged {summary['frames']} frames"


def listening(tell: Tell, *, quiet: bool) -> Tell:
    """Return `tell` that says on stderr where to connect."""

    def told(event: str, fields: dict[str, Any]) -> None:
        if event == "listening" and not quiet:
            say(f"point your client at {fields['address']}; Ctrl-C ends it")
        tell(event, fields)

    return told
