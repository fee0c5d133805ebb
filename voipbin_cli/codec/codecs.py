"""The four ways in which samples are written on the wire, and the frame all of them share."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from enum import StrEnum
from typing import TYPE_CHECKING

from voipbin_cli.codec import g711
from voipbin_cli.codec.g711 import (
    alaw_to_s16le,
    mulaw_to_s16le,
    s16le_to_alaw,
    s16le_to_mulaw,
)

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

SAMPLE_RATE_HZ = 8000
HARMLESS_MS = range(10, 61)
"""Frames of so many ms that any buffer takes up: RFC 3551 4.2 wants receivers to take packets of 0
to 200 ms; shorter ones are mostly headers, and a buffer of 60 ms, as most have, holds no longer."""
IRREGULAR_RATIO = 0.03
"""Where more frames than that are of another length than most, who takes the first frame's length
for that of all goes wrong; fewer are the last frame of a sound, cut short, in each second of it."""

FRAME_SAMPLES = 160
FRAME_NS = 20_000_000


class Codec(StrEnum):
    """How one sample is written: G.711 in a byte, or linear in two."""

    MULAW = "mulaw"
    ALAW = "alaw"
    S16LE = "s16le"
    S16BE = "s16be"

    @property
    def sample_bytes(self) -> int:
        """Bytes a sample takes on the wire."""
        return 1 if self is Codec.MULAW or self is Codec.ALAW else 2


def _whole(payload: bytes) -> bytes:
    return payload[:-1] if len(payload) & 1 else payload


def _swapped(payload: bytes) -> bytes:
    samples = array("H", _whole(payload))
    samples.byteswap()
    return samples.tobytes()


_DECODERS = {
    Codec.MULAW: mulaw_to_s16le,
    Codec.ALAW: alaw_to_s16le,
    Codec.S16LE: _whole,
    Codec.S16BE: _swapped,
}
_ENCODERS = {
    Codec.MULAW: s16le_to_mulaw,
    Codec.ALAW: s16le_to_alaw,
    Codec.S16LE: _whole,
    Codec.S16BE: _swapped,
}


def decoder(codec: Codec) -> Callable[[bytes], bytes]:
    """Return what does `decode` for one codec: a little faster for who has many payloads of it."""
    return _DECODERS[codec]


def decode(codec: Codec, payload: bytes) -> bytes:
    """Return `payload` as signed 16-bit little-endian samples.

    An odd last byte of linear audio is half a sample and is dropped.
    """
    return _DECODERS[codec](payload)


def samples(codec: Codec, payload: bytes | memoryview) -> npt.NDArray[np.int16]:
    """Return `payload` as an array of samples, which may share the payload's memory.

    An odd last byte of linear audio is half a sample and is dropped.
    """
    import numpy as np

    if codec.sample_bytes == 1:
        return g711.samples(payload, alaw=codec is Codec.ALAW)
    order = "<i2" if codec is Codec.S16LE else ">i2"
    return np.frombuffer(payload, order, len(payload) // 2).astype(np.int16, copy=False)


def encode(codec: Codec, pcm: bytes) -> bytes:
    """Return signed 16-bit little-endian samples as `codec` writes them.

    An odd last byte of `pcm` is half a sample and is dropped.
    """
    return _ENCODERS[codec](pcm)
