"""`record`: what a call or conference says, kept on the call's clock, whatever happens."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from voipbin_cli.codec.dialect import AudioFrame
from voipbin_cli.session.audiofile import AudioFile
from voipbin_cli.session.ears import Ears
from voipbin_cli.session.listening import ListeningSession, ListenRequest, ListenStatus, Tell
from voipbin_cli.session.live import Close

# Nobody hears a recording as it is made: what comes in a fifth of a second is written at once,
# and time is looked at as often. Only a capture tells how late this process was, to a tenth.
LINGER_S = 0.2
TICK_S = 0.2


@dataclass(frozen=True, slots=True)
class RecordStatus(ListenStatus):
    """Where a recording is. `stalls` counts pauses that caught up, seconds are of audio."""

    stalls: int
    filled_s: float


class Recording(ListeningSession):
    """One recording. `output` is a path or `-` for stdout; with `digits` those heard are told."""

    def __init__(
        self,
        request: ListenRequest,
        tell: Tell,
        *,
        output: str,
        fill: bool = True,
        digits: bool = False,
        **edges: Any,
    ) -> None:
        live = replace(request.live, linger_s=LINGER_S)
        if request.capture is None:
            live = replace(live, lag_interval_s=TICK_S)
        # First, so that a file that is in the way is told before a capture is begun.
        self.file = AudioFile(
            output,
            overwrite=request.overwrite,
            fill=fill,
            capture=request.capture,
            queued_ms=self.queued_ms,
        )
        super().__init__(replace(request, live=live), tell, **edges)
        self._ears = Ears(tell, speech=False) if digits else None

    def heard(self, frames: list[AudioFrame]) -> None:
        """Put the frames into the file."""
        self.file.keep(frames)
        if self._ears is not None and frames:
            self._ears.hear(b"".join(frame.pcm for frame in frames))

    def finish_output(self) -> None:
        """Close the file."""
        self.file.finish()

    def broke(self) -> None:
        """Count the outage as lost audio."""
        self.file.broke()

    def ticked(self, at_ns: int, late_ns: int) -> None:
        """Hold nothing back for long, even when nothing comes."""
        super().ticked(at_ns, late_ns)
        self.watch(self.file, at_ns)

    @property
    def audio_seconds(self) -> float:
        """Length of the file."""
        return self.file.seconds

    @property
    def full(self) -> bool:
        """The disk is so far behind that the stream has to wait for it."""
        return self.file.full or self.logbook.full

    def status(self) -> RecordStatus:
        """Return where the recording is now."""
        listening = super().status()
        return RecordStatus(
            **{name: getattr(listening, name) for name in ListenStatus.__slots__},
            stalls=self.file.clock.stalls,
            filled_s=self.file.filled_seconds,
        )

    def summary(self, close: Close) -> dict[str, Any]:
        """Return the fields of the summary that the command line promises."""
        own = {
            "filled_seconds": round(self.file.filled_seconds, 3),
            "output": self.file.path if self.file.samples else None,
        }
        return super().summary(close) | own
