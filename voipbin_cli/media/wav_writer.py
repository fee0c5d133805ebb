"""A WAV file that any player can open at any time while it is written, and after a crash.

The data is appended first, then the whole header is written again over the old one in a single
write, so the sizes never promise what is not there. Room for a `ds64` chunk is kept from the
start, so the file turns into RF64 (EBU Tech 3306) in place when it outgrows 32-bit sizes.
"""

from __future__ import annotations

import contextlib
import errno
import os
import struct

from voipbin_cli.media.kept_file import KeptFile, disk_error

HEADER_BYTES = 80
"""RIFF header 12, JUNK or ds64 chunk 36, fmt chunk 24, data chunk header 8."""

RIFF_DATA_LIMIT_BYTES = 0xFFFFFFFF - HEADER_BYTES
"""More audio than this needs 64-bit sizes (the RIFF size counts the header, too)."""

_UNKNOWN_SIZE = 0xFFFFFFFF
_PCM = 1
_SAMPLE_BYTES = 2


def write_at_start(file: KeptFile, data: bytes) -> int:
    """Write over the start of the file in one piece; what is appended goes on at its end."""
    if hasattr(os, "pwrite"):
        return os.pwrite(file.fileno(), data, 0)
    end = file.tell()  # Windows
    file.seek(0)
    try:
        return file.write(data)
    finally:
        file.seek(end)


def _riff(tag: bytes, riff_size: int, second: bytes, rate_hz: int, channels: int) -> bytes:
    align = channels * _SAMPLE_BYTES
    fmt = struct.pack("<HHIIHH", _PCM, channels, rate_hz, rate_hz * align, align, 8 * _SAMPLE_BYTES)
    return b"".join(
        (tag, struct.pack("<I", riff_size), b"WAVE", second, b"fmt ", struct.pack("<I", 16), fmt)
    )


def wav_header(
    data_bytes: int,
    *,
    rate_hz: int,
    channels: int,
    rf64_above_bytes: int = RIFF_DATA_LIMIT_BYTES,
) -> bytes:
    """The 80 header bytes in front of `data_bytes` of s16le; RF64 above `rf64_above_bytes`."""
    riff_size = HEADER_BYTES - 8 + data_bytes
    if data_bytes <= rf64_above_bytes:
        junk = struct.pack("<4sI28x", b"JUNK", 28)
        start = _riff(b"RIFF", riff_size, junk, rate_hz, channels)
        return start + struct.pack("<4sI", b"data", data_bytes)
    samples = data_bytes // (channels * _SAMPLE_BYTES)
    # EBU Tech 3306: riff size, data size, sample count, no table of other long chunks.
    ds64 = struct.pack("<4sIQQQI", b"ds64", 28, riff_size, data_bytes, samples, 0)
    start = _riff(b"RF64", _UNKNOWN_SIZE, ds64, rate_hz, channels)
    return start + struct.pack("<4sI", b"data", _UNKNOWN_SIZE)


def streaming_header(rate_hz: int, channels: int) -> bytes:
    """44 header bytes for a pipe, where the sizes are never known."""
    start = _riff(b"RIFF", _UNKNOWN_SIZE, b"", rate_hz, channels)
    return start + struct.pack("<4sI", b"data", _UNKNOWN_SIZE)


class WavWriter:
    """Crash-safe 16-bit WAV in a regular file that the caller opened, unbuffered and empty.

    Every `flush` leaves a file that libsndfile, sox, ffmpeg and the stdlib's `wave` read whole.
    `close` closes the file.
    """

    def __init__(
        self,
        file: KeptFile,
        *,
        rate_hz: int = 8000,
        channels: int = 1,
        rf64_above_bytes: int = RIFF_DATA_LIMIT_BYTES,
    ) -> None:
        self.filesystem = file.filesystem
        self._file = file
        self._rate_hz = rate_hz
        self._channels = channels
        self._rf64_above_bytes = rf64_above_bytes
        self._align = channels * _SAMPLE_BYTES
        self._data_bytes = 0
        self._header_says_bytes = -1
        try:
            self._patch_header()
            file.seek(HEADER_BYTES)
        except OSError as error:
            raise disk_error(file.path, error) from error

    @property
    def data_bytes(self) -> int:
        """Audio bytes that the file holds."""
        return self._data_bytes

    def write(self, pcm: bytes) -> None:
        """Append s16le. On a full disk what fitted is kept and readable.

        Raises:
            MachineError: the disk did not take all of it.
        """
        rest = memoryview(pcm)
        try:
            while rest:
                done = self._file.write(rest)
                self._data_bytes += done
                rest = rest[done:]
        except OSError as error:
            with contextlib.suppress(OSError):
                self._patch_header()
            raise disk_error(self._file.path, error) from error

    def flush(self, sync: bool = False) -> None:
        """Put the true sizes into the header; `sync` brings data and header onto the disk.

        Raises:
            MachineError: the disk refused.
        """
        try:
            self._patch_header()
            if sync:
                self._file.sync()
        except OSError as error:
            raise disk_error(self._file.path, error) from error

    def close(self) -> None:
        """Drop a last half sample, finish the header, sync, close. Twice is no error.

        Raises:
            MachineError: the disk refused.
        """
        if self._file.closed:
            return
        try:
            self._file.truncate(HEADER_BYTES + self._whole_bytes())
            self.flush(sync=True)
        except OSError as error:
            raise disk_error(self._file.path, error) from error
        finally:
            self._file.close()

    def _whole_bytes(self) -> int:
        return self._data_bytes - self._data_bytes % self._align

    def _patch_header(self) -> None:
        """Write the header in one piece when its sizes are old; leave the file at its end."""
        whole = self._whole_bytes()
        if whole == self._header_says_bytes:
            return
        header = wav_header(
            whole,
            rate_hz=self._rate_hz,
            channels=self._channels,
            rf64_above_bytes=self._rf64_above_bytes,
        )
        if write_at_start(self._file, header) != HEADER_BYTES:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self._header_says_bytes = whole
