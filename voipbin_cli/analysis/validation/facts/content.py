"""What the rules know of a block of messages: columns, worked out when a rule asks for them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from voipbin_cli.analysis.columns import Floats, Ints, Mask, equal
from voipbin_cli.analysis.messages import Messages
from voipbin_cli.analysis.validation.due import Due, Spec
from voipbin_cli.codec.pcm import SAMPLE_RATE_HZ, Codec

CODECS: tuple[Codec | None, ...] = (None, *Codec)
"""What the numbers of the `codec` column mean; MISALIGNED comes after them."""
MISALIGNED = len(CODECS)
SAMPLE_BYTES = np.array([0, *(codec.sample_bytes for codec in Codec), 2])

NS_PER_S = 1_000_000_000
MAX_PAYLOAD_BYTES = 0xFFFF
_LOOKS = 16
_WORDS_BYTES = 32
_WORDS_STEP = 12.0


_NAMES = {
    Codec.MULAW: "mu-law",
    Codec.ALAW: "A-law",
    Codec.S16LE: "linear (s16le)",
    Codec.S16BE: "linear (s16be)",
}


def codec_name(codec: Codec | None) -> str:
    """The name of a codec in a sentence."""
    return _NAMES[codec] if codec else "unknown"


def code_of(codec: Codec) -> int:
    """The number of a codec in the `codec` column."""
    return CODECS.index(codec)


@dataclass(slots=True)
class Past:
    """What a block has to know of those before it; of RTP and AudioSocket some more."""

    frames: int = 0
    is_timed: bool = False
    time_ns: int = 0
    queued_ns: int = 0
    quick: int = 0
    was_still: bool = True
    packets: int = 0
    ssrc: int = 0
    sequence_number: int = 0
    payload_type: int = 0
    behind: int = 0
    timestamp: int = 0
    samples: int = 0
    samples_payload_type: int = 0
    missing_bytes: int = 0


class ContentFacts:
    """SLN, and what all encapsulations share. Columns have one element a message.

    `codec` is filled in by who has heard the payloads; all else follows from the bytes.
    """

    def __init__(self, frames: Messages, due: Due, past: Past) -> None:
        self.frames = frames
        self.due = due
        self.past = past
        self.codec = np.zeros(len(frames), np.int64)
        self._octets = np.frombuffer(frames.data or b"\0", np.uint8)

    # Bytes

    def octet(self, at: int | Ints) -> Ints:
        """The byte at an index of each message, 0 where it is not there."""
        frames = self.frames
        inside: Mask = (frames.length > at) & (np.asarray(at) >= 0)
        place: Ints = np.where(inside, frames.offset + at, 0)
        octets = self._octets[place].astype(np.int64)
        octets[~inside] = 0
        return octets

    def word(self, at: int | Ints) -> Ints:
        """The big-endian 16-bit number at an index of each message."""
        return self.octet(at) << 8 | self.octet(at + 1)

    @cached_property
    def size(self) -> Ints:
        """Bytes of the message."""
        return self.frames.size

    @property
    def is_text(self) -> Mask:
        """A text message."""
        return self.frames.is_text

    @cached_property
    def is_empty(self) -> Mask:
        """A binary message without a byte."""
        return equal(self.size, 0) & ~self.is_text

    @cached_property
    def is_whole(self) -> Mask:
        """All its bytes are here, none was cut off by the capture."""
        return equal(self.frames.length, self.size)

    @cached_property
    def is_first(self) -> Mask:
        """The first message of the stream."""
        first = np.zeros(len(self.frames), bool)
        first[:1] = self.past.frames == 0
        return first

    # The payload

    @cached_property
    def payload_at(self) -> Ints:
        """Where in the message the payload begins."""
        return np.zeros(len(self.frames), np.int64)

    @cached_property
    def payload_bytes(self) -> Ints:
        """Bytes of payload, 0 where there is none to be found."""
        return np.where(self.is_text, 0, self.size)

    @cached_property
    def is_audio(self) -> Mask:
        """A payload is there, and it is meant to be heard."""
        return self.payload_bytes > 0

    @cached_property
    def rate_hz(self) -> Ints:
        """Samples a second, as the frame says."""
        return np.full(len(self.frames), SAMPLE_RATE_HZ, np.int64)

    @cached_property
    def _glimpse(self) -> NDArray[np.uint8]:
        """Bytes spread evenly over each payload, shape (messages, 16)."""
        there = np.minimum(self.payload_bytes, self.frames.length - self.payload_at)
        last = np.maximum(there - 1, 0)[:, None]
        at = np.minimum(last * np.arange(_LOOKS) // (_LOOKS - 1), last)
        start = (self.frames.offset + self.payload_at)[:, None]
        inside: Ints = np.minimum(start + at, len(self._octets) - 1)
        return self._octets[inside]

    @cached_property
    def is_still(self) -> Mask:
        """Silence in some codec: one byte over and over, as 16 of them tell; or no audio at all."""
        glimpse = self._glimpse
        same: Mask = (glimpse == glimpse[:, :1]).all(axis=1)
        return same | ~self.is_audio

    @cached_property
    def begins(self) -> NDArray[np.uint32]:
        """The first four bytes of the payload as one number."""
        at = self.payload_at
        value = np.zeros(len(self.frames), np.int64)
        for n in range(4):
            value = value << 8 | np.where(self.payload_bytes > n, self.octet(at + n), 0)
        return value.astype(np.uint32)

    @cached_property
    def is_words(self) -> Mask:
        """Printable ASCII all over, and not one byte over and over.

        So is G.711 that never changes its sign; but its bytes go up and down in small steps.
        """
        words: Mask = _letters(self._glimpse).all(axis=1) & self.is_audio & ~self.is_still
        words &= self.payload_bytes >= _WORDS_BYTES
        for n in np.flatnonzero(words):
            octets = np.frombuffer(self.payload(int(n)), np.uint8)
            step = np.abs(np.diff(octets.astype(np.int64))).mean()
            words[n] = step > _WORDS_STEP and _letters(octets).all()
        return words

    def payload(self, n: int) -> bytes:
        """The payload of one message, as far as it is there."""
        start = int(self.payload_at[n])
        return self.frames.message(n)[start : start + int(self.payload_bytes[n])]

    # The audio

    @cached_property
    def sample_bytes(self) -> Ints:
        """Bytes a sample is due to have, 0 where that cannot be said."""
        if self.due.frame_bytes:
            return np.full(len(self.frames), self.due.frame_bytes // 160, np.int64)
        return SAMPLE_BYTES[self.codec]

    @cached_property
    def samples(self) -> Ints:
        """Samples of the payload, 0 where that cannot be said."""
        counted = self.payload_bytes // np.maximum(self.sample_bytes, 1)
        return np.where(self.is_audio & (self.sample_bytes > 0), counted, 0)

    @cached_property
    def duration_ns(self) -> Ints:
        """What the payload takes to be played."""
        return self.samples * (NS_PER_S // SAMPLE_RATE_HZ) * SAMPLE_RATE_HZ // self.rate_hz

    @cached_property
    def duration_ms(self) -> Floats:
        """What the payload takes to be played, in ms."""
        return self.duration_ns / 1e6

    @cached_property
    def due_bytes(self) -> NDArray[np.str_]:
        """What 20 ms have, in words where that cannot be said."""
        known = self.sample_bytes * self.rate_hz // 50
        return np.where(known > 0, known.astype(str), "160 of G.711 or 320 linear")

    @cached_property
    def is_linear_due(self) -> Mask:
        """Samples of two bytes are due."""
        return equal(self.sample_bytes, 2)

    def sounds(self, code: int) -> Mask:
        """Frames of sound that were heard to be of this codec."""
        return equal(self.codec, code) & ~self.is_still

    @cached_property
    def found(self) -> NDArray[np.str_]:
        """The name of the codec that was heard."""
        names = [*(codec_name(codec) for codec in CODECS), "misaligned"]
        return np.array(names)[self.codec]

    @property
    def due_codecs(self) -> str:
        """The names of the codecs that are due."""
        return " or ".join(codec_name(codec) for codec in Codec if codec in self.due.codecs)

    @property
    def due_says(self) -> str:
        """Whose word it is, what is due to be received."""
        is_observed = self.due.spec is Spec.DEPLOYED
        return "the platform was observed to send" if is_observed else "the documents say"

    @property
    def documented_codec(self) -> str:
        """The name of the codec that the documents say."""
        return codec_name(self.due.documented_codec)

    @property
    def due_payload_types(self) -> str:
        """The RTP payload types that are due."""
        return " or ".join(str(number) for number in sorted(self.due.payload_types))


def _letters(octets: NDArray[np.uint8]) -> Mask:
    """Printable ASCII, spaces and line breaks included."""
    return ((octets >= 32) & (octets < 127)) | ((octets >= 9) & (octets <= 13))
