"""How payloads are read: in which codec, and from which byte on."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from voipbin_cli.codec import codecs
from voipbin_cli.codec.codecs import Codec


class Reading(NamedTuple):
    """How payloads are read: as samples of a codec, which begin one byte late if `shifted`."""

    codec: Codec
    shifted: bool = False

    @property
    def looks_like(self) -> Codec:
        """The codec that explains such payloads best, of those that are weighed.

        Little-endian samples that begin a byte late have their high bytes where big-endian ones
        have them, and the low bytes of their neighbours beside them.
        """
        return Codec.S16BE if self.shifted else self.codec

    @property
    def decode(self) -> Callable[[bytes], bytes]:
        """What makes s16le of a payload, with as many samples as if it were not shifted."""
        return _decode_shifted if self.shifted else codecs.decoder(self.codec)

    def __str__(self) -> str:
        return f"{self.codec} shifted by a byte" if self.shifted else str(self.codec)


def _decode_shifted(payload: bytes) -> bytes:
    """Read from the second byte on.

    The other half of the last sample is in the next payload: the sample before it is repeated.
    """
    whole = len(payload) // 2 * 2
    samples = payload[1 : whole - 1]
    return samples + (samples[-2:] or bytes(whole))


SHIFTED = Reading(Codec.S16LE, shifted=True)
READINGS = (*(Reading(codec) for codec in Codec), SHIFTED)
