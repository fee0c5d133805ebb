"""GSM full rate (GSM 06.10), decoded by libsndfile."""

from __future__ import annotations

import io

import numpy as np
import numpy.typing as npt

FRAME_BYTES, FRAME_SAMPLES = 33, 160
# Each frame is predicted from the one before: half a second later little is left of the beginning.
_LEAD_FRAMES = 25


class GsmDecoder:
    """Frames of one stream, in order, piece by piece."""

    def __init__(self) -> None:
        self._lead = b""

    def decode(self, frames: bytes) -> npt.NDArray[np.int16]:
        """160 samples for each whole frame of 33 bytes (RFC 3551 4.5.8)."""
        import soundfile

        frames = frames[: len(frames) - len(frames) % FRAME_BYTES]
        data = self._lead + frames
        self._lead = data[-_LEAD_FRAMES * FRAME_BYTES :]
        if not frames:
            return np.empty(0, np.int16)
        form = {"samplerate": 8000, "channels": 1, "format": "RAW", "subtype": "GSM610"}
        samples: npt.NDArray[np.int16] = soundfile.read(io.BytesIO(data), dtype="int16", **form)[0]
        wanted = len(frames) // FRAME_BYTES * FRAME_SAMPLES
        return samples[-wanted:]
