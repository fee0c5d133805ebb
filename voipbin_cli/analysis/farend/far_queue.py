"""What waits to be played to the phone, and how it is thrown away when too much waits.

Pure: no clock; whoever owns it calls `play` once every 20 ms. `FarLevel` decides, by counts of
samples; `FarQueue` keeps the samples beside them.
"""

from __future__ import annotations

from typing import NamedTuple

from voipbin_cli.codec.codecs import FRAME_SAMPLES, SAMPLE_RATE_HZ

TICK_MS = 20
TICK_BYTES = 2 * FRAME_SAMPLES
SILENT_TICK = bytes(TICK_BYTES)
_SAMPLES_PER_MS = SAMPLE_RATE_HZ // 1000


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


def queue_of(target: str | None) -> QueueRule:
    """Return the rule of what a target names: of a conference, or of a call where nobody says.

    How many are in a conference is not known: of several its queue is the shortest.
    """
    return CONFERENCE if (target or "").startswith("conference/") else CALL


class FarLevel:
    """How much waits between one media channel and the phone, in samples at 8 kHz."""

    def __init__(self, rule: QueueRule) -> None:
        self.rule = rule
        self.fed = self.heard = self.lost = self.waiting = 0
        self.flushes = 0
        self._capacity = rule.capacity_ms * _SAMPLES_PER_MS
        self._settles_in: int | None = None

    def feed(self, samples: int) -> int:
        """Append what the client sent; return how many samples are lost, of all that waits.

        Too much, and the whole queue goes, this piece included; or as much as is too much.
        """
        self.fed += samples
        self.waiting += samples
        settles_ms = self.rule.settles_after_ms
        if self._settles_in is None and settles_ms is not None and samples:
            self._settles_in = settles_ms // TICK_MS
        if self.waiting <= self._capacity:
            return 0
        self.flushes += self.rule.flushes
        return self._lose(self.waiting if self.rule.flushes else self.waiting - self._capacity)

    def play(self, ticks: int = 1) -> int:
        """Let `ticks` frames of 20 ms be heard; return of how many there was one waiting.

        The others are heard as gaps at once: less than a frame waits for its rest.
        """
        settles_in = self._settles_in
        if not settles_in:
            return self._take(ticks)
        if ticks < settles_in:
            self._settles_in = settles_in - ticks
            return self._take(ticks)
        self._settles_in = 0
        heard = self._take(settles_in - 1)
        self._settle()
        return heard + self._take(ticks - settles_in + 1)

    def _take(self, ticks: int) -> int:
        heard = min(ticks, self.waiting // FRAME_SAMPLES)
        self.waiting -= heard * FRAME_SAMPLES
        self.heard += heard * FRAME_SAMPLES
        return heard

    def _settle(self) -> None:
        """Lose the lead, once: all but the newest 20 ms."""
        surplus = max(0, self.waiting - FRAME_SAMPLES)
        self.flushes += surplus > 0
        self._lose(surplus)

    def flush(self) -> int:
        """Throw away all that waits; return how many samples."""
        self.flushes += self.waiting > 0
        return self._lose(self.waiting)

    def _lose(self, samples: int) -> int:
        self.lost += samples
        self.waiting -= samples
        return samples


class FarQueue:
    """The queue itself, with what waits in it as s16le samples at 8 kHz."""

    def __init__(self, rule: QueueRule) -> None:
        self.level = FarLevel(rule)
        self._waiting = bytearray()

    def feed(self, pcm: bytes) -> None:
        """Append what the client sent."""
        self._waiting += pcm
        if lost := self.level.feed(len(pcm) // 2):
            # What is refused is the newest; a flush takes all there is.
            del self._waiting[len(self._waiting) - 2 * lost :]

    def flush(self) -> None:
        """Throw away all that waits, as it was asked for."""
        self.level.flush()
        self._waiting.clear()

    def play(self) -> bytes | None:
        """The next 20 ms, or None: less than that waits, and the phone hears a gap at once."""
        lost_before = self.level.lost
        heard = self.level.play()
        # What settles is the oldest.
        del self._waiting[: 2 * (self.level.lost - lost_before)]
        if not heard:
            return None
        pcm = bytes(self._waiting[:TICK_BYTES])
        del self._waiting[:TICK_BYTES]
        return pcm
