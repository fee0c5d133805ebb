"""What SIP's session descriptions in a capture say about payload types (RFC 8866, RFC 3264)."""

from __future__ import annotations

import re

import numpy as np

from voipbin_cli.capture.packets import PacketChunk

_RTPMAP = re.compile(rb"^a=rtpmap:(\d{1,3}) ([\w.-]{1,40})/(\d{4,6})", re.MULTILINE)
# A description has a version line, and lines enough to be one.
_LEAST_BYTES = 64
_MAX_MESSAGES = 10_000


class Sessions:
    """Collects `a=rtpmap` lines: the clock of each dynamic payload type."""

    def __init__(self) -> None:
        self._clocks_hz: dict[int, int] = {}
        self._looked = 0

    def clock_hz(self, payload_type: int) -> int | None:
        """Return the clock that was agreed on, None where no description names one."""
        return self._clocks_hz.get(payload_type)

    def read(self, chunk: PacketChunk) -> None:
        """Look for descriptions among packets that begin with a letter: SIP's do."""
        if self._looked >= _MAX_MESSAGES:
            return
        first = chunk.octets[np.minimum(chunk.offset, len(chunk.data) - 1)]
        text = (first >= ord("A")) & (first <= ord("Z")) & (chunk.length_bytes >= _LEAST_BYTES)
        for n in np.flatnonzero(text)[: _MAX_MESSAGES - self._looked].tolist():
            self._looked += 1
            start = int(chunk.offset[n])
            self._take(chunk.data[start : start + int(chunk.length_bytes[n])])

    def _take(self, message: bytes) -> None:
        if b"SIP/2.0" not in message[:200]:
            return
        for found in _RTPMAP.finditer(message):
            self._clocks_hz[int(found[1])] = int(found[3])
