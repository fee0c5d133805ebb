"""What RTP timestamps advance by from one packet to the next.

RFC 3550 5.1: "The timestamp reflects the sampling instant of the first octet in the RTP data
packet", so 20 ms at 8 kHz are 160. The platform's bridge counts the bytes of its linear payload
instead, 320 in 20 ms.
"""

from __future__ import annotations

from collections import Counter

from voipbin_cli.codec.rtp import RtpPacket
from voipbin_cli.codec.serial import difference

# A hostile clock that jumps otherwise at every packet cannot make the table grow beyond this.
_MAX_STEPS = 64


class TimestampSteps:
    """Counts the steps between packets that follow each other in sequence."""

    __slots__ = ("_last", "_steps")

    def __init__(self) -> None:
        self._last: RtpPacket | None = None
        self._steps: Counter[tuple[int, int]] = Counter()  # (step, payload bytes)

    def observe(self, packet: RtpPacket) -> None:
        """Take the next packet in; one that does not follow the last gives no step."""
        # Where a packet is missing, its audio is in the step as well.
        last, self._last = self._last, packet
        if last is None or difference(packet.sequence_number, last.sequence_number, 16) != 1:
            return
        step = difference(packet.timestamp, last.timestamp, 32), len(last.payload)
        if step in self._steps or len(self._steps) < _MAX_STEPS:
            self._steps[step] += 1

    def usual(self) -> tuple[int, int] | None:
        """Return the most common (step, payload bytes), None before two packets in a row."""
        return self._steps.most_common(1)[0][0] if self._steps else None

    def step_for(self, size_bytes: int) -> int | None:
        """Return the usual step if the usual payload has that size."""
        usual = self.usual()
        return usual[0] if usual is not None and usual[1] == size_bytes else None
