"""What the payloads are as audio: the codec that was heard, and how long they play."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from voipbin_cli.analysis.columns import Ints, Mask, equal
from voipbin_cli.analysis.headers import Headers
from voipbin_cli.analysis.validation.due import codec_name
from voipbin_cli.codec.codecs import FRAME_SAMPLES, SAMPLE_RATE_HZ, Codec
from voipbin_cli.codec.formats import Format

CODECS: tuple[Codec | None, ...] = (None, *Codec)
"""What the numbers of a column of codecs mean; MISALIGNED and FOREIGN come after them."""
MISALIGNED = len(CODECS)
FOREIGN = MISALIGNED + 1
"""The first number of what is none of the codecs, the others follow in the order of Format."""

_SAMPLE_BYTES: Ints = np.array(
    [0, *(codec.sample_bytes for codec in Codec), 2, *(0 for _ in Format)]
)
_FOUND: NDArray[np.str_] = np.array(
    [*map(codec_name, CODECS), "misaligned", *(format_.words for format_ in Format)]
)
_FRAMES_PER_S = SAMPLE_RATE_HZ // FRAME_SAMPLES


def code_of(codec: Codec) -> int:
    """The number of a codec in a column of codecs."""
    return CODECS.index(codec)


def code_of_foreign(format_: Format) -> int:
    """The number of what is none of the codecs."""
    return FOREIGN + list(Format).index(format_)


class AudioFacts:
    """Columns of what is heard.

    `codec` has for each message a number of CODECS, MISALIGNED, or one from FOREIGN on.
    `sample_bytes` are the bytes that a sample is due to have, 0 where that cannot be said,
    `due_names` the codecs that are due, in words.
    """

    def __init__(
        self,
        headers: Headers,
        codec: Ints,
        sample_bytes: Ints | None = None,
        due_names: NDArray[np.str_] | None = None,
    ) -> None:
        self._headers = headers
        self.codec = codec
        self.due_names = due_names
        self.heard_bytes = _SAMPLE_BYTES[codec]
        self.sample_bytes = self.heard_bytes if sample_bytes is None else sample_bytes

    @cached_property
    def duration_ns(self) -> Ints:
        """What a message takes to be played, 0 where that cannot be said."""
        samples = self._samples(self._headers.audio_bytes, self.sample_bytes)
        return samples * 1_000_000_000 // self._headers.rate_hz

    @cached_property
    def frame_bytes(self) -> NDArray[np.str_]:
        """What 20 ms have, in words where that cannot be said."""
        known = self.sample_bytes * self._headers.rate_hz // _FRAMES_PER_S
        return np.where(known > 0, known.astype(str), "160 of G.711 or 320 linear")

    @cached_property
    def is_linear(self) -> Mask:
        """Samples of two bytes were heard."""
        return equal(self.heard_bytes, 2)

    @cached_property
    def is_linear_due(self) -> Mask:
        """Samples of two bytes are due."""
        return equal(self.sample_bytes, 2)

    @cached_property
    def found(self) -> NDArray[np.str_]:
        """The name of the codec that was heard."""
        return _FOUND[self.codec]

    def samples(self, sample_bytes: Ints) -> Ints:
        """Samples of the payload, 0 where a sample has no known size."""
        return self._samples(self._headers.payload_bytes, sample_bytes)

    def _samples(self, audio_bytes: Ints, sample_bytes: Ints) -> Ints:
        counted = audio_bytes // np.maximum(sample_bytes, 1)
        return np.where(self._headers.is_audio & (sample_bytes > 0), counted, 0)
