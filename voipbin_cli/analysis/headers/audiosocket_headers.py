"""AudioSocket messages as columns: kind, length, and what follows."""

from __future__ import annotations

from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from voipbin_cli.analysis.columns import Ints, Mask, before, equal, unequal
from voipbin_cli.analysis.headers.no_headers import BARE_BYTES
from voipbin_cli.analysis.messages import Messages
from voipbin_cli.codec.audiosocket import HEADER_BYTES, RATE_HZ, Kind
from voipbin_cli.codec.codecs import SAMPLE_RATE_HZ

_MAX_JOINED = 32
_RATES: Ints = np.zeros(256, np.int64)
_RATES[list(RATE_HZ)] = list(RATE_HZ.values())
_KNOWN: Mask = np.zeros(256, bool)
_KNOWN[[int(kind) for kind in Kind]] = True


class _Chain(NamedTuple):
    """Frames in one message: how many are whole, their payload bytes, where they end."""

    whole: Ints
    payload_bytes: Ints
    end: Ints


class AudioSocketHeaders:
    """Columns of messages: the first frame of each stands for it, as it is due to hold one.

    `missing_bytes`: so many the frame in the message before the first one was short of.
    """

    def __init__(self, messages: Messages, missing_bytes: int = 0) -> None:
        self.messages = messages
        self._size, self._is_text = messages.size, messages.is_text
        self._missing_before = missing_bytes

    @cached_property
    def has_header(self) -> Mask:
        """Three bytes are there."""
        return (self._size >= HEADER_BYTES) & ~self._is_text

    @cached_property
    def kind(self) -> Ints:
        """The first byte."""
        return self.messages.octet(0)

    @cached_property
    def kind_hex(self) -> NDArray[np.str_]:
        """The kind as two hexadecimal digits."""
        return np.array([f"{kind:02x}" for kind in range(256)])[self.kind]

    @cached_property
    def declared(self) -> Ints:
        """What the length field says."""
        return self.messages.word(1)

    @cached_property
    def declared_little(self) -> Ints:
        """What it says in the wrong byte order."""
        return self.messages.octet(1) | self.messages.octet(2) << 8

    @cached_property
    def follows(self) -> Ints:
        """Bytes after the header."""
        return np.maximum(self._size - HEADER_BYTES, 0)

    @cached_property
    def _chain(self) -> _Chain:
        count = np.zeros(len(self.messages), np.int64)
        payload, end = np.zeros_like(count), np.zeros_like(count)
        going = self.has_header.copy()
        for _ in range(_MAX_JOINED):
            length = self.messages.word(end + 1)
            following = end + HEADER_BYTES + length
            going = going & (end + HEADER_BYTES <= self._size) & (following <= self._size)
            if not going.any():
                break
            count += going
            payload += np.where(going, length, 0)
            end = np.where(going, following, end)
        return _Chain(count, payload, end)

    @cached_property
    def _begins_well(self) -> Mask:
        """Audio comes first, or there is one frame and nothing else: no samples read like that."""
        chain = self._chain
        audio = (_RATES[self.kind] > 0) & (self.declared > 0)
        return (chain.whole > 0) & (audio | (equal(chain.whole, 1) & equal(chain.end, self._size)))

    @cached_property
    def is_swapped(self) -> Mask:
        """The length fits in little-endian order, and only so."""
        fits = equal(self.declared_little, self.follows)
        fits &= unequal(self.declared, self.declared_little)
        return self.has_header & ~self._begins_well & fits & _KNOWN[self.kind]

    @cached_property
    def _missing(self) -> Ints:
        """Bytes that the length field promises beyond the message's end."""
        short = self.has_header & equal(self._chain.whole, 0) & ~self.is_swapped & _KNOWN[self.kind]
        return np.where(short, self.declared - self.follows, 0)

    @cached_property
    def is_rest(self) -> Mask:
        """Just what the frame in the message before was short of."""
        missing = before(self._missing, self._missing_before)
        return (self._size > 0) & ~self._is_text & ~self._begins_well & equal(self._size, missing)

    @cached_property
    def is_bare(self) -> Mask:
        """Of the size of bare audio, and no frame: samples of silence read as many hangups."""
        whole = (self._size > 0) & equal(self._size % BARE_BYTES, 0) & ~self._is_text
        return whole & ~self._begins_well & ~self.is_swapped & ~self.is_rest

    @cached_property
    def frame_count(self) -> Ints:
        """Whole frames in the message."""
        return np.where(self.is_bare | self.is_rest, 0, self._chain.whole)

    @cached_property
    def rest_bytes(self) -> Ints:
        """Bytes after the whole frames."""
        many = self._chain.whole >= _MAX_JOINED
        return np.where(many | self._is_text, 0, self._size - self._chain.end)

    @cached_property
    def is_short(self) -> Mask:
        """The header is whole, and the first frame is not."""
        broken = equal(self.frame_count, 0) & ~self.is_swapped & ~self.is_rest & ~self.is_bare
        return self.has_header & broken

    @cached_property
    def payload_at(self) -> Ints:
        """After the header, where there is one; bare audio is all payload."""
        return np.where(self.frame_count > 0, HEADER_BYTES, 0)

    @cached_property
    def payload_bytes(self) -> Ints:
        """Payload of the first frame, or bare audio."""
        bare = np.where(self.is_bare, self._size, 0)
        return np.where(self.frame_count > 0, self.declared, bare)

    @cached_property
    def is_sound_kind(self) -> Mask:
        """The kind is one of audio."""
        return (self.frame_count > 0) & (_RATES[self.kind] > 0)

    @cached_property
    def is_audio(self) -> Mask:
        """Audio by its kind, or bare."""
        return (self.is_sound_kind | self.is_bare) & (self.payload_bytes > 0)

    @cached_property
    def rate_hz(self) -> Ints:
        """What the kind says."""
        rates = np.where(self.frame_count > 0, _RATES[self.kind], 0)
        return np.where(rates > 0, rates, SAMPLE_RATE_HZ)

    @cached_property
    def audio_bytes(self) -> Ints:
        """Payload of all frames in the message, or bare audio."""
        return np.where(self.frame_count > 1, self._chain.payload_bytes, self.payload_bytes)

    @property
    def is_frame(self) -> Mask:
        """It begins with a whole frame."""
        return self.frame_count > 0

    @property
    def label(self) -> Ints:
        """The kind."""
        return self.kind

    @property
    def missing_bytes(self) -> int:
        """So many the frame in the last message is short of."""
        return int(self._missing[-1]) if len(self.messages) else self._missing_before
