"""AudioSocket, the protocol of Asterisk's app_audiosocket and chan_audiosocket.

https://docs.asterisk.org/Configuration/Channel-Drivers/AudioSocket/
"""

from __future__ import annotations

import struct
from enum import IntEnum
from typing import NamedTuple

from voipbin_cli.errors import DecodeError

HEADER_BYTES = 3
# "The payload length is a 16-bit unsigned integer (big endian)".
MAX_PAYLOAD_BYTES = 0xFFFF

# A frame is its kind (1 byte), the length of its payload (2 bytes, big-endian) and the payload.
_HEADER = struct.Struct("!BH")


class Kind(IntEnum):
    """What a frame carries. Audio is signed 16-bit little-endian mono, by the specification."""

    HANGUP = 0x00  # without payload; ends the connection, from either side
    UUID = 0x01  # 16 bytes, the first frame of a connection: which call it is
    SILENCE = 0x02  # in an old Go library only
    DTMF = 0x03  # one ASCII character
    # 0x10 to 0x18 are audio, a rate each.
    PCM_8K = 0x10
    PCM_12K = 0x11
    PCM_16K = 0x12
    PCM_24K = 0x13
    PCM_32K = 0x14
    PCM_44K1 = 0x15
    PCM_48K = 0x16
    PCM_96K = 0x17
    PCM_192K = 0x18
    ERROR = 0xFF  # perhaps a byte of payload: 01 hangup, 02 forwarding, 04 memory

    @property
    def rate_hz(self) -> int | None:
        """Samples per second of an audio kind, None for any other."""
        return RATE_HZ.get(self)


RATE_HZ: dict[int, int] = {
    Kind.PCM_8K: 8000,
    Kind.PCM_12K: 12000,
    Kind.PCM_16K: 16000,
    Kind.PCM_24K: 24000,
    Kind.PCM_32K: 32000,
    Kind.PCM_44K1: 44100,
    Kind.PCM_48K: 48000,
    Kind.PCM_96K: 96000,
    Kind.PCM_192K: 192000,
}
_KINDS: dict[int, int] = {int(kind): kind for kind in Kind}


class AudioSocketFrame(NamedTuple):
    """One AudioSocket frame; `kind` is a Kind, or the bare number of an unknown one."""

    kind: int
    payload: bytes


def build(kind: int, payload: bytes) -> bytes:
    """Return one frame as it goes on the wire.

    Raises ValueError for a kind over 255 or a payload over 65,535 bytes.
    """
    if len(payload) > MAX_PAYLOAD_BYTES:
        raise ValueError(f"AudioSocket payload of {len(payload)} bytes, at most 65535 fit")
    if not 0 <= kind <= 0xFF:
        raise ValueError(f"AudioSocket kind {kind} does not fit into a byte")
    return _HEADER.pack(kind, len(payload)) + payload


def parse_message(data: bytes) -> tuple[AudioSocketFrame, ...]:
    """Return the frames of one message: one or more, all of them whole.

    Raises DecodeError: `empty` (no bytes at all), `truncated` (a header cut short), `length`
    (a length field larger than what follows).
    """
    size = len(data)
    if size >= HEADER_BYTES:
        kind, length = _HEADER.unpack_from(data)
        # The platform puts one frame into each message, which needs no loop. The kind is looked
        # up in a dict, as calling the enum costs nine times as much.
        if size == HEADER_BYTES + length:
            return (AudioSocketFrame(_KINDS.get(kind, kind), data[HEADER_BYTES:]),)
    if not size:
        raise DecodeError("empty", "AudioSocket message without a byte")
    # Several frames in a message are taken by the far end, too, and all of them heard.
    frames = []
    offset = 0
    while offset < size:
        frame, offset = _parse_at(data, offset)
        frames.append(frame)
    return tuple(frames)


def _parse_at(data: bytes, offset: int) -> tuple[AudioSocketFrame, int]:
    start = offset + HEADER_BYTES
    if start > len(data):
        raise DecodeError(
            "truncated",
            f"AudioSocket header needs {HEADER_BYTES} bytes, got {len(data) - offset}",
            offset=offset,
        )
    kind, length = _HEADER.unpack_from(data, offset)
    end = start + length
    if end > len(data):
        raise DecodeError(
            "length",
            f"AudioSocket length field says {length} bytes, {len(data) - start} follow",
            offset=offset + 1,
        )
    return AudioSocketFrame(_KINDS.get(kind, kind), data[start:end]), end


class StreamDecoder:
    """Frames out of a byte stream (TCP), the same however the bytes were cut.

    Holds less than one frame (65,538 bytes) between two calls, whatever arrives.
    """

    __slots__ = ("_rest",)

    def __init__(self) -> None:
        self._rest = bytearray()

    @property
    def pending_bytes(self) -> int:
        """Bytes of a frame that is not whole yet."""
        return len(self._rest)

    def feed(self, data: bytes) -> list[AudioSocketFrame]:
        """Return the frames that are whole now, in order; any bytes form frames."""
        rest = self._rest
        rest += data
        frames = []
        offset = 0
        while len(rest) - offset >= HEADER_BYTES:
            kind, length = _HEADER.unpack_from(rest, offset)
            end = offset + HEADER_BYTES + length
            # The length field is 16 bits, so what is kept for the next call is bounded.
            if end > len(rest):
                break
            frames.append(
                AudioSocketFrame(_KINDS.get(kind, kind), bytes(rest[offset + HEADER_BYTES : end]))
            )
            offset = end
        del rest[:offset]
        return frames

    def finish(self) -> None:
        """End the stream. Raises DecodeError `truncated` when a frame is not whole."""
        if self._rest:
            left = len(self._rest)
            self._rest.clear()
            raise DecodeError("truncated", f"AudioSocket stream ends {left} bytes into a frame")
