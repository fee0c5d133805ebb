"""`play`: files, standard input and tones into a call, whole, on time, and whatever happens."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from voipbin_cli.codec.dialect import AudioFrame
from voipbin_cli.errors import ConnectionFailed, VoipbinError
from voipbin_cli.session.audiofile import AudioFile
from voipbin_cli.session.feed import Feed
from voipbin_cli.session.listening import ListenRequest, Tell
from voipbin_cli.session.live import Cause, Close
from voipbin_cli.session.speaking import SpeakingSession, SpeakRequest


class Playing(SpeakingSession):
    """Plays `blocks`, 20 ms of s16le each, `total_s` long in all; keeps what comes in `record`.

    `record` is a path or None.
    """

    def __init__(
        self,
        request: ListenRequest,
        tell: Tell,
        blocks: Iterator[bytes],
        speak: SpeakRequest,
        *,
        total_s: float | None = None,
        record: str | None = None,
        **edges: Any,
    ) -> None:
        self.file = (
            AudioFile(
                record,
                overwrite=request.overwrite,
                capture=request.capture,
                queued_ms=self.queued_ms,
            )
            if record
            else None
        )
        self._feed = Feed(blocks)
        super().__init__(request, tell, self._feed, speak, total_s=total_s, **edges)

    @property
    def is_all_sent(self) -> bool:
        """Whether the last frame has gone out."""
        return self.sender.is_source_sent

    def heard(self, frames: list[AudioFrame]) -> None:
        """Put the frames into the file."""
        if self.file is not None:
            self.file.keep(frames)

    def finish_output(self) -> None:
        """Close the file, and stop reading."""
        self._feed.close()
        if self.file is not None:
            self.file.finish()

    def broke(self) -> None:
        """Count the outage as lost audio."""
        if self.file is not None:
            self.file.broke()

    def ticked(self, at_ns: int, late_ns: int) -> None:
        """Hold nothing back for long, even when nothing comes."""
        super().ticked(at_ns, late_ns)
        if self.file is not None:
            self.watch(self.file, at_ns)

    @property
    def full(self) -> bool:
        """The disk is so far behind that the stream has to wait for it."""
        return self.logbook.full or (self.file is not None and self.file.full)

    @property
    def is_unfinished(self) -> bool:
        """Whether Ctrl-C now cuts short what was asked for."""
        return not self.is_all_sent

    def problem(self, close: Close) -> VoipbinError | None:
        """Return that the call ended before everything was sent."""
        if self.is_all_sent or close.cause in (Cause.DURATION, Cause.INTERRUPTED):
            return None
        of_all = f" of {self.total_s:.2f} s" if self.total_s else ""
        return ConnectionFailed(
            f"the call ended when {self.spoken_s:.2f} s{of_all} were sent",
            hint="the far end hung up, or the link broke: voipbin stream diagnose says more",
        )

    def summary(self, close: Close) -> dict[str, Any]:
        """Return the fields of the summary that the command line promises."""
        file = self.file
        return super().summary(close) | {
            "all_sent": self.is_all_sent,
            "filled_seconds": round(file.filled_seconds, 3) if file else 0.0,
            "output": file.path if file and file.samples else None,
        }
