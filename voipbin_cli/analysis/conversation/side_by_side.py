"""Both tracks, as far as there are both, sample beside sample."""

from __future__ import annotations

import numpy as np

from voipbin_cli.analysis.columns import Samples
from voipbin_cli.analysis.conversation.echo import EchoFold
from voipbin_cli.analysis.conversation.received_track import NS_PER_SAMPLE, TimedSound
from voipbin_cli.codec.codecs import SAMPLE_RATE_HZ

# So much of one track waits for the other, ten minutes, as a file is read in pieces of each. Where
# one has nothing for longer, both begin anew.
_WAITING_SAMPLES = 600 * SAMPLE_RATE_HZ
# Fewer are not worth a look.
_AT_ONCE = 2 * SAMPLE_RATE_HZ


class SideBySide:
    """Gives the echo's judge what was sent (side 0) and received (side 1) at the same time."""

    def __init__(self, echo: EchoFold) -> None:
        self._echo = echo
        self._sides = (_Side(), _Side())
        self._is_aligned = False

    def add(self, side: int, piece: TimedSound) -> None:
        """Take the next piece of a track."""
        self._sides[side].add(piece)
        while self._sides[side].count > _WAITING_SAMPLES:
            self._sides[side].drop_first()
            if self._is_aligned:
                self._is_aligned = False
                self._echo.restart()
        sent, received = self._sides
        if not self._is_aligned:
            start_ns = max(sent.at_ns, received.at_ns)
            if not sent.count or not received.count:
                return
            if min(sent.until_ns, received.until_ns) <= start_ns:
                return
            sent.take((start_ns - sent.at_ns) // NS_PER_SAMPLE)
            received.take((start_ns - received.at_ns) // NS_PER_SAMPLE)
            self._is_aligned = True
        both = min(sent.count, received.count)
        if both >= _AT_ONCE:
            self._echo.add(sent.take(both), received.take(both))


class _Side:
    """What of a track waits for the other; it begins at `at_ns`."""

    def __init__(self) -> None:
        self.at_ns = self.count = 0
        self._pieces: list[Samples] = []

    @property
    def until_ns(self) -> int:
        return self.at_ns + self.count * NS_PER_SAMPLE

    def add(self, piece: TimedSound) -> None:
        if not self.count:
            self.at_ns = piece.at_ns
        self._pieces.append(piece.samples)
        self.count += len(piece.samples)

    def drop_first(self) -> None:
        """Forget the oldest piece."""
        self._note_gone(len(self._pieces.pop(0)))

    def take(self, count: int) -> Samples:
        """The oldest samples."""
        every: Samples = np.concatenate([np.empty(0, np.int16), *self._pieces])
        self._pieces = [every[count:]] if count < len(every) else []
        self._note_gone(count)
        oldest: Samples = every[:count]
        return oldest

    def _note_gone(self, count: int) -> None:
        self.at_ns += count * NS_PER_SAMPLE
        self.count -= count
