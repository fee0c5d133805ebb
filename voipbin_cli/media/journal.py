"""A WAV beside a compressed file, which holds all of it at any moment until the file is whole.

An encoder keeps its last seconds to itself, and some formats open only once they are closed: what
a kill or a power cut leaves of them is less than what was heard. The WAV lacks a second at most.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from voipbin_cli.errors import MachineError
from voipbin_cli.media.kept_file import KeptFile, Moved, is_written
from voipbin_cli.media.wav_writer import WavWriter

SUFFIX = ".partial.wav"


class Encoder(Protocol):
    """What writes a compressed file. `make_room`: called where the disk is full; whether it was."""

    filesystem: int | None
    make_room: Callable[[], bool]

    def write(self, data: bytes, /) -> None:
        """Encode and append."""

    def flush(self, sync: bool = False) -> None:
        """Write what was encoded; `sync` brings it to the disk."""

    def close(self) -> None:
        """Finish the file, and find all of it there when it is read back."""


class Journal:
    """A WAV in `file`, which is made before what it stands beside; a killed process leaves it.

    Where there is no room for it, it goes, which `told` hears of.
    """

    def __init__(
        self, file: KeptFile, told: Callable[[Moved], None], *, rate_hz: int, channels: int
    ) -> None:
        self._file = file
        self._told = told
        self._wav: WavWriter | None = None
        self._try(lambda: self._begin(rate_hz, channels))

    def _begin(self, rate_hz: int, channels: int) -> None:
        self._wav = WavWriter(self._file, rate_hz=rate_hz, channels=channels)

    @property
    def path(self) -> str | None:
        """Where it is; None where it had to go."""
        return None if self._wav is None else self._file.path

    def write(self, data: bytes) -> None:
        """Append."""
        if (wav := self._wav) is not None:
            self._try(lambda: wav.write(data))

    def flush(self, sync: bool) -> None:
        """Make it readable; with `sync`, also bring it to the disk."""
        if (wav := self._wav) is not None:
            self._try(lambda: wav.flush(sync))

    def close(self) -> None:
        """Finish it, and leave it there."""
        if self._wav is not None:
            self._wav.close()

    def give_up(self) -> bool:
        """Make room; False where that was done before."""
        if self._file.closed:
            return False
        self.remove()
        words = f"there is no room for {self._file.path}: a kill may cost the recording its end"
        self._told(Moved(words))
        return True

    def remove(self) -> None:
        """Leave nothing of it. Twice is no error."""
        self._wav = None
        if self._file.closed:
            return
        self._file.close()
        with contextlib.suppress(OSError):
            os.unlink(self._file.path)

    def _try(self, action: Callable[[], None]) -> None:
        """Do something with the WAV, and go on without it where that cannot be done."""
        try:
            action()
        except MachineError:
            self.give_up()


class JournaledWriter:
    """Writes samples to `encoder`, and into a `journal` that goes once the encoder's file is whole.

    A disk that is full has no room for both.
    """

    def __init__(self, encoder: Encoder, journal: Journal) -> None:
        self.filesystem = encoder.filesystem
        self._encoder = encoder
        self._journal = journal
        encoder.make_room = journal.give_up

    def write(self, data: bytes, /) -> None:
        """Append to both."""
        self._journal.write(data)
        self._encoder.write(data)

    def flush(self, sync: bool = False) -> None:
        """Bring both as far as they can be read."""
        self._journal.flush(sync)
        self._encoder.flush(sync)

    def close(self) -> None:
        """Finish the file; leave the journal where that cannot be done. Twice is no error."""
        try:
            self._encoder.close()
        except MachineError as error:
            if (left := self._journal.path) is None:
                raise
            self._journal.close()
            hint = f"{left} holds what was recorded, as a WAV"
            raise MachineError(error.message, hint=hint) from error
        self._journal.remove()


def journal_of(path: str) -> str:
    """The WAV beside a compressed file."""
    return path + SUFFIX


def left_behind(directory: str) -> list[str]:
    """Return the WAVs in `directory` of recordings that were cut short, not those of this moment.

    What cannot be looked at holds none.
    """
    with contextlib.suppress(OSError):
        found = sorted(str(path) for path in Path(directory).glob(f"*.*{SUFFIX}"))
        return [path for path in found if not is_written(path)]
    return []
