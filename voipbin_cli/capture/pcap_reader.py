"""Read the classic pcap format (draft-ietf-opsawg-pcap): both byte orders, micro and nano."""

from __future__ import annotations

import struct
import sys
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from voipbin_cli.capture.columns import Integers, column
from voipbin_cli.capture.records import MAX_RECORD_BYTES, RecordChunk
from voipbin_cli.capture.window import Window
from voipbin_cli.errors import DecodeError

HEADER_BYTES = 24
RECORD_HEADER_BYTES = 16

# draft-ietf-opsawg-pcap, File Header: the magic tells the byte order and the unit of time.
MAGICS: dict[bytes, tuple[str, int]] = {
    b"\xa1\xb2\xc3\xd4": (">", 1000),
    b"\xd4\xc3\xb2\xa1": ("<", 1000),
    b"\xa1\xb2\x3c\x4d": (">", 1),
    b"\x4d\x3c\xb2\xa1": ("<", 1),
}
"""First four bytes: byte order, and nanoseconds in a unit of the fraction."""


_NATIVE = "<" if sys.byteorder == "little" else ">"
_RUN_BEGINS = 8


class PcapReader:
    """Records of a classic pcap. Raises DecodeError `not-a-capture` or `truncated` at once."""

    def __init__(self, window: Window) -> None:
        header = window.data[:HEADER_BYTES]
        if header[:4] not in MAGICS:
            raise DecodeError("not-a-capture", "this does not begin as a pcap file does")
        if len(header) < HEADER_BYTES:
            raise DecodeError(
                "truncated", f"the header of the pcap file is cut off after {len(header)} bytes"
            )
        self._order, self._fraction_ns = MAGICS[header[:4]]
        # File Header: the upper 16 bits tell of frame check sequences, which end a frame and do
        # no harm.
        self._link_type = struct.unpack(self._order + "I", header[20:24])[0] & 0xFFFF
        self._window = window
        self.comment: str | None = None
        self.truncated = False

    def chunks(self) -> Iterator[RecordChunk]:
        """The records, in file order; to be asked once."""
        at = HEADER_BYTES
        while True:
            starts, at, damaged = _chase(self._window.data, at, self._order)
            if starts:
                yield self._chunk(np.array(starts, np.int64))
            self._window.advance(at)
            if damaged or self._window.at_end:
                self.truncated = damaged or bool(self._window.data)
                return
            at = 0

    def _chunk(self, at: Integers) -> RecordChunk:
        # Packet Record: seconds, their fraction, captured length, original length.
        data = self._window.data
        words = column(data, self._order + "u4")
        seconds, fraction = words[at].astype(np.int64), words[at + 4].astype(np.int64)
        return RecordChunk(
            data=data,
            time_ns=seconds * 1_000_000_000 + fraction * self._fraction_ns,
            start=at + RECORD_HEADER_BYTES,
            captured_bytes=words[at + 8].astype(np.int64),
            link_type=np.full(len(at), self._link_type, np.int64),
            direction=np.zeros(len(at), np.int8),
        )


def _chase(data: bytes, at: int, order: str) -> tuple[list[int], int, bool]:
    """Starts of the whole records from `at` on, where they end, and whether a length lies."""
    lengths = column(data, order + "u4")
    words = _aligned_words(data, order)
    starts: list[int] = []
    end = len(data)
    previous = alike = 0
    while at + RECORD_HEADER_BYTES <= end:
        captured = words[at & 3][(at >> 2) + 2]
        following = at + RECORD_HEADER_BYTES + captured
        if following > end:
            return starts, at, captured > MAX_RECORD_BYTES
        starts.append(at)
        at = following
        alike = alike + 1 if captured == previous else 0
        previous = captured
        if alike == _RUN_BEGINS:
            run = _run(lengths, at, end, captured)
            starts.extend(run)
            at += len(run) * (RECORD_HEADER_BYTES + captured)
            alike = 0
    return starts, at, False


def _run(lengths: npt.NDArray[np.uint32], at: int, end: int, captured: int) -> range:
    """Starts of the records from `at` on that are all as long as the one before."""
    stride = RECORD_HEADER_BYTES + captured
    fit = (end - at) // stride
    same, look = 0, 64
    while same < fit:
        first = at + same * stride + 8
        seen = lengths[first : first + look * stride : stride][: fit - same] == captured
        if not seen.all():
            same += int(seen.argmin())
            break
        same += len(seen)
        look *= 4
    return range(at, at + same * stride, stride)


def _aligned_words(data: bytes, order: str) -> list[memoryview[int]]:
    """32-bit words from offsets 0, 1, 2 and 3 on: records stand anywhere."""
    views = []
    for n in range(min(4, len(data) + 1)):
        whole = memoryview(data)[n : n + (len(data) - n) // 4 * 4]
        if order == _NATIVE:
            views.append(whole.cast("I"))
        else:
            views.append(np.frombuffer(whole, order + "u4").astype(np.uint32).data)
    return views
