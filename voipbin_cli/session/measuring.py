"""Messages of a live stream on their way into the measuring folds."""

from __future__ import annotations

from collections.abc import Iterable
from random import Random
from typing import Any

from voipbin_cli.analysis.messages import Gathering
from voipbin_cli.analysis.sound.codec_judge import BLOCK_FRAMES
from voipbin_cli.analysis.stream import StreamFold
from voipbin_cli.codec.encapsulation import Encapsulation
from voipbin_cli.session.loop_turns import LoopTurns
from voipbin_cli.transport.connection import Message

# Ten seconds of a stream: a frame costs a tenth of what it does block by block.
AT_ONCE = 20 * BLOCK_FRAMES


class Measuring:
    """Feeds a fold many messages at once: one by one they cost sixty times as much.

    Where somebody looks, by the block, which the fold itself waits for. The figures are the same.
    The first time is drawn by lot: streams that began together are not measured together. The
    sound has a turn of the event loop of its own, so that who shares the loop is held up for less.
    `options` are the fold's.
    """

    def __init__(
        self, encapsulation: Encapsulation, rng: Random | None = None, **options: Any
    ) -> None:
        self._turns = LoopTurns()
        self.fold = StreamFold(encapsulation, aside=self._turns, **options)
        self._most = (rng or Random()).randint(BLOCK_FRAMES, AT_ONCE)
        self._waiting = Gathering()

    def add_messages(self, messages: Iterable[Message]) -> None:
        """Measure these, now or with those that follow."""
        for message in messages:
            self._waiting.add(message.data, message.arrival_ns)
        if len(self._waiting) >= self._most:
            self._most = AT_ONCE
            self._feed()

    def look(self) -> StreamFold:
        """Return the fold, with all that makes a difference to its figures."""
        if len(self._waiting) >= BLOCK_FRAMES:
            self._feed()
        self._turns.finish()
        return self.fold

    def catch_up(self) -> None:
        """Let the fold have all that was added."""
        self._feed()
        self._turns.finish()

    def broke(self, at_ns: int) -> None:
        """The connection is lost."""
        self.catch_up()
        self.fold.broke(at_ns)

    def flush(self) -> None:
        """Nothing follows."""
        self.catch_up()
        self.fold.flush()
        self._turns.finish()

    def _feed(self) -> None:
        if len(self._waiting):
            self.fold.add(self._waiting.frames())
