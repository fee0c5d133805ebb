"""What the phone hears, mixed and kept on the call's clock."""

from __future__ import annotations

import contextlib
import wave
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from voipbin_cli.analysis.farend.far_queue import SILENT_TICK
from voipbin_cli.codec.codecs import SAMPLE_RATE_HZ
from voipbin_cli.errors import MachineError

# Takes s16le samples at 8 kHz, 20 ms at a time, from the call's start on.
Heard = Callable[[bytes], None]

_BATCH_BYTES = 3200  # 0.2 s


def mix(parts: Iterable[bytes | None]) -> bytes:
    """The sum of what several channels play in one tick; silence where none plays."""
    present = [part for part in parts if part is not None]
    if not present:
        return SILENT_TICK
    if len(present) == 1:
        return present[0]
    sounds = [np.frombuffer(part, dtype="<i2") for part in present]
    total: NDArray[np.int32] = np.sum(sounds, axis=0, dtype=np.int32)
    return np.clip(total, -32768, 32767).astype("<i2").tobytes()


class HeardFile:
    """A WAV file that grows while the call goes on.

    At any time all but the last 0.2 s can be played: `writeframes` writes the header anew each
    time. Raises MachineError when it cannot be made or written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._pending = bytearray()
        try:
            # Without a buffer, so that header and samples are out when a write returns.
            self._file = path.open("wb", buffering=0)
        except OSError as error:
            raise self._failed(error) from None
        self._wav = wave.open(self._file, "wb")  # noqa: SIM115 - closed by close()
        self._wav.setnchannels(1)
        self._wav.setsampwidth(2)
        self._wav.setframerate(SAMPLE_RATE_HZ)
        self._write()

    def _failed(self, error: OSError) -> MachineError:
        return MachineError(f"cannot write {self.path}: {error.strerror or error}")

    def _write(self) -> None:
        try:
            self._wav.writeframes(bytes(self._pending))
        except OSError as error:
            with contextlib.suppress(OSError):
                self._wav.close()
            self._file.close()
            raise self._failed(error) from None
        self._pending.clear()

    def __call__(self, pcm: bytes) -> None:
        """Append `pcm`."""
        self._pending += pcm
        if len(self._pending) >= _BATCH_BYTES:
            self._write()

    def close(self) -> None:
        """Write the rest and end the file."""
        if not self._file.closed:
            self._write()
            self._wav.close()
            self._file.close()
