"""How a program in a call looks: one line, as the program may say things of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rich.text import Text

from voipbin_cli.render.live_view import clock_text, ending, state_line
from voipbin_cli.render.playing import sending_words
from voipbin_cli.session.sending import Sending
from voipbin_cli.session.session import SessionStatus
from voipbin_cli.text import printable


class PipingLine:
    """Where the call is, and how much was said."""

    def __init__(self, target: str, status: Callable[[], SessionStatus], sending: Sending) -> None:
        self._target = printable(target, 48)
        self._status = status
        self._sending = sending

    def __call__(self) -> list[Text]:
        said = f"{clock_text(self._sending.spoken_s)} spoken"
        return [state_line(self._status(), f"{self._target}  {said}", mark="⇄")]


def done_line(summary: dict[str, Any]) -> str:
    """Return one sentence about what was heard and said."""
    parts = [
        f"heard {summary['audio_seconds']:.2f} s",
        f"spoke {summary['spoken_seconds']:.2f} s {sending_words(summary)}",
    ]
    if summary["barge_ins"]:
        dropped_s = summary["dropped_seconds"]
        parts.append(f"interrupted {summary['barge_ins']} times, {dropped_s:.2f} s dropped")
    if summary["unread_seconds"]:
        parts.append(f"{summary['unread_seconds']:.2f} s that the program did not read")
    return "; ".join(parts + ending(summary))
