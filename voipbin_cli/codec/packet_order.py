"""RTP packets in the order in which they were sent, each once: for what travels in UDP."""

from __future__ import annotations

from typing import Generic, TypeVar

from voipbin_cli.codec import serial
from voipbin_cli.codec.rtp import MAX_MISORDER

T = TypeVar("T")
# A packet that so many later ones have overtaken is not waited for: 100 ms, at 20 ms each.
PATIENCE = 5


class InOrder(Generic[T]):
    """Puts the packets of one sender into the order of their sequence numbers.

    A packet that is missing is waited for while up to PATIENCE later ones have come. One that comes
    twice, or after it was given up, is left out. Another SSRC begins anew, and so does a sequence
    number more than MAX_MISORDER behind (RFC 3550 A.1).
    """

    def __init__(self) -> None:
        self._ssrc = self._next = 0
        self._has_begun = False
        self._held: dict[int, T] = {}

    def add(self, ssrc: int, sequence_number: int, packet: T) -> list[T]:
        """Take one packet; return those that are in order by now."""
        ready: list[T] = []
        behind = -serial.difference(sequence_number, self._next, 16)
        if not self._has_begun or ssrc != self._ssrc or behind > MAX_MISORDER:
            ready = self.flush()
            self._has_begun, self._ssrc, self._next = True, ssrc, sequence_number
        elif behind > 0:
            return ready
        self._held[sequence_number] = packet
        if len(self._held) > PATIENCE:
            self._next = self._in_order()[0]
        return ready + self._released()

    def flush(self) -> list[T]:
        """Return what was held back, in order."""
        held = [self._held[number] for number in self._in_order()]
        self._held.clear()
        return held

    def _in_order(self) -> list[int]:
        return sorted(self._held, key=lambda number: serial.difference(number, self._next, 16))

    def _released(self) -> list[T]:
        released = []
        while self._next in self._held:
            released.append(self._held.pop(self._next))
            self._next = (self._next + 1) & 0xFFFF
        return released
