"""G.722 at 64 kbit/s, decoded by libg722 (extra `g722`) where it is installed."""

from __future__ import annotations

import os
from importlib.util import find_spec
from typing import Any

import numpy as np
import numpy.typing as npt

RATE_HZ = 16_000
BIT_RATE = 64_000
# ITU-T G.722 table 3: of the six bits of the lower band these codes are never sent.
_LOWER_BAND, _UNSENT = 0x3F, 4
INSTALL = "pip install 'voipbin[g722]'"


def is_installed() -> bool:
    """Whether it can be decoded here."""
    return find_spec("G722") is not None


def may_be_g722(data: bytes) -> bool:
    """Whether it holds none of the codes that G.722 never sends: of noise one byte in 16 is one."""
    codes = np.frombuffer(data, np.uint8) & _LOWER_BAND
    return not bool((codes < _UNSENT).any())


class G722Decoder:
    """One stream, in order, piece by piece: two samples of 16 kHz a byte, or one of 8 kHz.

    At 8 kHz it is the lower band alone, as a phone hears it.
    """

    def __init__(self, rate_hz: int) -> None:
        import G722

        self._decoder: Any = G722.G722(rate_hz, BIT_RATE)

    def decode(self, data: bytes) -> npt.NDArray[np.int16]:
        """Samples of full scale."""
        return np.array(self._decoder.decode(data), np.int16)


class G722File:
    """A file of bare G.722, as `sound_file.OpenSound` has it."""

    coding = "G722"
    rate_hz = RATE_HZ
    channels = 1

    def __init__(self, path: str) -> None:
        self._decoder = G722Decoder(RATE_HZ)
        self._file = open(path, "rb")  # noqa: SIM115
        self.frames: int | None = 2 * os.fstat(self._file.fileno()).st_size

    def read(self, frames: int) -> npt.NDArray[np.float32]:
        """Shape (frames, 1), full scale ±1; fewer or none at the end."""
        samples = self._decoder.decode(self._file.read((frames + 1) // 2))
        return (samples / np.float32(1 << 15)).astype(np.float32).reshape(-1, 1)

    def close(self) -> None:
        """Close it."""
        self._file.close()
