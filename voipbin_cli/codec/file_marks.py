"""How files and their parts begin: headers that were sent as if they were samples."""

from __future__ import annotations

from typing import NamedTuple

STARTS = {
    b"RIFF": "a WAV (RIFF) header",
    b"RIFX": "a WAV (RIFX) header",
    b"RF64": "a WAV (RF64) header",
    b"OggS": "an Ogg page",
    b"fLaC": "a FLAC header",
    b"ID3\x02": "an MP3 (ID3) header",
    b"ID3\x03": "an MP3 (ID3) header",
    b"ID3\x04": "an MP3 (ID3) header",
    b".snd": "an AU header",
    b"FORM": "an AIFF header",
    b"\x1aE\xdf\xa3": "a WebM header",
    b"caff": "a CAF header",
    b"\x89PNG": "a PNG image",
}
"""The first four bytes of a file, and what they are called: four are enough where one may begin."""


class Mark(NamedTuple):
    """Bytes that are nowhere in sound, and what they are part of."""

    octets: bytes
    name: str


MARKS = (
    Mark(b"WAVEfmt ", STARTS[b"RIFF"]),
    Mark(b"INFOI", "a RIFF LIST chunk"),
)
"""What is looked for in every byte of a stream, so it is long, and there is little of it.

Five given bytes come by chance once in 38 hours of linear audio if that is random, and in speech
less: neighbouring samples of letters differ too much.
"""
