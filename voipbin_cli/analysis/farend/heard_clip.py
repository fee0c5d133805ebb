"""The first of what the phone heard, kept for a report."""

from __future__ import annotations

from collections.abc import Callable

from voipbin_cli.codec.codecs import SAMPLE_RATE_HZ

# A minute and a half is 1 MB in a report, as mu-law in base64.
CLIP_SAMPLES = 90 * SAMPLE_RATE_HZ


class HeardClip:
    """Takes s16le at 8 kHz as `HeardSound` gives it, keeps the first of it, hands all of it on."""

    def __init__(self, onwards: Callable[[bytes], None] | None = None) -> None:
        self._onwards = onwards
        self._kept = bytearray()

    def write(self, pcm: bytes) -> None:
        """Take samples. Raises what is raised where they go on to."""
        self._kept += pcm[: 2 * CLIP_SAMPLES - len(self._kept)]
        if self._onwards is not None:
            self._onwards(pcm)

    @property
    def pcm(self) -> bytes:
        """What was kept."""
        return bytes(self._kept)
