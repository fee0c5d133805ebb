"""What waits to be played to the phone, and how it is thrown away when too much waits.

Pure: no clock; whoever owns it calls `play` once every 20 ms.
"""

from __future__ import annotations

from typing import NamedTuple

from voipbin_cli.codec.codecs import SAMPLE_RATE_HZ

TICK_BYTES = 320
_BYTES_PER_MS = SAMPLE_RATE_HZ * 2 // 1000
SILENT_TICK = bytes(TICK_BYTES)


class QueueRule(NamedTuple):
    """How much may wait, and whether an overflow flushes all of it or refuses what is new.

    `settles_after_ms`: where the phone sends no RTP, whatever lead has built up is lost once,
    that long after the first frame.
    """

    capacity_ms: int
    flushes: bool
    settles_after_ms: int | None = None


# Observed on the platform, by sending 10 s of audio ahead of its time: a call lost the first 520 ms
# of a lead that long and longer, a conference the first 100 ms of a lead of 100 ms and longer.
CALL = QueueRule(500, flushes=True)
CALL_WITHOUT_RTP = QueueRule(500, flushes=True, settles_after_ms=500)
CONFERENCE = QueueRule(80, flushes=True)
# A conference of one member passes everything on as a burst, and only the phone's own buffer bounds
# it: of 10 s sent at once about half was heard.
CONFERENCE_OF_ONE = QueueRule(5000, flushes=False)


class FarQueue:
    """The queue between one media channel and the phone, in s16le samples at 8 kHz."""

    def __init__(self, rule: QueueRule) -> None:
        self.rule = rule
        self.fed_bytes = 0
        self.heard_bytes = 0
        self.flushes = 0
        self.lost_bytes = 0
        self._waiting = bytearray()
        self._ticks_since_first: int | None = None

    def feed(self, pcm: bytes) -> None:
        """Append what the client sent; too much, and the whole queue goes, this piece included."""
        self.fed_bytes += len(pcm)
        if self._ticks_since_first is None and pcm:
            self._ticks_since_first = 0
        self._waiting += pcm
        if len(self._waiting) > self.rule.capacity_ms * _BYTES_PER_MS:
            self._overflow()

    def _overflow(self) -> None:
        keep = 0 if self.rule.flushes else self.rule.capacity_ms * _BYTES_PER_MS
        self.flushes += self.rule.flushes
        self.lost_bytes += len(self._waiting) - keep
        del self._waiting[keep:]

    def _settle(self) -> None:
        """Lose the lead, once: all but the newest 20 ms."""
        if self._ticks_since_first is None or self.rule.settles_after_ms is None:
            return
        self._ticks_since_first += 1
        if self._ticks_since_first == self.rule.settles_after_ms // 20:
            surplus = max(0, len(self._waiting) - TICK_BYTES)
            self.lost_bytes += surplus
            self.flushes += surplus > 0
            del self._waiting[:surplus]

    def play(self) -> bytes | None:
        """The next 20 ms, or None: less than that waits, and the phone hears a gap at once."""
        self._settle()
        if len(self._waiting) < TICK_BYTES:
            return None
        pcm = bytes(self._waiting[:TICK_BYTES])
        del self._waiting[:TICK_BYTES]
        self.heard_bytes += TICK_BYTES
        return pcm
