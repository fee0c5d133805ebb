"""Read rtpdump files, the `#!rtpplay1.0` format of rtptools."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

from voipbin_cli.capture.window import Window
from voipbin_cli.errors import DecodeError

MAGIC = b"#!rtpplay1.0 "
_MAX_FIRST_LINE_BYTES = 256
# RD_hdr_t of rtptools: seconds and microseconds of the start, source address, port, padding.
_HEADER = struct.Struct(">IIIHH")
# RD_packet_t: bytes of this record, of the RTP packet (0 for RTCP), milliseconds since the start.
_RECORD = struct.Struct(">HHI")


class DumpedPacket(NamedTuple):
    """One packet; `wire_bytes` is its RTP length before the dump cut it, 0 for RTCP."""

    time_ns: int
    data: bytes
    wire_bytes: int

    @property
    def is_rtcp(self) -> bool:
        """rtptools mark RTCP by a length of zero."""
        return self.wire_bytes == 0


class RtpDumpReader:
    """Packets of an rtpdump file.

    `truncated` is set when the file ends inside a record or a record is shorter than its own
    header; what came before is good. `source` is the sender as the first line names it.

    Raises:
        DecodeError: `not-a-capture`, or `truncated` before the first record.
    """

    def __init__(self, window: Window) -> None:
        line, newline, _ = window.data[:_MAX_FIRST_LINE_BYTES].partition(b"\n")
        if not line.startswith(MAGIC) or not newline:
            raise DecodeError("not-a-capture", "this does not begin as an rtpdump file does")
        begin = len(line) + len(newline)
        header = window.data[begin : begin + _HEADER.size]
        if len(header) < _HEADER.size:
            raise DecodeError(
                "truncated",
                f"an rtpdump header needs {_HEADER.size} bytes, got {len(header)}",
                offset=begin,
            )
        seconds, microseconds, *_ = _HEADER.unpack(header)
        self.source = line[len(MAGIC) :].decode("ascii", "replace").strip()
        self.start_ns = seconds * 1_000_000_000 + microseconds * 1000
        self.truncated = False
        self._window = window
        self._begin = begin + _HEADER.size

    def packets(self) -> Iterator[DumpedPacket]:
        """The packets, in file order; to be asked once."""
        at = self._begin
        while not self.truncated:
            data = self._window.data
            while (end := self._end(data, at)) is not None:
                yield self._packet(data[at:end])
                at = end
            self._window.advance(at)
            at = 0
            if self._window.at_end:
                self.truncated = self.truncated or bool(self._window.data)
                return

    def _end(self, data: bytes, at: int) -> int | None:
        """Where the record at `at` ends, None where it is not all there."""
        if len(data) - at < _RECORD.size:
            return None
        record_bytes = int.from_bytes(data[at : at + 2], "big")
        self.truncated = record_bytes < _RECORD.size
        return None if self.truncated or at + record_bytes > len(data) else at + record_bytes

    def _packet(self, record: bytes) -> DumpedPacket:
        _, wire_bytes, offset_ms = _RECORD.unpack_from(record)
        time_ns = self.start_ns + offset_ms * 1_000_000
        return DumpedPacket(time_ns, record[_RECORD.size :], wire_bytes)
