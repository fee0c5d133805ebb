"""One source of RTP after the other (RFC 3550 3): who takes over, and who only talks in between."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import pairwise

import numpy as np

from voipbin_cli.analysis.arrivals.arrival_log import Arrivals, Begins, joined

# Another source has taken over where so many of its packets, half a second, came in a row, and at
# the end of a stream where two did: A.1's MIN_SEQUENTIAL.
_TAKES_OVER = 25
_AT_THE_END = 2
# After so many packets, none of them of the source that is heard, and of none that took over.
_OF_NONE = 50

_Span = tuple[int, int]


class SourceFold:
    """Rows of one source at a time; `others` counts packets of others in between, by SSRC."""

    def __init__(self) -> None:
        self.others: Counter[int] = Counter()
        self._source: int | None = None
        self._held: Arrivals | None = None

    def add(self, rows: Arrivals) -> Arrivals:
        """Take rows in order of arrival; return those of the source that is heard.

        Those of another are held back until it has taken over, or the one that is heard goes on.
        """
        if self._source is None and len(rows):
            self._source = int(rows.ssrc[0])
        if self._held is None and (rows.ssrc == self._source).all():
            return rows
        rows, self._held = rows if self._held is None else joined(self._held, rows), None
        return self._sorted(rows, _TAKES_OVER)

    def finish(self) -> Arrivals | None:
        """Return what is held back: nothing of this connection comes after it."""
        held, self._held = self._held, None
        rest = None if held is None else self._sorted(held, _AT_THE_END)
        held, self._held = self._held, None
        if held is not None:
            spans = _spans(held)
            if len(spans) == len(held) > 1:
                rest = held if rest is None else joined(rest, held)
            else:
                self._put_aside(held, spans)
        self._source = None
        return rest

    def _sorted(self, rows: Arrivals, takes_over: int) -> Arrivals:
        """Put aside what comes in between; who took turns before is as slow at the end.

        Where one number is as rare as the other they are of no source: all rows are kept.
        """
        kept, begins = np.zeros(len(rows), np.bool_), rows.begins.copy()
        waiting: list[_Span] = []
        for start, stop in _spans(rows):
            waiting.append((start, stop))
            ssrc = int(rows.ssrc[start])
            mine = [span for span in waiting if int(rows.ssrc[span[0]]) == ssrc]
            enough = _TAKES_OVER if self.others[ssrc] else takes_over
            if ssrc != self._source and _count(mine) < enough:
                if _count(waiting) < _OF_NONE:
                    continue
                mine = waiting
            elif ssrc != self._source:
                begins[mine[0][0]] |= Begins.SOURCE
            self._put_aside(rows, [span for span in waiting if span not in mine])
            for a, b in mine:
                kept[a:b] = True
            self._source, waiting = ssrc, []
        if waiting:
            self._held = rows.chosen(slice(waiting[0][0], None)).compact()
        return replace(rows, begins=begins).chosen(kept)

    def _put_aside(self, rows: Arrivals, spans: list[_Span]) -> None:
        for start, stop in spans:
            self.others.update(rows.ssrc[start:stop].tolist())


def _spans(rows: Arrivals) -> list[_Span]:
    """Where rows in a row are of one source."""
    edges = [0, *(np.flatnonzero(np.diff(rows.ssrc)) + 1).tolist(), len(rows)]
    return list(pairwise(edges))


def _count(spans: list[_Span]) -> int:
    return sum(stop - start for start, stop in spans)
