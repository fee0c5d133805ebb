"""Capture files in bounded pieces: raw records as columns, however long the file is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Protocol

import numpy as np
import numpy.typing as npt

# Larger pieces leave the caches, smaller ones cost more calls than work.
READ_BYTES = 8 << 20
MAX_RECORD_BYTES = 16 << 20
"""No record is longer (Wireshark's own limit for packets is 256 KiB): bytes that say so lie."""

Bytes = npt.NDArray[np.uint8]
Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class RecordChunk:
    """Some records of a file, one element of each column a record.

    Times are Unix nanoseconds. `start` is where the link-layer frame begins in `data`,
    `captured_bytes` how much of it is there; `link_type` is a LINKTYPE_ value. `direction` is 0
    where the file does not tell, 1 inbound, 2 outbound. Only commented records are in `comments`.
    """

    data: bytes
    time_ns: Integers
    start: Integers
    captured_bytes: Integers
    link_type: Integers
    direction: npt.NDArray[np.int8]
    comments: dict[int, str] = field(default_factory=dict)


class RecordReader(Protocol):
    """A capture file format."""

    truncated: bool
    """Set when the file ends inside a record, or is damaged: what came before it is good."""

    def chunks(self) -> Iterator[RecordChunk]:
        """The records, in file order; to be asked once."""


class Window:
    """The part of a file that is being looked at, moving forward only.

    `data` starts at the first byte not consumed; it grows beyond `READ_BYTES` only for a record
    that is longer, and only by bytes that the file really has.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._offset = file.tell() if file.seekable() else None
        self.data = b""
        self.at_end = False
        self.advance(0)

    def advance(self, consumed_bytes: int) -> None:
        """Drop what was consumed and read on."""
        rest_bytes = len(self.data) - consumed_bytes
        if self._offset is None:
            self.data = self.data[consumed_bytes:] + self._file.read(READ_BYTES)
        else:
            # Reading the rest again is cheaper than joining it to what follows.
            self._offset += consumed_bytes
            self._file.seek(self._offset)
            self.data = self._file.read(rest_bytes + READ_BYTES)
        self.at_end = len(self.data) == rest_bytes


def column(data: bytes, dtype: str) -> npt.NDArray[Any]:
    """A view of `data` whose element n is the number that starts at byte n.

    >>> column(bytes([1, 2, 3]), ">u2")[1]
    515
    """
    size = np.dtype(dtype).itemsize
    return np.ndarray((max(0, len(data) - size + 1),), dtype, data, 0, (1,))


def chosen(mask: npt.NDArray[np.bool_]) -> slice | Integers:
    """An index for what is set: where that is everything, one that copies nothing."""
    return slice(None) if mask.all() else np.flatnonzero(mask)


def rows(data: bytes, at: Integers, dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    """The structures that start at these bytes; each must lie wholly in `data`.

    Gathered as plain bytes, which is ten times as fast as to gather structures. For the same
    reason index the fields of the answer, never its rows.
    """
    return column(data, f"V{dtype.itemsize}")[at].view(dtype)
