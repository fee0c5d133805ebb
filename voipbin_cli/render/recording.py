"""How a recording looks: in a terminal while it runs, and in one line when it is done."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rich.text import Text

from voipbin_cli.codec.codecs import Codec
from voipbin_cli.render.live_view import Meter, ending, latest_level_dbfs, level_text, state_line
from voipbin_cli.session.recorded_sound import SoundFaults
from voipbin_cli.session.recording_file import AudioFile
from voipbin_cli.session.sending import CODEC_NAMES
from voipbin_cli.session.session import SessionStatus
from voipbin_cli.text import printable


class RecordingLines:
    """Two lines: where the recording is, and how loud the call is."""

    def __init__(self, target: str, status: Callable[[], SessionStatus], file: AudioFile) -> None:
        self._target = printable(target, 48)
        self._status = status
        self._file = file
        self._meter = Meter()

    def __call__(self) -> list[Text]:
        status = self._status()
        level = latest_level_dbfs(status)
        self._meter.add_level(level)
        second = Text.assemble("  ", self._meter.__rich__(), f" {level_text(level)}")
        return [state_line(status, self._target), second, Text(f"  {self._figures(status)}", "dim")]

    def _figures(self, status: SessionStatus) -> str:
        parts = [f"{status.frames} frames", status.form]
        if self._file.filled_seconds:
            parts.append(f"{self._file.filled_seconds:.1f} s filled")
        if status.reconnects:
            parts.append(_counted(status.reconnects, "reconnect"))
        return "  ".join(part for part in parts if part)


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _percent(share: float) -> str:
    return f"{share:.0%}" if share >= 0.1 else f"{share:.1%}"


def done_line(summary: dict[str, Any], faults: SoundFaults) -> str:
    """Return a sentence about a finished recording: where it is, and what a listener will find."""
    if summary["output"] is None:
        return "; ".join(["nothing was recorded: no audio arrived", *ending(summary)])
    codec = CODEC_NAMES[Codec(summary["codec"])] if summary["codec"] else "sound"
    where = "standard output" if summary["output"] == "-" else summary["output"]
    parts = [f"recorded {summary['audio_seconds']:.2f} s of {codec} to {where}"]
    if summary["silent"]:
        parts.append("silence throughout: nobody is heard")
    if faults.clipped:
        parts.append(f"clipped: {_percent(faults.clipped)} of the samples are cut off")
    if faults.holes:
        holes = _counted(faults.holes, "hole")
        parts.append(f"{holes} in the speech, {faults.hole_ms / 1000:.2f} s lost before it came")
    if summary["filled_seconds"]:
        parts.append(f"{summary['filled_seconds']:.2f} s of silence for audio that never came")
    if summary["reconnects"]:
        parts.append(_counted(summary["reconnects"], "reconnect"))
    return "; ".join(parts + ending(summary))
