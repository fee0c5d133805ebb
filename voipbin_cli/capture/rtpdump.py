"""Read rtpdump files, the `#!rtpplay1.0` format of rtptools."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from voipbin_cli.errors import DecodeError

MAGIC = b"#!rtpplay1.0 "
_MAX_FIRST_LINE_BYTES = 256
_HEADER = struct.Struct(">IIIHH")
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

    def __init__(self, file: BinaryIO) -> None:
        line = file.readline(_MAX_FIRST_LINE_BYTES)
        if not line.startswith(MAGIC) or not line.endswith(b"\n"):
            raise DecodeError("not-a-capture", "this does not begin as an rtpdump file does")
        header = file.read(_HEADER.size)
        if len(header) < _HEADER.size:
            raise DecodeError(
                "truncated",
                f"an rtpdump header needs {_HEADER.size} bytes, got {len(header)}",
                offset=len(line),
            )
        seconds, microseconds, *_ = _HEADER.unpack(header)
        self.source = line[len(MAGIC) : -1].decode("ascii", "replace").strip()
        self.start_ns = seconds * 1_000_000_000 + microseconds * 1000
        self.truncated = False
        self._file = file

    def packets(self) -> Iterator[DumpedPacket]:
        """The packets, in file order; to be asked once."""
        while head := self._file.read(_RECORD.size):
            if len(head) < _RECORD.size:
                self.truncated = True
                return
            length, wire_bytes, offset_ms = _RECORD.unpack(head)
            data_bytes = length - _RECORD.size
            data = self._file.read(data_bytes) if data_bytes >= 0 else b""
            if len(data) != data_bytes:
                self.truncated = True
                return
            yield DumpedPacket(self.start_ns + offset_ms * 1_000_000, data, wire_bytes)
