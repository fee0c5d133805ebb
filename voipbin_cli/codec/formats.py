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
    def sample_bytes(self) -> int | None:
        """Bytes of a sample and channel, None where a byte is not so much time."""
        return _SAMPLE_BYTES.get(self)


_SAMPLE_BYTES = {
    Format.U8: 1,
    Format.S8: 1,
    Format.S24LE: 3,
    Format.F32LE: 4,
    Format.STEREO: 4,
}
