"""What is in the payloads, whatever carries them."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from voipbin_cli.analysis.columns import Ints, Mask
from voipbin_cli.analysis.headers import Headers
from voipbin_cli.analysis.marks import Marked, find_marks
from voipbin_cli.codec.codecs import IRREGULAR_RATIO
from voipbin_cli.codec.lookalikes import TEXT_SHARE, is_text

BLOCK_FRAMES = 50
"""One second: what a block is found to be holds for all of its frames. Columns begin with one."""

# Bytes of each payload that tell silence and text from the rest, spread evenly over it.
_LOOKS = 16
# Of those of a text so many may be of letters that are not ASCII.
_OTHER_LETTERS = 4


class PayloadFacts:
    """Columns of the payloads, by the headers that say where they are.

    `glimpse`: some bytes of the payload before them.
    """

    def __init__(self, headers: Headers, glimpse: bytes = b"") -> None:
        self._headers = headers
        self._glimpse_before = glimpse
        self._messages = headers.messages
        self._octets = np.frombuffer(headers.messages.data or b"\0", np.uint8)

    @property
    def size(self) -> Ints:
        """Bytes of payload, 0 where there is none to be found."""
        return self._headers.payload_bytes

    @property
    def audio_bytes(self) -> Ints:
        """Bytes of all that is meant to be heard: a message may hold several frames."""
        return self._headers.audio_bytes * self.is_audio

    @property
    def is_audio(self) -> Mask:
        """A payload is there, and it is meant to be heard."""
        return self._headers.is_audio

    @property
    def rate_hz(self) -> Ints:
        """Samples a second, as the frame says."""
        return self._headers.rate_hz

    @cached_property
    def _glimpse(self) -> NDArray[np.uint8]:
        """Bytes spread evenly over each payload, shape (messages, 16)."""
        at = self._headers.payload_at
        there = np.minimum(self.size, self._messages.length - at)
        last = np.maximum(there - 1, 0)[:, None]
        spread = np.minimum(last * np.arange(_LOOKS) // (_LOOKS - 1), last)
        start = (self._messages.offset + at)[:, None]
        inside: Ints = np.minimum(start + spread, len(self._octets) - 1)
        return self._octets[inside]

    @cached_property
    def is_still(self) -> Mask:
        """Silence in some codec: one byte over and over, as 16 of them tell; or no audio at all."""
        glimpse = self._glimpse
        same: Mask = (glimpse == glimpse[:, :1]).all(axis=1)
        return same | ~self.is_audio

    @cached_property
    def is_again(self) -> Mask:
        """The same sound as that of the message before, as 16 bytes of both tell."""
        earlier = np.frombuffer(self._glimpse_before or bytes(_LOOKS), np.uint8)
        before = np.vstack([earlier, self._glimpse])[:-1]
        same: Mask = (self._glimpse == before).all(axis=1)
        return same & ~self.is_still

    @property
    def last_glimpse(self) -> bytes:
        """Some bytes of the last payload."""
        return self._glimpse[-1].tobytes() if len(self._glimpse) else self._glimpse_before

    @cached_property
    def is_irregular(self) -> Mask:
        """Among others of many lengths: a sender that does not keep to one."""
        irregular = np.zeros(len(self.size), bool)
        for start in range(0, len(irregular), BLOCK_FRAMES):
            block = slice(start, start + BLOCK_FRAMES)
            _, counts = np.unique(self.size[block][self.is_audio[block]], return_counts=True)
            if len(counts):
                count = counts.sum()
                irregular[block] = count - counts.max() > max(1, IRREGULAR_RATIO * count)
        return irregular

    @cached_property
    def is_words(self) -> Mask:
        """Text, in a block that is: most of a glimpse of it are letters, and then all of it."""
        letters = np.count_nonzero(_letters(self._glimpse), axis=1)
        sounds = self.is_audio & ~self.is_still
        words: Mask = (letters >= _LOOKS - _OTHER_LETTERS) & sounds
        for n in np.flatnonzero(words).tolist():
            words[n] = is_text(self.of(n))
        if words.any():
            blocks = np.arange(len(words)) // BLOCK_FRAMES
            are_text = np.bincount(blocks, words) > TEXT_SHARE * np.bincount(blocks, sounds)
            words &= are_text[blocks]
        return words

    @cached_property
    def is_of_wav(self) -> Mask:
        """A part of a WAV file is somewhere in it."""
        return self._holds_mark(of_wav=True)

    @cached_property
    def is_of_file(self) -> Mask:
        """It begins as another file does."""
        return self._holds_mark(of_wav=False)

    @cached_property
    def _marks(self) -> list[Marked]:
        at = self._messages.offset + self._headers.payload_at
        there = np.minimum(self.size, self._messages.length - self._headers.payload_at)
        return list(find_marks(self._messages.data, at, there))

    def _holds_mark(self, *, of_wav: bool) -> Mask:
        holds = np.zeros(len(self._messages), bool)
        holds[[row for row, mark in self._marks if mark.is_wav is of_wav]] = True
        return holds & self.is_audio

    def of(self, n: int) -> bytes:
        """The payload of one message, as far as it is there."""
        start = int(self._headers.payload_at[n])
        return self._messages.message(n)[start : start + int(self.size[n])]


def _letters(octets: NDArray[np.uint8]) -> Mask:
    """Printable ASCII, spaces and line breaks included."""
    return ((octets >= 32) & (octets < 127)) | ((octets >= 9) & (octets <= 13))
