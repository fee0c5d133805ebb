"""How playing looks: in a terminal while it runs, and in one line when it is done."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rich.text import Text

from voipbin_cli.codec.codecs import Codec
from voipbin_cli.render.live_view import clock_text, ending, state_line
from voipbin_cli.session.sending import CODEC_NAMES, Sending
from voipbin_cli.session.session import SessionStatus
from voipbin_cli.text import printable

BAR_WIDTH = 40


class PlayingLines:
    """Three lines: where playing is, how much is left, and in which form it goes out."""

    def __init__(
        self,
        target: str,
        status: Callable[[], SessionStatus],
        sending: Sending,
        total_s: float | None,
    ) -> None:
        self._target = printable(target, 48)
        self._status = status
        self._sending = sending
        self._total_s = total_s

    def __call__(self) -> list[Text]:
        status = self._status()
        first = state_line(status, self._target, mark="▶")
        figures = Text(f"  {_figures(status, self._sending)}", "dim")
        return [first, _progress(self._sending.spoken_s, self._total_s), figures]


def _progress(spoken_s: float, total_s: float | None) -> Text:
    said = clock_text(spoken_s)
    if not total_s:
        return Text(f"  {said} sent")
    share = min(1.0, spoken_s / total_s)
    done = round(share * BAR_WIDTH)
    left = clock_text(max(0.0, total_s - spoken_s) + 0.999)
    return Text.assemble(
        "  ", ("━" * done, "cyan"), ("━" * (BAR_WIDTH - done), "dim"), f"  {said}, {left} left"
    )


def _figures(status: SessionStatus, sending: Sending) -> str:
    form = sending.form_in_words
    parts = [f"sending {form}" if form else "finding out what is taken"]
    if status.form:
        parts.append(f"hearing {status.form}")
    if sending.late_frames:
        parts.append(f"{sending.late_frames} late")
    if status.reconnects:
        parts.append(f"{status.reconnects} reconnects")
    return "  ".join(parts)


def done_line(summary: dict[str, Any]) -> str:
    """Return one sentence about what was played."""
    parts = [f"played {summary['spoken_seconds']:.2f} s {sending_words(summary)}".rstrip()]
    error = summary["send_error_ms"]
    if error:
        parts.append(f"99 % of {summary['frames_sent']} frames within {error['p99']:.1f} ms")
    if summary["late_frames"]:
        late, delayed_s = summary["late_frames"], summary["delayed_seconds"]
        parts.append(f"{late} late, which delayed the rest by {delayed_s:.2f} s")
    if summary["output"]:
        parts.append(f"recorded to {summary['output']}")
    return "; ".join(parts + ending(summary))


def sending_words(summary: dict[str, Any]) -> str:
    """Return the form in words: `as 16-bit PCM, payload type 96`."""
    codec, number = summary["codec_sent"], summary["payload_type_sent"]
    if codec is None:
        return ""
    name = CODEC_NAMES[Codec(codec)]
    return f"as {name}" if number is None else f"as {name}, payload type {number}"
