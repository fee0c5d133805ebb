"""The file that a stream is kept in: opened with the first sound, on the call's clock."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from voipbin_cli.codec.dialect import AudioFrame
from voipbin_cli.codec.pcm import SAMPLE_RATE_HZ
from voipbin_cli.media.audio_writer import check_apart, check_output, open_writer
from voipbin_cli.media.background_writer import BackgroundWriter
from voipbin_cli.session.callclock import CallClock


class AudioFile:
    """Writes frames to `path` (`-`: stdout) through a writer thread.

    What could not be written later is refused at once, but the file itself is made only when
    there is something to put into it: a refused connection leaves no empty file behind and
    overwrites nothing. `capture` is the capture of the same run, which needs a file of its own.
    `queued_ms` tells how much audio the link holds back.
    """

    def __init__(
        self,
        path: str,
        *,
        overwrite: bool = False,
        fill: bool = True,
        capture: str | None = None,
        queued_ms: Callable[[], float] = lambda: 0.0,
    ) -> None:
        check_output(path, overwrite=overwrite)
        if capture is not None:
            check_apart(path, capture)
        self.path = path
        self.clock = CallClock(fill=fill, queued_ms=queued_ms)
        self.samples = 0
        self._overwrite = overwrite
        self._writer: BackgroundWriter | None = None

    @property
    def full(self) -> bool:
        """The disk is so far behind that whoever reads the stream has to wait."""
        return self._writer is not None and self._writer.full

    @property
    def seconds(self) -> float:
        """Length of the file, silence for lost audio included."""
        return self.samples / SAMPLE_RATE_HZ

    @property
    def filled_seconds(self) -> float:
        """Silence put in for audio that never came."""
        return self.clock.filled_samples / SAMPLE_RATE_HZ

    def keep(self, frames: Iterable[AudioFrame]) -> None:
        """Take frames in order. Raises MachineError, or BrokenPipeError for a pipe."""
        for frame in frames:
            self._write(self.clock.add(frame))

    def broke(self) -> None:
        """The connection is gone; what comes next comes from another one."""
        self._write(self.clock.broke())

    def wait_no_longer(self, now_ns: int) -> None:
        """Write what has been held back for long enough; to be called now and then."""
        self._write(self.clock.release_overdue(now_ns))

    def drain(self) -> None:
        """Wait until the file holds all that is not held back. Raises as `keep` does."""
        if self._writer is not None:
            self._writer.drain()

    def finish(self) -> None:
        """Write what is held back and close the file. Raises as `keep` does."""
        try:
            self._write(self.clock.finish())
        finally:
            if self._writer is not None:
                self._writer.close()

    def _write(self, pieces: Iterable[bytes]) -> None:
        for pcm in pieces:
            if self._writer is None:
                self._writer = BackgroundWriter(open_writer(self.path, overwrite=self._overwrite))
            self.samples += len(pcm) >> 1
            self._writer.write(pcm)
