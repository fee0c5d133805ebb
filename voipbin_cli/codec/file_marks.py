"""How files and their parts begin: headers that were sent as if they were samples."""

from __future__ import annotations

import re
from typing import NamedTuple

_WAV = "a WAV (RIFF) header"


class Mark(NamedTuple):
    """Bytes that are nowhere in sound, and what they are part of.

    With a `form` they are the first of a file, and what follows them has to be as it says.
    """

    octets: bytes
    name: str
    form: re.Pattern[bytes] | None = None

    @property
    def is_wav(self) -> bool:
        """A part of a WAV file, whose samples may well be right."""
        return self.octets in _WAV_OCTETS

    def is_at(self, payload: bytes, place: int) -> bool:
        """Whether the octets found at this place of a payload are the mark."""
        if self.form is None:
            return place + len(self.octets) <= len(payload)
        return place == 0 and self.form.match(payload) is not None


def _start(octets: bytes, form: bytes, name: str) -> Mark:
    return Mark(octets, name, re.compile(re.escape(octets) + form, re.DOTALL))


_STARTS = (
    _start(b"RIFF", rb".{4}(WAVE|AVI )", _WAV),
    _start(b"RIFX", rb".{4}WAVE", "a WAV (RIFX) header"),
    _start(b"RF64", rb".{4}WAVE", "a WAV (RF64) header"),
    _start(b"OggS", rb"\0[\0-\x07]", "an Ogg page"),
    _start(b"fLaC", rb"[\0\x80]\0\0", "a FLAC header"),
    _start(b"ID3", rb"[\x02-\x04]\0.[\0-\x7f]{4}", "an MP3 (ID3) header"),
    _start(b".snd", rb"\0\0", "an AU header"),
    _start(b"FORM", rb".{4}AIF[FC]", "an AIFF header"),
    _start(b"\x1aE\xdf\xa3", rb".{1,8}\x42\x86", "a WebM header"),
    _start(b"caff", rb"\0\x01\0\0", "a CAF header"),
    _start(b"\x89PNG", rb"\r\n\x1a\n", "a PNG image"),
)
_PARTS = (
    Mark(b"WAVEfmt ", _WAV),
    Mark(b"INFOI", "a RIFF LIST chunk"),
)
_WAV_OCTETS = (b"RIFF", b"RIFX", b"RF64", *(part.octets for part in _PARTS))

MARKS = (*_STARTS, *_PARTS)
"""What is looked for in every byte of a stream, so it is long, and there is little of it.

Five given bytes come by chance once in 38 hours of linear audio if that is random, and in speech
less: neighbouring samples of letters differ too much. Four letters alone do come, where speech in
mu-law keeps its sign for four samples: a file's first bytes count with what its format has behind.
"""
