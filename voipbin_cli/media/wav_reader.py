"""WAV from a pipe, read once and forwards; the header's sizes may be wrong or unknown."""

from __future__ import annotations

import os
import struct
from collections.abc import Callable, Mapping
from typing import Any, BinaryIO, NamedTuple

import numpy as np
import numpy.typing as npt

from voipbin_cli.codec import g711
from voipbin_cli.errors import UsageError

_MAX_CHUNK_BYTES = 1 << 20
_PCM, _FLOAT, _ALAW, _MULAW, _EXTENSIBLE = 1, 3, 6, 7, 0xFFFE
_CONVERT = "convert it: sox FILE -b 16 -e signed -t wav - | …"
_UNKNOWN_SIZES = (0, 0xFFFFFFFF)

Floats = npt.NDArray[np.float32]


class WavFormat(NamedTuple):
    """The fmt chunk."""

    tag: int
    channels: int
    rate_hz: int
    bits: int


class WavData(NamedTuple):
    """The data chunk of a file: how long its header says that it is, and what there is of it."""

    said_bytes: int
    there_bytes: int

    @property
    def is_endless(self) -> bool:
        """The header was written before anybody knew how long it would be."""
        return self.said_bytes in _UNKNOWN_SIZES


def wav_data(path: str) -> WavData | None:
    """The data chunk of a RIFF file; None where there is none."""
    with open(path, "rb") as file:
        if file.read(4) != b"RIFF":
            return None
        file.seek(12)
        while len(head := file.read(8)) == 8:
            kind, size = struct.unpack("<4sI", head)
            if kind == b"data":
                at = file.tell()
                return WavData(size, file.seek(0, os.SEEK_END) - at)
            file.seek(size + (size & 1), os.SEEK_CUR)
    return None


class WavReader:
    """Samples of a WAV stream whose header is read at once.

    A size of zero or 0xFFFFFFFF (ffmpeg, sox and we write these into pipes) means "to the end".

    Raises:
        UsageError: there is nothing, this is no WAV, or none that is understood.
    """

    def __init__(self, file: BinaryIO, name: str = "standard input") -> None:
        self._file = file
        self._name = name
        start = file.read(12)
        if not start:
            raise UsageError(f"{name} is empty", hint="send it a WAV: sox FILE -t wav - | …")
        if start[:4] not in (b"RIFF", b"RF64") or start[8:12] != b"WAVE":
            raise UsageError(f"{name} is no WAV", hint="convert it: sox FILE -t wav - | …")
        self.format = self._read_format()
        self.rate_hz, self.channels = self.format.rate_hz, self.format.channels
        self._decode = _DECODERS[self.format.tag, self.format.bits]
        self.frame_bytes = self.channels * self.format.bits // 8
        self.coding = _CODINGS[self.format.tag, self.format.bits]

    def read(self, frames: int) -> Floats:
        """At most `frames` frames as (frames, channels), full scale ±1; none at the end."""
        wanted = frames * self.frame_bytes
        if self._left_bytes is not None:
            wanted = min(wanted, self._left_bytes)
        data = self._file.read(wanted)
        if self._left_bytes is not None:
            self._left_bytes -= len(data)
        whole = data[: len(data) - len(data) % self.frame_bytes]
        return self._decode(whole).reshape(-1, self.channels)

    def _read_format(self) -> WavFormat:
        found: WavFormat | None = None
        while True:
            head = self._file.read(8)
            if len(head) < 8:
                raise UsageError(
                    f"the WAV on {self._name} ends before its audio", hint="check what wrote it"
                )
            kind, size = struct.unpack("<4sI", head)
            if kind == b"data":
                break
            if size > _MAX_CHUNK_BYTES:
                raise UsageError(
                    f"the WAV on {self._name} has a chunk of {size} bytes", hint=_CONVERT
                )
            body = self._file.read(size + (size & 1))
            if kind == b"fmt ":
                found = _parse_format(body, self._name)
        if found is None:
            raise UsageError(f"the WAV on {self._name} does not say its format", hint=_CONVERT)
        self._left_bytes = None if size in _UNKNOWN_SIZES else size
        return found


def _parse_format(body: bytes, name: str) -> WavFormat:
    if len(body) < 16:
        raise UsageError(f"the WAV on {name} has a damaged format", hint=_CONVERT)
    tag, channels, rate_hz, _, _, bits = struct.unpack_from("<HHIIHH", body)
    if tag == _EXTENSIBLE and len(body) >= 26:
        (tag,) = struct.unpack_from("<H", body, 24)
    if (tag, bits) not in _DECODERS or not channels or not rate_hz:
        raise UsageError(
            f"the WAV on {name} has an unknown format (tag {tag}, {bits} bits)",
            hint=_CONVERT,
        )
    return WavFormat(tag, channels, rate_hz, bits)


def _integers(dtype: str, full_scale: float, offset: int = 0) -> Callable[[bytes], Floats]:
    def decode(data: bytes) -> Floats:
        values: Any = np.frombuffer(data, dtype).astype(np.float32) - offset
        return np.asarray(values / np.float32(full_scale), np.float32)

    return decode


def _packed24(data: bytes) -> Floats:
    # A zero byte below each three makes 32-bit words of 256 times the value.
    padded = np.zeros((len(data) // 3, 4), np.uint8)
    padded[:, 1:] = np.frombuffer(data, np.uint8).reshape(-1, 3)
    return _integers("<i4", 1 << 31)(padded.tobytes())


def _floats(dtype: str) -> Callable[[bytes], Floats]:
    return lambda data: np.frombuffer(data, dtype).astype(np.float32)


def _through(expand: Callable[[bytes], bytes]) -> Callable[[bytes], Floats]:
    linear = _integers("<i2", 1 << 15)
    return lambda data: linear(expand(data))


_DECODERS: Mapping[tuple[int, int], Callable[[bytes], Floats]] = {
    (_PCM, 8): _integers("u1", 1 << 7, 1 << 7),
    (_PCM, 16): _integers("<i2", 1 << 15),
    (_PCM, 24): _packed24,
    (_PCM, 32): _integers("<i4", 1 << 31),
    (_FLOAT, 32): _floats("<f4"),
    (_FLOAT, 64): _floats("<f8"),
    (_ALAW, 8): _through(g711.alaw_to_s16le),
    (_MULAW, 8): _through(g711.mulaw_to_s16le),
}
# As libsndfile calls them.
_CODINGS: Mapping[tuple[int, int], str] = {
    (_PCM, 8): "PCM_U8",
    (_PCM, 16): "PCM_16",
    (_PCM, 24): "PCM_24",
    (_PCM, 32): "PCM_32",
    (_FLOAT, 32): "FLOAT",
    (_FLOAT, 64): "DOUBLE",
    (_ALAW, 8): "ALAW",
    (_MULAW, 8): "ULAW",
}
