"""Telephone events in RTP (RFC 4733): digits that a phone sends beside its audio."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from voipbin_cli.analysis.arrivals.arrival_log import Arrivals
from voipbin_cli.codec.payload_types import DYNAMIC

# Section 3.2, table 7: 0 to 15 are the DTMF digits, 16 is the hook flash.
_NAMES = (*"0123456789*#ABCD", "flash")
# 2.3: event, end bit and volume, duration (16 bits).
EVENT_BYTES = 4
_NOTED = 1000


class TelephoneEvents(NamedTuple):
    """The events, in order: digits in a row, others by their number; packets they took."""

    digits: str
    others: tuple[int, ...]
    packets: int
    longest_ms: float


class EventFold:
    """Reads events: 2.5.1.2, all packets of one event have the timestamp at which it began."""

    def __init__(self) -> None:
        self._digits: list[str] = []
        self._others: list[int] = []
        self._packets = 0
        self._longest = 0
        self._latest: tuple[int, int] | None = None

    def add(self, rows: Arrivals) -> None:
        """Take rows; those that are no events are passed over."""
        if rows.is_audio.all():
            return
        is_event = ~rows.is_audio & (rows.label >= DYNAMIC.start) & (rows.length == EVENT_BYTES)
        for row in np.flatnonzero(is_event).tolist():
            self._read(rows.payload(row), int(rows.timestamp[row]))

    def _read(self, payload: bytes, timestamp: int) -> None:
        event, duration = payload[0], int.from_bytes(payload[2:4], "big")
        self._packets += 1
        self._longest = max(self._longest, duration)
        if self._latest == (event, timestamp):
            return
        self._latest = event, timestamp
        if event < len(_NAMES) - 1:
            if len(self._digits) < _NOTED:
                self._digits.append(_NAMES[event])
        elif len(self._others) < _NOTED:
            self._others.append(event)

    def result(self) -> TelephoneEvents | None:
        """None without any; durations count at 8 kHz."""
        if not self._packets:
            return None
        return TelephoneEvents(
            "".join(self._digits), tuple(self._others), self._packets, self._longest / 8
        )
