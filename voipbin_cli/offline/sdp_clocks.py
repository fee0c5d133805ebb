"""The RTP clocks that session descriptions in a capture agree on."""

from __future__ import annotations

import re

import numpy as np

from voipbin_cli.capture.packets import PacketChunk

# RFC 8866 6.6: a=rtpmap:<payload type> <encoding name>/<clock rate>[/<encoding parameters>]. An
# offer and its answer use it alike (RFC 3264 5.1).
_RTPMAP = re.compile(rb"^a=rtpmap:(\d{1,3}) ([\w.-]{1,40})/(\d{4,6})", re.MULTILINE)
# RFC 3261 7.1 and 7.2: both the request line and the status line name the version.
_SIP_VERSION = b"SIP/2.0"
_FIRST_LINE_BYTES = 200
# A description alone has a version, an origin, a name and a time: less is none.
_LEAST_BYTES = 64
_MAX_MESSAGES = 10_000


class SdpClocks:
    """The clock of each RTP payload type, as the SIP messages in a capture tell it."""

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
            self._read_message(chunk.data[start : start + int(chunk.length_bytes[n])])

    def _read_message(self, message: bytes) -> None:
        if _SIP_VERSION not in message[:_FIRST_LINE_BYTES]:
            return
        for found in _RTPMAP.finditer(message):
            self._clocks_hz[int(found[1])] = int(found[3])
