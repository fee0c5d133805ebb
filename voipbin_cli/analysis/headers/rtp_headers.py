"""RTP packets as columns (RFC 3550 5.1): the header and where it ends."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from voipbin_cli.analysis.columns import Ints, Mask, equal, unequal
from voipbin_cli.analysis.headers.no_headers import BARE_BYTES
from voipbin_cli.analysis.messages import Messages
from voipbin_cli.codec.codecs import SAMPLE_RATE_HZ
from voipbin_cli.codec.payload_types import COMFORT_NOISE, L16, PCMA, PCMU, RESERVED, STATIC, lookup
from voipbin_cli.codec.rtp import HEADER_BYTES, VERSION

_FIXED = np.dtype(
    [
        ("flags", "u1"),
        ("type", "u1"),
        ("sequence_number", ">u2"),
        ("timestamp", ">u4"),
        ("ssrc", ">u4"),
    ]
)
_EXTENSION_HEADER_BYTES = 4
_EVENT_BYTES = 4


def _sample_bytes(number: int) -> int:
    if number in (PCMU, PCMA):
        return 1
    return 2 * (STATIC[number].channels or 0) if number in L16 else 0


def _type_words(number: int) -> str:
    known = lookup(number)
    return f"{number} ({known.words})" if known else str(number)


# By payload type.
_SAMPLE_BYTES: Ints = np.array([_sample_bytes(number) for number in range(128)])
_TYPE_WORDS: NDArray[np.str_] = np.array([_type_words(number) for number in range(128)])


class RtpHeaders:
    """Columns of packets, each read alone. Of what is no packet the columns are zero.

    `goes_by_label`: of phones, whose static payload types tell the rate of linear samples, too.
    """

    def __init__(self, messages: Messages, *, goes_by_label: bool = False) -> None:
        self.messages = messages
        self._goes_by_label = goes_by_label
        self._size, self._is_text = messages.size, messages.is_text

    @cached_property
    def has_header(self) -> Mask:
        """Twelve bytes are there."""
        return (
            (self._size >= HEADER_BYTES) & (self.messages.length >= HEADER_BYTES) & ~self._is_text
        )

    @cached_property
    def is_short(self) -> Mask:
        """Some bytes, and fewer than a header has."""
        return (self._size > 0) & (self._size < HEADER_BYTES) & ~self._is_text

    @cached_property
    def _header(self) -> NDArray[np.void]:
        """The fixed header as a structure, zeros where it is not there."""
        header: NDArray[np.void] = self.messages.heads(HEADER_BYTES).view(_FIXED)[:, 0]
        return header

    @cached_property
    def _flags(self) -> Ints:
        return self._field("flags")

    def _field(self, name: str) -> Ints:
        return self._header[name].astype(np.int64)

    @cached_property
    def version(self) -> Ints:
        """V, 2 bits."""
        return self._flags >> 6

    @cached_property
    def is_bare(self) -> Mask:
        """No RTP, and of the size of bare audio."""
        other = self.has_header & unequal(self.version, VERSION)
        return other & equal(self._size % BARE_BYTES, 0)

    @cached_property
    def is_other_version(self) -> Mask:
        """Not RTP version 2, and not bare audio either."""
        return self.has_header & unequal(self.version, VERSION) & ~self.is_bare

    @cached_property
    def _is_rtp(self) -> Mask:
        return self.has_header & equal(self.version, VERSION)

    @cached_property
    def has_padding(self) -> Mask:
        """P is set."""
        return self._is_rtp & (self._flags & 0x20 > 0)

    @cached_property
    def has_extension(self) -> Mask:
        """X is set."""
        return self._is_rtp & (self._flags & 0x10 > 0)

    @cached_property
    def csrc_count(self) -> Ints:
        """CC, 4 bits."""
        return np.where(self._is_rtp, self._flags & 0x0F, 0)

    @cached_property
    def marker(self) -> Mask:
        """M is set."""
        return self._is_rtp & (self._field("type") > 0x7F)

    @cached_property
    def payload_type(self) -> Ints:
        """PT, 7 bits."""
        return self._field("type") & 0x7F

    @cached_property
    def sequence_number(self) -> Ints:
        """16 bits."""
        return self._field("sequence_number")

    @cached_property
    def timestamp(self) -> Ints:
        """32 bits."""
        return self._field("timestamp")

    @cached_property
    def ssrc(self) -> Ints:
        """32 bits."""
        return self._field("ssrc")

    # Where the header ends

    @cached_property
    def csrc_end(self) -> Ints:
        """Where the list of contributing sources ends."""
        return HEADER_BYTES + 4 * self.csrc_count

    @cached_property
    def is_csrc_cut(self) -> Mask:
        """The list goes on beyond the packet."""
        return self._is_rtp & (self.csrc_end > self._size)

    @cached_property
    def header_end(self) -> Ints:
        """Where the payload begins."""
        if not self.has_extension.any():
            return self.csrc_end
        words = self.messages.word(self.csrc_end + 2)
        extension = _EXTENSION_HEADER_BYTES + 4 * words
        return np.where(self.has_extension, self.csrc_end + extension, self.csrc_end)

    @cached_property
    def is_extension_cut(self) -> Mask:
        """The extension goes on beyond the packet."""
        return self.has_extension & ~self.is_csrc_cut & (self.header_end > self._size)

    @cached_property
    def padding_bytes(self) -> Ints:
        """What the last byte counts; not known where the capture cut it off."""
        counted = self.has_padding & self.messages.is_whole
        if not counted.any():
            return np.zeros(len(self.messages), np.int64)
        return np.where(counted, self.messages.octet(np.maximum(self._size - 1, 0)), 0)

    @cached_property
    def is_padding_wrong(self) -> Mask:
        """The count is zero, or more than there is."""
        room = self._size - self.header_end
        wrong = (self.padding_bytes < 1) | (self.padding_bytes > room)
        cut = self.is_csrc_cut | self.is_extension_cut
        return self.has_padding & self.messages.is_whole & wrong & ~cut

    @cached_property
    def is_readable(self) -> Mask:
        """A whole header."""
        cut = self.is_csrc_cut | self.is_extension_cut | self.is_padding_wrong
        return self._is_rtp & ~cut

    @cached_property
    def is_rtcp(self) -> Mask:
        """RFC 3551 6: reserved payload types, with the marker, are RTCP's packet types."""
        reserved = (self.payload_type >= RESERVED[0]) & (self.payload_type <= RESERVED[-1])
        return self._is_rtp & self.marker & reserved

    @cached_property
    def is_packet(self) -> Mask:
        """An RTP packet whose header can be read."""
        return self.is_readable & ~self.is_rtcp

    @cached_property
    def payload_at(self) -> Ints:
        """After the header; bare audio is all payload."""
        return np.where(self.is_packet, np.minimum(self.header_end, self.messages.length), 0)

    @cached_property
    def payload_bytes(self) -> Ints:
        """Less the padding."""
        payload = np.maximum(self._size - self.header_end - self.padding_bytes, 0)
        bare = np.where(self.is_bare, self._size, 0)
        return np.where(self.is_packet, payload, bare)

    @cached_property
    def is_audio(self) -> Mask:
        """A payload, and no comfort noise or telephone event."""
        return (self.payload_bytes > 0) & ~self.is_aside

    @cached_property
    def is_aside(self) -> Mask:
        """Comfort noise (RFC 3389) or a telephone event (RFC 4733, four bytes)."""
        event = (self.payload_type >= 96) & equal(self.payload_bytes, _EVENT_BYTES)
        return self.is_packet & (equal(self.payload_type, COMFORT_NOISE) | event)

    @property
    def is_frame(self) -> Mask:
        """A packet can be read."""
        return self.is_packet

    @property
    def label(self) -> Ints:
        """The payload type."""
        return self.payload_type

    @property
    def audio_bytes(self) -> Ints:
        """A packet is one frame."""
        return self.payload_bytes

    @cached_property
    def rate_hz(self) -> Ints:
        """8 kHz; of phones what RFC 3551 says of L16."""
        linear = np.isin(self.payload_type, L16) & self._goes_by_label
        return np.where(linear, STATIC[L16[0]].clock_hz, SAMPLE_RATE_HZ)

    @cached_property
    def sample_bytes(self) -> Ints:
        """Bytes of a sample of each channel by RFC 3551: 1 of G.711, 4 or 2 of L16, else 0."""
        return _SAMPLE_BYTES[self.payload_type]

    @property
    def type_words(self) -> NDArray[np.str_]:
        """The payload type, and what RFC 3551 says that it is."""
        return _TYPE_WORDS[self.payload_type]
