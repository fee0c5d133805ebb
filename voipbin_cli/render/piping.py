"""How a program in a call looks: where the call is, and both directions of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rich.text import Text

from voipbin_cli.analysis.conversation.talk_watch import TalkGlance
from voipbin_cli.render.live_view import clock_text, ending, state_line, terminal_columns
from voipbin_cli.render.playing import sending_words
from voipbin_cli.render.talking import TalkLines
from voipbin_cli.session.sending import Sending
from voipbin_cli.session.session import SessionStatus
from voipbin_cli.text import printable


class PipingLines:
    """Where the call is and how much was said, then both directions as `look` sees them."""

    def __init__(
        self,
        target: str,
        status: Callable[[], SessionStatus],
        sending: Sending,
        look: Callable[[], TalkGlance],
    ) -> None:
        self._target = printable(target, 41)
        self._status = status
        self._sending = sending
        self._look = look
        self._talk = TalkLines("program speaks")

    def __call__(self) -> list[Text]:
        said = f"{clock_text(self._sending.spoken_s)} spoken"
        first = state_line(self._status(), f"{self._target}  {said}", mark="⇄")
        return [first, *self._talk.lines(self._look(), terminal_columns())]


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
