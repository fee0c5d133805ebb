"""Read the snoop format (RFC 1761), which Solaris and some switches write."""

from __future__ import annotations

import struct
from collections.abc import Iterator

import numpy as np

from voipbin_cli.capture.records import MAX_RECORD_BYTES, RecordChunk
from voipbin_cli.capture.window import Window
from voipbin_cli.errors import DecodeError

MAGIC = b"snoop\0\0\0"
# RFC 1761: the magic, the version, the type of link.
_HEADER = struct.Struct(">8sII")
# Original length, included length, length of the record, drops, seconds, microseconds.
_RECORD = struct.Struct(">IIIIII")
# Its numbers of links, as LINKTYPE_ values: IEEE 802.3 and Ethernet.
_LINK_TYPES = {0: 1, 4: 1}
_UNKNOWN = -1


class SnoopReader:
    """Records of a snoop file. Raises DecodeError `not-a-capture` or `truncated` at once."""

    def __init__(self, window: Window) -> None:
        if window.data[: len(MAGIC)] != MAGIC:
            raise DecodeError("not-a-capture", "this does not begin as a snoop file does")
        if len(window.data) < _HEADER.size:
            raise DecodeError("truncated", "the header of the snoop file is cut off")
        _, _, link = _HEADER.unpack_from(window.data)
        self._link_type = _LINK_TYPES.get(link, _UNKNOWN)
        self._window = window
        self.comment: str | None = None
        self.truncated = False

    def chunks(self) -> Iterator[RecordChunk]:
        """The records, in file order; to be asked once."""
        at = _HEADER.size
        while True:
            rows, at, damaged = self._whole_records(at)
            if rows:
                yield self._chunk(rows)
            self._window.advance(at)
            if damaged or self._window.at_end:
                self.truncated = damaged or bool(self._window.data)
                return
            at = 0

    def _whole_records(self, at: int) -> tuple[list[tuple[int, int, int]], int, bool]:
        """Time, start and length of each from `at` on, where they end, whether a length lies."""
        data = self._window.data
        rows: list[tuple[int, int, int]] = []
        while at + _RECORD.size <= len(data):
            _, captured, size, _, seconds, microseconds = _RECORD.unpack_from(data, at)
            if not _RECORD.size + captured <= size <= MAX_RECORD_BYTES:
                return rows, at, True
            if at + size > len(data):
                break
            time_ns = seconds * 1_000_000_000 + microseconds * 1000
            rows.append((time_ns, at + _RECORD.size, captured))
            at += size
        return rows, at, False

    def _chunk(self, rows: list[tuple[int, int, int]]) -> RecordChunk:
        time_ns, start, captured = np.array(rows, np.int64).T
        return RecordChunk(
            data=self._window.data,
            time_ns=time_ns,
            start=start,
            captured_bytes=captured,
            link_type=np.full(len(rows), self._link_type, np.int64),
            direction=np.zeros(len(rows), np.int8),
        )
