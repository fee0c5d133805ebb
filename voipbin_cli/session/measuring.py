"""Messages of a live stream on their way into the measuring folds."""

from __future__ import annotations

from collections.abc import Iterable

from voipbin_cli.analysis.facts.frames import Message as Row
from voipbin_cli.analysis.facts.frames import from_messages
from voipbin_cli.analysis.judging import BLOCK_FRAMES
from voipbin_cli.analysis.stream import StreamFold
from voipbin_cli.transport.connection import Message


class Measuring:
    """Feeds a fold by the block: message by message costs five times as much.

    The figures are the same, and no older: the fold itself waits until a block is whole.
    """

    def __init__(self, fold: StreamFold) -> None:
        self._fold = fold
        self._rows: list[Row] = []

    def take(self, messages: Iterable[Message]) -> None:
        """Measure these, now or with those that follow."""
        self._rows += (Row(message.data, message.arrival_ns) for message in messages)
        if len(self._rows) >= BLOCK_FRAMES:
            self.catch_up()

    def catch_up(self) -> None:
        """Let the fold have all that was taken."""
        rows, self._rows = self._rows, []
        if rows:
            self._fold.add(from_messages(rows))

    def broke(self, at_ns: int) -> None:
        """The connection is lost."""
        self.catch_up()
        self._fold.broke(at_ns)

    def flush(self) -> None:
        """Nothing follows."""
        self.catch_up()
        self._fold.flush()
