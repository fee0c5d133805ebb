"""Compressed files, read on the fly: nobody has to unpack a capture first."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Callable, Mapping
from typing import BinaryIO, cast

from voipbin_cli.errors import UsageError

_HINT = "pip install 'voipbin[compressed]', or unpack it first"


def decompressed(file: io.BufferedReader) -> BinaryIO:
    """The bytes behind the compression that the file begins with; the file itself if it has none.

    What is damaged or cut ends where it is. Raises UsageError where the library is not installed.
    """
    head = file.peek(4)[:4]
    for magic, opener in _OPENERS.items():
        if head.startswith(magic):
            return cast(BinaryIO, io.BufferedReader(_Forward(*opener(file)), 1 << 18))
    return cast(BinaryIO, file)


class _Forward(io.RawIOBase):
    """A decompressor that is read forward only, and ends where its input is damaged or cut."""

    def __init__(self, file: BinaryIO, damages: tuple[type[Exception], ...]) -> None:
        self._file = file
        self._damages = damages

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        """Read some bytes; none at the end."""
        view = memoryview(cast(bytearray, buffer))
        try:
            data = self._file.read(len(view))
        except self._damages:
            return 0
        view[: len(data)] = data
        return len(data)


Opened = tuple[BinaryIO, tuple[type[Exception], ...]]


def _gzip(file: BinaryIO) -> Opened:
    return cast(BinaryIO, _Gzip(fileobj=file)), (EOFError, gzip.BadGzipFile, zlib.error)


class _Gzip(gzip.GzipFile):
    """Gives what there is before a cut, where the library would give an error alone."""

    def read(self, size: int | None = -1) -> bytes:
        return self.read1(-1 if size is None else size)


def _zstd(file: BinaryIO) -> Opened:
    try:
        import zstandard
    except ImportError:
        raise UsageError("this file is compressed by zstd", hint=_HINT) from None
    reader = zstandard.ZstdDecompressor(max_window_size=1 << 27).stream_reader(
        file, read_across_frames=True
    )
    return cast(BinaryIO, reader), (EOFError, zstandard.ZstdError)


def _lz4(file: BinaryIO) -> Opened:
    try:
        import lz4.frame
    except ImportError:
        raise UsageError("this file is compressed by lz4", hint=_HINT) from None
    return cast(BinaryIO, lz4.frame.open(file, "rb")), (EOFError, RuntimeError)


# RFC 1952 2.3.1, RFC 8878 3.1.1, and the LZ4 frame format.
_OPENERS: Mapping[bytes, Callable[[BinaryIO], Opened]] = {
    b"\x1f\x8b": _gzip,
    b"\x28\xb5\x2f\xfd": _zstd,
    b"\x04\x22\x4d\x18": _lz4,
}
