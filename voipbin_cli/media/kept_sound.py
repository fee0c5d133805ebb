"""A sound file that is made with its first sample."""

from __future__ import annotations

from voipbin_cli.media.audio_writer import check_apart, check_output, open_writer
from voipbin_cli.media.background_writer import BackgroundWriter


class KeptSound:
    """Takes s16le samples at 8 kHz for `path`, whose suffix says the format.

    What could not be written later is refused at once (UsageError, MachineError), as is an
    existing file that `overwrite` does not give up; `capture` is another file of the same run. A
    thread writes.
    """

    def __init__(self, path: str, *, capture: str | None = None, overwrite: bool = False) -> None:
        check_output(path, overwrite=overwrite)
        check_apart([capture, path])
        self.path = path
        self._overwrite = overwrite
        self._writer: BackgroundWriter | None = None

    def write(self, pcm: bytes) -> None:
        """Append samples. Raises MachineError where an earlier batch could not be written."""
        if self._writer is None:
            self._writer = BackgroundWriter(open_writer(self.path, overwrite=self._overwrite))
        self._writer.write(pcm)

    @property
    def is_empty(self) -> bool:
        """Nothing was written, and no file was made."""
        return self._writer is None

    def close(self) -> None:
        """Finish the file. Raises as `write` does."""
        if self._writer is not None:
            self._writer.close()
