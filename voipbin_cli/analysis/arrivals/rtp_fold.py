"""All that the packets of an RTP stream say beside their audio, on the way to that audio."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from voipbin_cli.analysis.arrivals.arrival_log import Arrivals
from voipbin_cli.analysis.arrivals.numbering import NumberFold, Restart
from voipbin_cli.analysis.arrivals.reception import Reception
from voipbin_cli.analysis.arrivals.sources import SourceFold
from voipbin_cli.analysis.arrivals.telephone_events import EventFold, TelephoneEvents

# A few packets of another source are strays; of two that take turns each is heard for longer.
STRAYS = 5


class Said(NamedTuple):
    """What the packets said: where something began anew, who else sent, digits, comfort noise.

    `others` are packets of other sources by their SSRC, `noises` packets of comfort noise, `keyed`
    the frames of audio right after telephone events.
    """

    restarts: tuple[Restart, ...] = ()
    others: Mapping[int, int] = {}
    events: TelephoneEvents | None = None
    noises: int = 0
    keyed: frozenset[int] = frozenset()

    @property
    def has_two_sources(self) -> bool:
        """Another source sends at the same time, in the midst of the one that is heard."""
        return sum(self.others.values()) > STRAYS


class RtpFold:
    """Takes every packet, and hands on the audio of one source, numbered by itself."""

    def __init__(self) -> None:
        self._sources, self._numbers, self._events = SourceFold(), NumberFold(), EventFold()
        self._earlier: list[Reception] = []

    def add(self, rows: Arrivals) -> Arrivals:
        """Take rows in order of arrival; return the audio that is sorted out by now."""
        mine = self._sources.add(rows)
        self._events.add(mine)
        return self._numbers.add(mine)

    def finish(self) -> Arrivals | None:
        """Return the audio that is held back: nothing of this connection comes after it."""
        rest = self._sources.finish()
        if rest is not None:
            self._events.add(rest)
        return self._numbers.finish(rest)

    def restart(self) -> None:
        """The next row is the first of another connection."""
        self._earlier.append(self._numbers.reception)
        self._numbers.restart()

    def note(self, restart: Restart) -> None:
        """Take note of what only the times tell."""
        self._numbers.note(restart)

    @property
    def reception(self) -> Reception:
        """Over all connections: the counts add up, base and highest are the latest."""
        latest = self._numbers.reception
        for earlier in reversed(self._earlier):
            latest = latest.after(earlier)
        return latest

    def said(self) -> Said:
        """What was said so far."""
        numbers = self._numbers
        restarts, others = tuple(numbers.restarts), dict(self._sources.others)
        keyed = frozenset(numbers.keyed)
        return Said(restarts, others, self._events.result(), numbers.noises, keyed)
