"""A file in bounded pieces, however long it is."""

from __future__ import annotations

from typing import BinaryIO

# The first piece, by which the format is told: small, as whoever writes into a pipe may be slow.
FIRST_BYTES = 1 << 20
# Of a capture, larger pieces leave the caches, smaller ones cost more calls than work.
READ_BYTES = 8 << 20


class Window:
    """The part of a file that is being looked at, moving forward only.

    `data` starts at the first byte not consumed; it grows beyond a piece only for a record that is
    longer, and only by bytes that the file really has. `at_end`: the file has nothing behind
    `data`, as the last attempt to read on has shown.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._offset = file.tell() if file.seekable() else None
        self.data = b""
        self.at_end = False
        self.advance(0, FIRST_BYTES)

    def advance(self, consumed_bytes: int, more_bytes: int | None = None) -> None:
        """Drop what was consumed and read on, by READ_BYTES where no other number is given."""
        more_bytes = more_bytes or READ_BYTES
        rest_bytes = len(self.data) - consumed_bytes
        if self._offset is None:
            self.data = self.data[consumed_bytes:] + self._file.read(more_bytes)
        else:
            # Reading the rest again is cheaper than joining it to what follows.
            self._offset += consumed_bytes
            self._file.seek(self._offset)
            self.data = self._file.read(rest_bytes + more_bytes)
        self.at_end = len(self.data) == rest_bytes
