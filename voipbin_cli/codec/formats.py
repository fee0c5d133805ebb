"""What payloads are found to be that no media stream of the platform carries, by name."""

from __future__ import annotations

from enum import StrEnum


class Format(StrEnum):
    """Samples written in another way, compressed audio, no audio, or nothing that is known."""

    U8 = "u8"
    S8 = "s8"
    U16LE = "u16le"
    U16BE = "u16be"
    S24LE = "s24le"
    S24BE = "s24be"
    S32LE = "s32le"
    S32BE = "s32be"
    F32LE = "f32le"
    F32BE = "f32be"
    F64LE = "f64le"
    F64BE = "f64be"
    STEREO = "stereo"
    MULAW_TWICE = "mulaw-twice"
    MULAW_AS_ALAW = "mulaw-as-alaw"
    ALAW_AS_MULAW = "alaw-as-mulaw"
    MULAW_INVERTED = "mulaw-inverted"
    ALAW_INVERTED = "alaw-inverted"
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
    Format.U16LE: "unsigned 16-bit samples (u16le)",
    Format.U16BE: "unsigned, byte-swapped 16-bit samples (u16be)",
    Format.S24LE: "24-bit samples (s24le)",
    Format.S24BE: "byte-swapped 24-bit samples (s24be)",
    Format.S32LE: "32-bit samples (s32le)",
    Format.S32BE: "byte-swapped 32-bit samples (s32be)",
    Format.F32LE: "floating-point samples (f32le)",
    Format.F32BE: "byte-swapped floating-point samples (f32be)",
    Format.F64LE: "floating-point samples of 8 bytes (f64le)",
    Format.F64BE: "byte-swapped floating-point samples of 8 bytes (f64be)",
    Format.STEREO: "stereo",
    Format.MULAW_TWICE: "mu-law that was encoded twice",
    Format.MULAW_AS_ALAW: "mu-law that was decoded as A-law",
    Format.ALAW_AS_MULAW: "A-law that was decoded as mu-law",
    Format.MULAW_INVERTED: "mu-law whose bits are inverted",
    Format.ALAW_INVERTED: "A-law whose bits are inverted",
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
    Format.U16LE: 2,
    Format.U16BE: 2,
    Format.S24LE: 3,
    Format.S24BE: 3,
    Format.S32LE: 4,
    Format.S32BE: 4,
    Format.F32LE: 4,
    Format.F32BE: 4,
    Format.F64LE: 8,
    Format.F64BE: 8,
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
