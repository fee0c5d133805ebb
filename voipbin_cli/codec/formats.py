"""What payloads are found to be that no media stream of the platform carries, by name."""

from __future__ import annotations

from enum import StrEnum


class Format(StrEnum):
    """Samples written in another way, compressed audio, no audio, or nothing that is known."""

    U8 = "u8"
    S8 = "s8"
    S24LE = "s24le"
    F32LE = "f32le"
    STEREO = "stereo"
    MULAW_TWICE = "mulaw-twice"
    MULAW_AS_ALAW = "mulaw-as-alaw"
    ALAW_AS_MULAW = "alaw-as-mulaw"
    GSM = "gsm"
    G722 = "g722"
    OPUS = "opus"
    MP3 = "mp3"
    AAC = "aac"
    ADPCM = "adpcm"
    TEXT = "text"
    UNKNOWN = "unknown"

    @property
    def words(self) -> str:
        """What it is called in a sentence."""
        return _WORDS[self]

    @property
    def sample_bytes(self) -> int | None:
        """Bytes of a sample and channel, None where a byte is not so much time."""
        return _SAMPLE_BYTES.get(self)

    @property
    def is_codec(self) -> bool:
        """Compressed or unknown, as a session may have agreed on: no samples, and no text."""
        return self in _CODECS


_WORDS = {
    Format.U8: "8-bit unsigned samples (u8)",
    Format.S8: "8-bit signed samples (s8)",
    Format.S24LE: "24-bit samples (s24le)",
    Format.F32LE: "floating-point samples (f32le)",
    Format.STEREO: "stereo",
    Format.MULAW_TWICE: "mu-law that was encoded twice",
    Format.MULAW_AS_ALAW: "mu-law that was decoded as A-law",
    Format.ALAW_AS_MULAW: "A-law that was decoded as mu-law",
    Format.GSM: "GSM full rate",
    Format.G722: "G.722",
    Format.OPUS: "Opus",
    Format.MP3: "MP3",
    Format.AAC: "AAC (ADTS)",
    Format.ADPCM: "ADPCM",
    Format.TEXT: "text",
    Format.UNKNOWN: "no codec that this tool knows",
}
_SAMPLE_BYTES = {
    Format.U8: 1,
    Format.S8: 1,
    Format.S24LE: 3,
    Format.F32LE: 4,
    Format.STEREO: 4,
}

_CODECS = frozenset(
    (
        Format.GSM,
        Format.G722,
        Format.OPUS,
        Format.MP3,
        Format.AAC,
        Format.ADPCM,
        Format.UNKNOWN,
    )
)
