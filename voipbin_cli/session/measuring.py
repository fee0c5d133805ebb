"""Messages of a live stream on their way into the measuring folds."""

from __future__ import annotations

from collections.abc import Iterable
from random import Random

from voipbin_cli.analysis.facts.frames import Gathering
from voipbin_cli.analysis.judging import BLOCK_FRAMES
from voipbin_cli.analysis.stream import StreamFold
from voipbin_cli.transport.connection import Message

# Five seconds of a stream: a frame costs a fifth of what it does block by block, and whoever shares
# the loop is held up for 3 to 7 ms, seldom, where each block took 1 to 3.
AT_ONCE = 10 * BLOCK_FRAMES


class Measuring:
    """Feeds a fold many messages at once: one by one they cost ten times as much.

    Where somebody looks, by the block, which the fold itself waits for. The figures are the same.
    The first time is drawn by lot: streams that began together are not measured together.
    """

    def __init__(self, fold: StreamFold, rng: Random | None = None) -> None:
        self._fold = fold
        self._most = (rng or Random()).randint(BLOCK_FRAMES, AT_ONCE)
        self._waiting = Gathering()

    def take(self, messages: Iterable[Message]) -> None:
        """Measure these, now or with those that follow."""
        for message in messages:
            self._waiting.add(message.data, message.arrival_ns)
        if len(self._waiting) >= self._most:
            self._most = AT_ONCE
            self.catch_up()

    def look(self) -> None:
        """Let the fold have what makes a difference to its figures."""
        if len(self._waiting) >= BLOCK_FRAMES:
            self.catch_up()

    def catch_up(self) -> None:
        """Let the fold have all that was taken."""
        if len(self._waiting):
            self._fold.add(self._waiting.frames())

    def broke(self, at_ns: int) -> None:
        """The connection is lost."""
        self.catch_up()
        self._fold.broke(at_ns)

    def flush(self) -> None:
        """Nothing follows."""
        self.catch_up()
        self._fold.flush()
